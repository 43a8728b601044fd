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
_ASIDE = re.compile(
    r"\\iffalse\b.*?\\fi\b|\\begin\{(?P<aside>lrbox|comment)\}.*?\\end\{(?P=aside)\}", re.DOTALL
)
# A command with the braces of its argument, whatever stands between: \setbox0\hbox{, \sbox0{, \def\x#1{.
# A command to the brace of its last argument, whatever stands between: \setbox0\hbox{, \sbox0{, \def\x#1{.
_GROUP = re.compile(r"\\(?P<name>[A-Za-z@]+)\*?(?:\s*\[[^\]{}$]*\]|\s*\{[^{}$]*\}|\d+|#\d)*\s*\{")
_SHOWING = """
begin end caption footnote section subsection subsubsection paragraph subparagraph title thanks item
textbf textit emph textrm textsf texttt textsc textsl textup textmd textnormal text mbox parbox
makebox raisebox resizebox scalebox rotatebox multicolumn multirow makecell small footnotesize
centering underline href url opinion literal IEEEPARstart pkappendix pkcell pknotes pktable pkgrey
pkmissing pkstale pkprovenance pkline pkrun pkto State Statex If ElsIf Else For ForAll While Until
Require Ensure Return Comment Procedure Function Call cite ref label textsuperscript textsubscript
textcolor color colorbox frac sqrt ensuremath hyperref hyperlink nohyphens enquote quote toprule
midrule hline noindent par
"""
SHOWING = frozenset(_SHOWING.split())
_PHANTOM = re.compile(r"\\[vh]?phantom\s*\{")
_PROSE = re.compile(r"\\(?:text(?:rm|normal|bf|it|sf|up)?|mbox|hbox|intertext)\s*\{")
_SCRIPT = re.compile(r"[_^]\s*(\{[^{}]*\}|\d+)")
_VALUE = re.compile(r"\d[.,]\d|\d{3}|\\(?:display|text)style")


def numbers_in(text: str) -> Counter[str]:
    """How often each number stands in a text."""
    return Counter(NUMBER.findall(text))


def body(tex: str) -> str:
    r"""What a TeX file prints: without comments, preamble, \iffalse … \fi, and boxes that are put aside."""
    return _ASIDE.sub(" ", _COMMENT.sub("", tex).partition(r"\begin{document}")[2] or _COMMENT.sub("", tex))


def numbers_in_formulas(tex: str) -> Counter[str]:
    """How often each number is typed in the formulas and the pseudo-code that a TeX file shows."""
    found: Counter[str] = Counter()
    text = _without_facts(body(tex))
    hidden = _hidden(text)
    for match in _MATHS.finditer(text):
        shown = next(each for each in match.group("inline", "round", "square", "shown") if each is not None)
        if not any(start < match.start() < end for start, end in hidden):
            found += numbers_in(_plainly(shown))
    return found


def _hidden(tex: str) -> list[tuple[int, int]]:
    """Where the arguments of commands stand that may not show them: of all but those known to."""
    found: list[tuple[int, int]] = []
    for match in _GROUP.finditer(tex):
        if match["name"] not in SHOWING:
            end = closing_brace(tex, match.end())
            found.append((match.start(), end if end > 0 else len(tex)))
    return found


def _plainly(formula: str) -> str:
    """A formula without what it hides, without its prose, and without scripts that are more than an index."""
    for pattern in (_PHANTOM, _PROSE):
        while found := pattern.search(formula):
            end = closing_brace(formula, found.end())
            formula = formula[: found.start()] + " " + (formula[end:] if end > 0 else "")
    return _SCRIPT.sub(lambda script: " " if _VALUE.search(script[1]) else f" {script[1]} ", formula)


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
