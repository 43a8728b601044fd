"""Where in a template something stands: in which branches, with which names known."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from paper_kit.render.exports.pieces import Piece
from paper_kit.render.lexer import Tag, tags

_OPENS = re.compile(r"\s*(if|for|claim|macro|call|filter|with|set(?=\s+\w+\s*$)|block)\b")
_MIDDLE = re.compile(r"\s*(else|elif|reversed|equivalent|same|undecided)\b")
_CLOSES = re.compile(r"\s*end\w+")
_BINDS = re.compile(r"\s*(?:for\s+([\w\s,]+?)\s+in\b|set\s+([\w\s,]+?)\s*=|set\s+(\w+)\s*$|with\s+(\w+)\s*=)")
_NAME = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*")
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")

Branch = tuple[int, ...]  # where the tags stand that open it, from the outermost


class Spot(NamedTuple):
    """A place in a template for new text, and the piece beside it."""

    file: str
    at: int
    piece: Piece


class Scopes:
    """The branches of templates."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._templates = templates
        self._of = cache(self._read)

    def source(self, file: str) -> str:
        """The text of a template."""
        return self._templates[file]

    def line(self, file: str, position: int) -> int:
        """The line of a place in a template, from 1."""
        return self._templates[file].count("\n", 0, position) + 1

    def branch(self, file: str, position: int) -> Branch:
        """The branch that a place of a template is in."""
        starts, branches = self._of(file)
        return branches[bisect_right(starts, position) - 1]

    def movable(self, file: str, start: int, end: int, to: str, position: int) -> bool:
        """Whether a tag means the same in another place: no name of it is bound by tags around its own."""
        if (file, self.branch(file, start)) == (to, self.branch(to, position)):
            return True
        names = set(_NAME.findall(_STRING.sub("", self._templates[file][start + len(r"\VAR{") : end - 1])))
        bound = {"claim", "loop"}
        for tag in _tags(self._templates.get(file, "")):
            found = _BINDS.match(tag.inside)
            bound |= set(re.findall(r"\w+", " ".join(filter(None, found.groups())))) if found else set()
        return not names & bound

    def between(self, before: Piece | None, after: Piece | None, *, lines: bool) -> Spot | None:
        """The first place between two pieces that is in the fewest branches; None if there is none."""
        spots = []
        if before is not None and before.file:
            spots.append(Spot(before.file, before.end, before))
            if lines and after is not None and after.file == before.file:
                spots += [
                    Spot(before.file, at, before)
                    for at in self._line_starts(before.file, before.end, after.start)
                ]
        if after is not None and after.file:
            spots.append(Spot(after.file, after.start, after))
        return min(spots, key=lambda spot: len(self.branch(spot.file, spot.at)), default=None)

    def _line_starts(self, file: str, start: int, end: int) -> list[int]:
        """The places right behind the lines that end with a tag, between two places of a template."""
        source = self._templates[file]
        found = [
            tag.end for tag in _tags(source) if tag.name == "BLOCK" and start <= tag.start and tag.end < end
        ]
        return [at + 1 for at in found if source[at : at + 1] == "\n" and at + 1 <= end]

    def _read(self, file: str) -> tuple[list[int], list[Branch]]:
        """Places at which the branch changes, from 0, and the branch from there on."""
        starts, stack = [0], list[int]()
        branches: list[Branch] = [()]
        for tag in _tags(self._templates.get(file, "")):
            if tag.name != "BLOCK":
                continue
            if _CLOSES.match(tag.inside) and stack:
                stack.pop()
            elif _MIDDLE.match(tag.inside) and stack:
                stack[-1] = tag.end
            elif _OPENS.match(tag.inside):
                stack.append(tag.end)
            else:
                continue
            starts.append(tag.end)
            branches.append(tuple(stack))
        return starts, branches


@cache
def _tags(source: str) -> tuple[Tag, ...]:
    return tuple(tags(source))
