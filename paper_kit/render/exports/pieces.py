"""Pieces of the written TeX: which signs of a template made them, or which tag printed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from paper_kit.render.source_map import INCLUDED, MARK, PRINTED, TEXT

Kind = Literal["text", "printed", "include", "generated"]


@dataclass(frozen=True)
class Piece:
    """A text as it is written, and the signs `start` to `end` of the template `file` that made it.

    "text" stands there word by word, "printed" is what the tag there prints, "include" is a line that reads
    another file in place of the tag there, "generated" has no place in any template.
    """

    kind: Kind
    text: str
    file: str = ""
    start: int = 0
    end: int = 0

    @property
    def locked(self) -> bool:
        """Whether its text is no one's to edit."""
        return self.kind != "text"


@dataclass(frozen=True)
class Included:
    """What an included template became, in order, and the tag that includes it."""

    file: str  # of the tag
    start: int
    end: int
    parts: tuple[Piece | Included, ...]

    @property
    def text(self) -> str:
        """The TeX of all its parts."""
        return "".join(part.text for part in self.parts)

    @property
    def template(self) -> str:
        """The template that was included; empty where it left nothing."""
        return next((part.file for part in self.parts if part.file), "")


def read_pieces(marked: str, sources: Mapping[str, str]) -> Included:
    """The pieces of marked TeX as a tree of includes; `sources` are the templates by number."""
    return _Reader(marked, sources).read()


class _Reader:
    """Reads marks one after another."""

    def __init__(self, marked: str, sources: Mapping[str, str]) -> None:
        self._marked = marked
        self._sources = sources
        self._names: Sequence[str] = tuple(sources)
        self._open: list[tuple[Piece, list[Piece | Included]]] = [(Piece("include", ""), [])]
        self._printing: tuple[Piece, int] | None = None  # the tag, and how many are open below it
        self._said: list[str] = []

    def read(self) -> Included:
        """The tree."""
        position, latest = 0, Piece("generated", "")
        for found in MARK.finditer(self._marked):
            self._between(latest, self._marked[position : found.start()])
            latest = Piece("generated", "")
            if found["kind"]:
                latest = self._mark(found["kind"], found["file"], found["start"], found["length"])
            else:
                self._close()
            position = found.end()
        self._between(latest, self._marked[position:])
        while len(self._open) > 1:
            self._leave()
        return Included("", 0, 0, tuple(self._open[0][1]))

    def _mark(self, kind: str, file: str, start: str, length: str) -> Piece:
        """What a mark says of the text that follows it."""
        first = int(start)
        place = Piece("generated", "", self._names[int(file)], first, first + int(length))
        if self._printing is not None:
            tag, depth = self._printing
            self._printing = (tag, depth + (kind != TEXT))
        elif kind == PRINTED:
            self._printing, self._said = (place, 0), []
        elif kind == INCLUDED:
            self._open.append((place, []))
        else:
            return replace(place, kind="text")
        return Piece("generated", "")

    def _between(self, place: Piece, text: str) -> None:
        """Nothing; the text after a mark is kept: as the template's where it stands there as it is."""
        if self._printing is not None:
            self._said.append(text)
            return
        kept = self._open[-1][1]
        if place.kind == "text":
            source = self._sources[place.file]
            source += "" if source.endswith("\n") else "\n"
            if text.startswith(source[place.start : place.end]):
                own = source[place.start : place.end]
                kept.append(replace(place, text=own))
                text = text[len(own) :]
        if text:
            kept.append(Piece("generated", text))

    def _close(self) -> None:
        """Nothing; the innermost tag that is open has ended."""
        if self._printing is None:
            self._leave()
            return
        tag, depth = self._printing
        self._printing = (tag, depth - 1) if depth else None
        if not depth:
            self._open[-1][1].append(replace(tag, kind="printed", text="".join(self._said)))

    def _leave(self) -> None:
        tag, parts = self._open.pop()
        self._open[-1][1].append(Included(tag.file, tag.start, tag.end, tuple(parts)))
