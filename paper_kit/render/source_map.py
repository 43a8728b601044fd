"""From a line of the written TeX, and from each piece of it, back to the template that it came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Marks are private-use characters: `escape` lets none through, and templates may not hold any.
# A mark says file, line, start and length in the template, and what follows: a text of that length, or what
# a tag printed or included, up to the closing mark.
TEXT, PRINTED, INCLUDED, CLOSED = "\ue001", "\ue002", "\ue004", "\ue003"
MARK = re.compile(
    f"\ue000(?P<file>\\d+):(?P<line>\\d+):(?P<start>\\d+):(?P<length>\\d+)"
    f"(?P<kind>[{TEXT}{PRINTED}{INCLUDED}])|{CLOSED}"
)
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


def mark(file: int, line: int, start: int, length: int, kind: str = TEXT) -> str:
    """The mark of `length` signs from `start`, which is in line `line` of file number `file`."""
    return f"\ue000{file}:{line}:{start}:{length}{kind}"


def marked(text: str, file: int, line: int, start: int) -> str:
    """`text`, found at `start` in line `line`, with a mark at its start and after each newline."""
    rows: list[str] = []
    for number, row in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text) or [""]):
        rows.append(mark(file, line + number, start, len(row)) + row)
        start += len(row)
    last = mark(file, line + text.count("\n"), start, 0) if text.endswith("\n") else ""
    return "".join(rows) + last


def without_marks(text: str) -> str:
    """`text` as a reader of the template wrote it."""
    return MARK.sub("", text)


def split_marks(text: str, files: Sequence[str]) -> tuple[str, SourceMap]:
    """The text without marks, and each line's place: the last mark before the line's first sign."""
    lines: list[str] = []
    places: list[Place] = []
    latest = Place(files[0] if files else "", 1)
    for row in text.split("\n"):
        start = latest
        position = 0
        while found := MARK.match(row, position):
            start = latest = _place(found, files, latest)
            position = found.end()
        for found in MARK.finditer(row, position):
            latest = _place(found, files, latest)
        places.append(start)
        lines.append(MARK.sub("", row))
    return "\n".join(lines), SourceMap(tuple(places))


def _place(found: re.Match[str], files: Sequence[str], latest: Place) -> Place:
    """What a mark says; a closing one says nothing new."""
    return Place(files[int(found["file"])], int(found["line"])) if found["file"] else latest
