"""Text of an export as a template writes it: facts and read files as their tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from paper_kit.render.exports.hunks import compare
from paper_kit.render.exports.overleaf import facts_in
from paper_kit.render.exports.pieces import Piece
from paper_kit.render.exports.record import Printed
from paper_kit.render.exports.scopes import Scopes

_TAG = re.compile(r"\\(VAR|BLOCK|COMMENT)\{")
INPUT = re.compile(r"\\(?:input|include)\{([^{}]+)\}")
Span = tuple[str, int, int]  # a file, and from where to where


class Refused(Exception):
    """A change that cannot be taken over, and why."""


@dataclass(frozen=True)
class Known:
    """What an import knows beside the file at hand."""

    facts: Mapping[str, Printed]
    scopes: Scopes
    tags: Mapping[str, Span]  # fact number -> a tag that prints it
    includes: Mapping[str, Span]  # "sections/x" -> the tag that includes it
    arrived: frozenset[str]  # new files of TeX that may be included


def translated(new: str, known: Known, old: str, target: tuple[str, int]) -> str:
    """`new` as a template writes it at `target`, Refused where it cannot be; `old` is the file as it was."""
    if _TAG.search(new):
        raise Refused(r"\VAR, \BLOCK and \COMMENT are read in templates only; write them in the study.")
    for number, text, start, end in reversed(list(facts_in(new))):
        fact = known.facts.get(number)
        if fact is None:
            raise Refused(
                f"there is no fact {number} in this paper; copy \\pkfact with its number and value."
            )
        if " ".join(text.split()) not in _texts(number, fact, old):
            raise Refused(f"{fact.name}: {plain(text)} is not its value; values come from runs.")
        new = new[:start] + _tag(number, fact, known, target) + new[end:]
    for found in reversed(list(INPUT.finditer(new))):
        new = new[: found.start()] + _include(found, known) + new[found.end() :]
    return re.sub(r"[ \t]+\n", "\n", new)


def _texts(number: str, fact: Printed, old: str) -> set[str]:
    """The TeX that a fact may have: as the record says, and as the file printed it."""
    own = {" ".join(text.split()) for each, text, _, _ in facts_in(old) if each == number}
    return own | {" ".join(fact.text.split())}


def _tag(number: str, fact: Printed, known: Known, target: tuple[str, int]) -> str:
    """The tag that prints a fact in another place; Refused where its names are known only in its own."""
    if number in known.tags:
        file, start, end = known.tags[number]
        if known.scopes.movable(file, start, end, *target):
            return known.scopes.source(file)[start:end]
    if fact.tag:
        return fact.tag
    raise Refused(f"{fact.name} is known in its own place only and cannot move; move it in the template.")


def _include(found: re.Match[str], known: Known) -> str:
    name = found[1].strip().removesuffix(".tex")
    if name in known.includes:
        file, start, end = known.includes[name]
        return known.scopes.source(file)[start:end].rstrip("\n")
    return rf'\BLOCK{{include "{name}.tex"}}' if f"{name}.tex" in known.arrived else found[0]


def fact_tags(known: Mapping[str, tuple[Piece, ...]]) -> dict[str, Span]:
    r"""Fact number -> a tag that prints that fact alone."""
    found: dict[str, Span] = {}
    for piece in (piece for pieces in known.values() for piece in pieces if piece.kind == "printed"):
        facts = list(facts_in(piece.text))
        if len(facts) == 1 and facts[0][2:] == (0, len(piece.text)):
            found.setdefault(facts[0][0], (piece.file, piece.start, piece.end))
    return found


def changed_facts(old: str, new: str) -> list[tuple[str, str, str]]:
    """Number, old and new text of the facts that differ between two TeX texts, atom by atom."""
    found = []
    for before, after in compare(old, new).facts:
        was, now = (next(facts_in(text[a.start : a.end]))[1] for text, a in ((old, before), (new, after)))
        if " ".join(was.split()) != " ".join(now.split()):
            found.append((before.fact, plain(was), plain(now)))
    return found


def without_facts(text: str) -> str:
    for _, _, start, end in reversed(list(facts_in(text))):
        text = text[:start] + text[end:]
    return text


def plain(text: str) -> str:
    """TeX of a value as a reader sees it."""
    return re.sub(r"\\([%&#_$])", r"\1", text.replace("~", " "))


def short(text: str) -> str:
    shown = " ".join(text.split())
    return f'"{shown[:57]}…"' if len(shown) > 58 else f'"{shown}"'
