"""The numbers that TeX gave to sections, floats, equations and references of a compiled paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.render.compile import AUXILIARY, JOB
from paper_kit.render.lexer import closing_brace

_TOLD = re.compile(r"\\(newlabel|bibcite)\{([^{}]+)\}\{")
_LISTED = re.compile(r"\\@writefile\{(toc|lof|lot|loa)\}\{\\contentsline ?\{(\w+)\}\{")
_NUMBERED = re.compile(r"\s*\\(?:numberline|tocsection)\s*\{")
_ITEM = re.compile(r"\\bibitem\s*(?:\[)?")
_KEY = re.compile(r"\s*(?:%\s*)?\{([^{}]+)\}")
_NO_LETTERS = re.compile(r"\\[A-Za-z@]+\s*|\{\d+\}|[^A-Za-z]")


@dataclass(frozen=True)
class Numbers:
    """Label -> number; headings as (kind, number, letters of the title); floats' numbers by kind; references.

    `cited` is bib key -> number as TeX prints it; `references` are (bib key, TeX) in the order of the list.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    headings: tuple[tuple[str, str, str], ...] = ()
    floats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cited: Mapping[str, str] = field(default_factory=dict)
    references: tuple[tuple[str, str], ...] = ()


def read_numbers(folder: Path) -> Numbers:
    """The numbers of the paper that was compiled in a build folder; InputError where there is none."""
    aux, bbl = (folder / AUXILIARY / f"{JOB}.{kind}" for kind in ("aux", "bbl"))
    if not aux.is_file():
        raise InputError(f"{aux}: there is no such file. Type `paperkit build-pdf` first.")
    text = aux.read_text(encoding="utf-8", errors="replace")
    listed = bbl.read_text(encoding="utf-8", errors="replace") if bbl.is_file() else ""
    return numbers(text, listed)


def numbers(aux: str, bbl: str = "") -> Numbers:
    """The numbers that an .aux file tells, and the references of a .bbl file."""
    labels, cited = dict[str, str](), dict[str, str]()
    for found in _TOLD.finditer(aux):
        told = groups(aux[found.end() - 1 : closing_brace(aux, found.end())])
        first = next(groups_of(next(told, "")), "")
        (labels if found[1] == "newlabel" else cited)[found[2]] = plain_number(first)
    headings, floats = [], dict[str, list[str]]()
    for found in _LISTED.finditer(aux):
        inside = aux[found.end() : closing_brace(aux, found.end()) - 1]
        start = _NUMBERED.match(inside)
        end = closing_brace(inside, start.end()) if start else 0
        number = plain_number(inside[start.end() : end - 1]) if start else ""
        if found[1] == "toc":
            headings.append((found[2], number, letters(inside[end:])))
        else:
            floats.setdefault(found[2], []).append(number)
    kinds = {kind: tuple(found) for kind, found in floats.items()}
    return Numbers(labels, tuple(headings), kinds, cited, tuple(_references(bbl)))


def letters(title: str) -> str:
    """The letters of a title in TeX, by which its lines in two files are known to be one."""
    return _NO_LETTERS.sub("", title).casefold()


def plain_number(tex: str) -> str:
    r"""A number as it is printed: "III-B1" of "\mbox {III-B}1"."""
    return re.sub(r"\\[A-Za-z@]+\s*|[{}]", "", tex).replace("~", " ").strip()


def groups(tex: str) -> Iterator[str]:
    """The contents of the groups that stand at the start of a text, one behind the other."""
    position = 0
    while tex[position : position + 1] == "{":
        end = closing_brace(tex, position + 1)
        if end < 0:
            return
        yield tex[position + 1 : end - 1]
        position = end


def groups_of(tex: str) -> Iterator[str]:
    """The groups of a text, or the text itself where it has none at its start."""
    if tex.startswith("{"):
        yield from groups(tex)
    else:
        yield tex


def _references(bbl: str) -> Iterator[tuple[str, str]]:
    r"""(key, TeX) of each \bibitem; its label is left out."""
    body = bbl.partition(r"\begin{thebibliography}")[2].partition(r"\end{thebibliography}")[0]
    starts = list(_ITEM.finditer(body))
    for place, found in enumerate(starts):
        end = starts[place + 1].start() if place + 1 < len(starts) else len(body)
        item = body[found.end() : end]
        if found[0].endswith("["):
            item = item[bracket(item) :]
        key = _KEY.match(item)
        if key:
            yield key[1], item[key.end() :].strip()


def bracket(text: str) -> int:
    """The place behind the bracket that closes an option, whatever stands in braces before it."""
    depth = 0
    for found in re.finditer(r"\\.|[{}\]]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if found[0] == "]" and not depth:
            return found.end()
    return len(text)
