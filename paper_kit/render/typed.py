"""Numbers that a manuscript types and means: in formulas, in pseudo-code, in the words of tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from paper_kit.analysis.artifacts import Cell, Note, Table
from paper_kit.render.lexer import closing_brace

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_MATHS = re.compile(
    r"(?<!\\)\$(?P<inline>(?:\\.|[^$\\])+)\$|\\\((?P<round>.*?)\\\)|\\\[(?P<square>.*?)\\\]"
    r"|\\begin\{(?P<name>equation|align|gather|multline|eqnarray|algorithmic)(?P<star>\*?)\}"
    r"(?P<shown>.*?)\\end\{(?P=name)(?P=star)\}",
    re.DOTALL,
)


def numbers_in(text: str) -> Counter[str]:
    """How often each number stands in a text."""
    return Counter(NUMBER.findall(text))


def numbers_in_formulas(tex: str) -> Counter[str]:
    """How often each number is typed in the formulas and the pseudo-code of a TeX file."""
    found: Counter[str] = Counter()
    for match in _MATHS.finditer(_without_facts(_COMMENT.sub("", tex))):
        found += numbers_in(
            next(text for text in match.group("inline", "round", "square", "shown") if text is not None)
        )
    return found


def numbers_in_tables(tables: Iterable[Table]) -> frozenset[str]:
    """The numbers in what tables print beside facts: names, headers, notes, marks."""
    return frozenset(
        number for table in tables for text in _words_of(table) for number in NUMBER.findall(text)
    )


def _words_of(table: Table) -> Iterator[str]:
    yield from (column.text for column in table.columns)
    yield from (header for header, _ in table.groups)
    for note in table.notes:
        parts = note.parts if isinstance(note, Note) else (note,)
        yield from (part for part in parts if isinstance(part, str))
    for row in table.rows:
        for entry in row:
            cell = entry if isinstance(entry, Cell) else Cell(entry)
            yield cell.mark
            if isinstance(cell.content, str):
                yield cell.content


def _without_facts(tex: str) -> str:
    r"""The TeX without its \pkfact{n}{text}."""
    kept: list[str] = []
    position = 0
    for match in re.finditer(r"\\pkfact\{\d+\}\{", tex):
        if match.start() >= position:
            kept.append(tex[position : match.start()])
            position = closing_brace(tex, match.end())
    return "".join([*kept, tex[position:]])
