"""Numbers in tables and figures that come from no fact: typed in the code of a plug-in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from paper_kit.analysis.artifacts import Cell, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.render.check import Finding
from paper_kit.render.proof.numbers import in_prose
from paper_kit.render.proof.page import VALUE

if TYPE_CHECKING:
    from paper_kit.analysis.artifacts import Diagram, Figure


SIZE = r"\d+(?:[x×]\d+)+"
Told = tuple[str, str]  # a place, and a text that stands there


def artifact_findings(
    tables: Mapping[str, Table], figures: Mapping[str, Figure | Diagram], names: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """The numbers of headers, cells, notes and alternative texts that are no facts, by table and figure.

    A cell that cites, and those of its row, say what the cited source says. `names`, of the study's models
    and classes, may have digits.
    """
    texts = [
        *(told for stem, table in tables.items() for told in _table(stem, table)),
        *(told for stem, figure in figures.items() for told in _figure(stem, figure)),
    ]
    known = _pattern(names)
    return tuple(dict.fromkeys(each for place, text in texts for each in _typed(place, text, known)))


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Sizes such as 3x3, and the names, the longest first, each where it stands alone."""
    longest = sorted({name for name in names if name.strip()}, key=len, reverse=True)
    alone = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest]
    return re.compile("|".join([*alone, SIZE]))


def _table(stem: str, table: Table) -> Iterator[Told]:
    headers = (*(column.text for column in table.columns), *(header for header, _ in table.groups))
    yield from ((f"table {stem}, header", header) for header in headers)
    cited = ""
    for number, row in enumerate(table.cells, start=1):
        if any(cell.cite for cell in row):
            cited += "".join(cell.mark for cell in row)
        else:
            yield from ((f"table {stem}, row {number}", text) for text in _cells(row))
    notes = [note for note in table.notes if note[:1] not in cited or note[1:2] != " "]
    yield from ((f"table {stem}, note", text) for text in _parts(notes))


def _figure(stem: str, figure: Figure | Diagram) -> Iterator[Told]:
    yield from ((f"figure {stem}, alternative text", text) for text in _parts((figure.alt,)))
    yield from ((f"figure {stem}, note", text) for text in _parts(figure.notes))


def _cells(row: Iterable[Cell]) -> Iterator[str]:
    yield from _parts(cell.content for cell in row if isinstance(cell.content, str))


def _parts(texts: Iterable[str]) -> Iterator[str]:
    """The texts of notes, with a sign in place of each fact."""
    for text in texts:
        parts = text.parts if isinstance(text, Note) else (text,)
        yield "".join(VALUE if isinstance(part, Fact) else part for part in parts)


def _typed(place: str, text: str, known: re.Pattern[str]) -> Iterator[Finding]:
    """One finding a text; sizes, names and ordinals are parts of names in tables."""
    typed = [one.text for one in in_prose(known.sub(" ", text)) if one.text.lower() != "second"]
    if typed:
        verb = "is no fact" if len(typed) == 1 else "are no facts"
        shown = text.strip().replace(VALUE, "\N{HORIZONTAL ELLIPSIS}")
        cure = "give each as a Fact, in a cell or among the parts of a Note."
        yield Finding("number", place, f"{', '.join(typed)} {verb}, in {shown!r}; {cure}")
