"""From a line of the written TeX back to the template and line that it came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Marks are private-use characters: `escape` lets none through, and templates may not hold any.
_MARK = re.compile("\ue000(\\d+):(\\d+)\ue001")
PRIVATE = re.compile("[\ue000-\uf8ff]")


@dataclass(frozen=True)
class Place:
    """A line of a template, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class SourceMap:
    """The place of each line of one TeX file."""

    places: tuple[Place, ...]

    def place(self, line: int) -> Place:
        """Where line `line` of the TeX file, counted from 1, was written."""
        if not self.places:
            return Place("paper.tex", line)
        return self.places[min(max(line, 1), len(self.places)) - 1]

    def as_list(self) -> list[list[str | int]]:
        """[[file, line], …] for JSON, one entry a line of TeX."""
        return [[place.file, place.line] for place in self.places]

    @classmethod
    def from_list(cls, value: Sequence[Sequence[str | int]]) -> SourceMap:
        """The map that `as_list` wrote."""
        return cls(tuple(Place(str(file), int(line)) for file, line in value))


def mark(file: int, line: int) -> str:
    """The mark of line `line` of file number `file`."""
    return f"\ue000{file}:{line}\ue001"


def marked(text: str, file: int, line: int) -> str:
    """`text`, which starts in line `line`, with a mark at its start and after each newline."""
    rows = text.split("\n")
    return "\n".join(mark(file, line + number) + row for number, row in enumerate(rows))


def without_marks(text: str) -> str:
    """`text` as a reader of the template wrote it."""
    return _MARK.sub("", text)


def split_marks(text: str, files: Sequence[str]) -> tuple[str, SourceMap]:
    """The text without marks, and each line's place: the last mark before the line's first sign."""
    lines: list[str] = []
    places: list[Place] = []
    latest = Place(files[0] if files else "", 1)
    for row in text.split("\n"):
        start = latest
        position = 0
        while found := _MARK.match(row, position):
            start = latest = _place(found, files)
            position = found.end()
        for found in _MARK.finditer(row, position):
            latest = _place(found, files)
        places.append(start)
        lines.append(_MARK.sub("", row))
    return "\n".join(lines), SourceMap(tuple(places))


def _place(found: re.Match[str], files: Sequence[str]) -> Place:
    return Place(files[int(found[1])], int(found[2]))
