"""Figures, tables and algorithms in the plain TeX that pandoc reads, each with its number from the PDF."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paper_kit.analysis.artifacts import Cell, Table
from paper_kit.analysis.facts import Fact
from paper_kit.render.exports.web_numbers import Numbers
from paper_kit.render.lexer import closing_brace
from paper_kit.render.measured import FactText
from paper_kit.render.tabular import note_tex
from paper_kit.render.tex import Tex, escape, key

Show = Callable[[Any], Tex]
KINDS = {"figure": "Figure", "table": "Table", "algorithm": "Algorithm"}
_FLOAT = re.compile(
    r"\\begin\{(figure|table|algorithm)(\*?)\}(?:\s*\[[^\]]*\])?(.*?)\\end\{\1\2\}", re.DOTALL
)
_LABEL = re.compile(r"\\label\{([^{}]+)\}")
_IN_A_FLOAT = re.compile(
    r"\\(?:centering|raggedright|footnotesize|scriptsize|small|normalsize)(?![A-Za-z])"
    r"|\\(?:algnotext|vspace\*?)\{[^{}]*\}"
)
_LISTING = re.compile(r"\\begin\{algorithmic\}(?:\[\d*\])?(.*?)\\end\{algorithmic\}", re.DOTALL)
_STEP = re.compile(
    r"\\(State|Statex|Require|Ensure|If|ElsIf|Else|For|ForAll|While|Repeat|Until|Loop|Function|Procedure"
    r"|EndIf|EndFor|EndWhile|EndLoop|EndFunction|EndProcedure)(?![A-Za-z])"
)
_OPENING = {"If": "if {} then", "For": "for {} do", "ForAll": "for all {} do", "While": "while {} do"}


@dataclass(frozen=True)
class Float:
    """What stands around a picture, a table or a listing: its kind, its number, its label."""

    kind: str
    number: str
    label: str

    @property
    def title(self) -> str:
        """How a caption begins, such as "Table II."; empty where there is no number."""
        return f"{KINDS[self.kind]} {self.number}." if self.number else ""


@dataclass(frozen=True)
class Grid:
    """What pandoc's reader does not know of a table: rows of headers and rules, names of rows."""

    heads: int
    rules: frozenset[int]
    named_rows: bool


def argument(tex: str, found: re.Match[str]) -> tuple[str, int]:
    """The argument whose brace ends a match, and the place behind it."""
    end = closing_brace(tex, found.end())
    return (tex[found.end() : end - 1], end) if end > 0 else (tex[found.end() :], len(tex))


def replaced(tex: str, name: str, count: int, make: Callable[[list[str]], str]) -> str:
    """The TeX with each command of that name, which has `count` arguments, in the words of `make`."""
    pieces, position = [], 0
    for found in re.finditer(rf"\\{name}(?![A-Za-z@])\s*\{{", tex):
        if found.start() < position:
            continue
        given, end = argument(tex, found)
        arguments = [given]
        while len(arguments) < count and tex[end : end + 1] == "{":
            following = closing_brace(tex, end + 1)
            arguments.append(tex[end + 1 : following - 1])
            end = following
        if len(arguments) == count:
            pieces += [tex[position : found.start()], make(arguments)]
            position = end
    return "".join([*pieces, tex[position:]])


def with_floats(tex: str, numbers: Numbers) -> tuple[str, tuple[Float, ...]]:
    """The TeX with each float as an environment `pkfloat` that begins with its place among the floats."""
    floats: list[Float] = []
    counts = dict.fromkeys(KINDS, 0)

    def environment(found: re.Match[str]) -> str:
        kind, inside = found[1], found[3]
        inside, captions = _without_caption(inside)
        label = _LABEL.search(inside) or _LABEL.search(captions[0] if captions else "")
        listed = numbers.floats.get(kind, ())
        number = numbers.labels.get(label[1], "") if label else ""
        if captions:
            number = number or (listed[counts[kind]] if counts[kind] < len(listed) else "")
            counts[kind] += 1
        floats.append(Float(kind, number, label[1] if label else ""))
        shown = _IN_A_FLOAT.sub("", _LABEL.sub("", inside))
        caption = _LABEL.sub("", " ".join(captions))
        return (
            f"\n\n\\begin{{pkfloat}}\nPKFLOAT{len(floats) - 1}\n\n\\begin{{pkcaption}}\n{caption}\n"
            f"\\end{{pkcaption}}\n\n{_LISTING.sub(_listing, shown).strip()}\n\\end{{pkfloat}}\n\n"
        )

    return _FLOAT.sub(environment, tex), tuple(floats)


def _without_caption(tex: str) -> tuple[str, list[str]]:
    """The TeX without its captions, and these."""
    captions: list[str] = []

    def taken(given: list[str]) -> str:
        captions.extend(given)
        return ""

    tex = re.sub(r"(\\caption\*?)\s*\[[^\]]*\]", r"\1", tex)
    return replaced(tex, r"caption\*?", 1, taken), captions


def with_tables(
    tex: str, tables: Mapping[str, Table], written: Callable[[Table], str], show: Show
) -> tuple[str, tuple[Grid, ...]]:
    """The TeX with each Table from its values; `written` gives the TeX that stands for it now."""
    grids: list[Grid] = []
    for table in tables.values():
        heads = 2 if table.groups else 1
        grids.append(Grid(heads, table.rules_before, table.columns[0].align == "l"))
        marks = {cell.mark for row in table.cells for cell in row if cell.mark}
        notes = "\n\n".join(note_tex(note, marks, show) for note in table.notes)
        below = f"\n\n\\begin{{pkunder}}\n{notes}\n\\end{{pkunder}}" if notes else ""
        rows = "\\\\\n".join(_rows(table, show))
        aligns = "".join(column.align for column in table.columns)
        shown = (
            f"\n\n\\begin{{pkgrid}}\nPKGRID{len(grids) - 1}\n\n\\begin{{tabular}}{{{aligns}}}\n{rows}\\\\\n"
            f"\\end{{tabular}}{below}\n\\end{{pkgrid}}\n\n"
        )
        tex = tex.replace(written(table), shown)
    return tex, tuple(grids)


def _rows(table: Table, show: Show) -> Iterator[str]:
    if table.groups:
        yield " & ".join(_spanning(escape(header), count) for header, count in table.groups)
    yield " & ".join(escape(column.text) for column in table.columns)
    for row in table.cells:
        place, entries = 0, []
        for cell in row:
            entries.append(_spanning(_cell(cell, cell.text(table.columns[place]), show), cell.span))
            place += cell.span
        yield " & ".join(entries)


def _spanning(written: str, count: int) -> str:
    return rf"\multicolumn{{{count}}}{{c}}{{{written}}}" if count > 1 else written


def _cell(cell: Cell, text: str, show: Show) -> str:
    written = str(show(FactText.of(cell.content, text) if isinstance(cell.content, Fact) else text))
    if cell.bold:
        written = rf"\textbf{{{written}}}"
    if cell.grey:
        written = rf"\pkgrey{{{written}}}"
    if cell.cite:
        written = rf"{written}~\cite{{{key(cell.cite)}}}"
    return written + (rf"\textsuperscript{{{escape(cell.mark)}}}" if cell.mark else "")


def _listing(found: re.Match[str]) -> str:
    """The steps of an algorithm as a list, each with its depth; what it requires before the list."""
    before: list[str] = []
    steps: list[str] = []
    depth = 0
    parts = _STEP.split(found[1])
    for word, rest in zip(parts[1::2], parts[2::2], strict=True):
        if word in ("Require", "Ensure"):
            before.append(rf"\textbf{{{word}:}} {_words(rest)}")
            continue
        depth -= word.startswith("End") or word in ("Else", "ElsIf", "Until")
        if not word.startswith("End"):
            steps.append(rf"\item \href{{pkdepth:{max(depth, 0)}}}{{x}}{_step(word, rest.strip())}")
        depth += word in _OPENING or word in ("Else", "ElsIf", "Repeat", "Loop", "Function", "Procedure")
    listed = "\n".join(steps)
    return "\n\n".join(
        [
            *before,
            f"\\begin{{pklisting}}\n\\begin{{enumerate}}\n{listed}\n\\end{{enumerate}}\n\\end{{pklisting}}",
        ]
    )


def _step(word: str, rest: str) -> str:
    if word in ("State", "Statex"):
        return _words(rest)
    if word in ("If", "ElsIf", "For", "ForAll", "While", "Until") and rest.startswith("{"):
        end = closing_brace(rest, 1)
        condition, more = rest[1 : end - 1], rest[end:]
        start, _, close = _OPENING.get(word, "else if {} then" if word == "ElsIf" else "until {}").partition(
            "{}"
        )
        closed = rf" \textbf{{{close.strip()}}}" if close.strip() else ""
        return _words(rf"\textbf{{{start.strip()}}} {condition}{closed}{more}")
    return _words(rf"\textbf{{{word.lower()}}} {rest}")


def _words(tex: str) -> str:
    r"""A step without \Call, \Return and \Comment."""
    tex = replaced(tex, "Call", 2, lambda given: rf"\textsc{{{given[0]}}}({given[1]})")
    tex = replaced(tex, "Comment", 1, lambda given: rf"\href{{pkcomment:}}{{{given[0]}}}")
    return re.sub(r"\\Return(?![A-Za-z])", r"\\textbf{return}", tex).strip()
