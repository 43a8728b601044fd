"""A template as its reader sees it: prose and formulas, with everything else blanked at equal length."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from paper_kit.render.lexer import Tag

# What stands for a thing without a text of its own; templates may hold no private-use signs.
VALUE, CITE, REFERENCE, BREAK, SYMBOL = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"

Span = tuple[int, int]


@dataclass(frozen=True)
class Escape:
    r"""One \literal{text}{reason}, and where it starts."""

    start: int
    text: str
    reason: str


@dataclass(frozen=True)
class Page:
    r"""A template's prose and formulas, each as long as the source; positions in them are the source's.

    A printed value stands as VALUE, a citation as CITE, the border of a caption, cell or item as BREAK.
    """

    source: str
    text: str
    math: str
    formulas: tuple[Span, ...]
    opinions: tuple[Span, ...]
    literals: tuple[Escape, ...]
    tags: tuple[Tag, ...]
    weightless: frozenset[int] = (
        frozenset()
    )  # what is printed beside nothing: fonts, braces, tags without a value
    bare: tuple[tuple[int, str], ...] = ()  # escapes and opinions without their braces
    counters: tuple[tuple[int, str], ...] = ()  # commands that print or set what TeX counts

    @cached_property
    def joined(self) -> tuple[str, list[int]]:
        r"""The text as it is set, in which out{}per\-forms is one word, and where each sign of it stands."""
        kept = [at for at, sign in enumerate(self.text) if sign != " " or at not in self.weightless]
        return "".join(self.text[at] for at in kept), kept

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.source))]

    def line(self, position: int) -> int:
        """The line of a position, counted from 1."""
        return bisect_right(self._starts, position)
