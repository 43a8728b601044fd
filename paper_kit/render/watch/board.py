"""What the browser shows: the pages of the last good paper, and what is wrong with the newest words."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pikepdf import Object, Page, Pdf, PdfError

from paper_kit.render.supplement import PAPER, SUPPLEMENT


@dataclass(frozen=True)
class Leaf:
    """A page as it is shown: its name as printed, what it draws (a digest), and where it stands."""

    name: str
    digest: str
    pdf: str
    number: int  # in its PDF, from 1


@dataclass(frozen=True)
class State:
    """What is shown now; `version` grows with each change."""

    version: int = 0
    building: bool = False
    leaves: tuple[Leaf, ...] = ()
    problems: tuple[str, ...] = ()  # why there is no new paper
    findings: tuple[str, ...] = ()  # what is to be put right in the one that is shown
    told: str = ""  # of the last build, in a line


class Board:
    """The newest State, and a way to wait for the next."""

    def __init__(self) -> None:
        self._state = State()
        self._changed = threading.Condition()

    @property
    def state(self) -> State:
        """What is shown now."""
        with self._changed:
            return self._state

    def show(self, **changes: Any) -> None:
        """Nothing; the fields given are shown from now on."""
        with self._changed:
            self._state = replace(self._state, version=self._state.version + 1, **changes)
            self._changed.notify_all()

    def after(self, version: int, timeout_s: float) -> State:
        """The first state after this version, or the present one when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.version > version, timeout_s)
            return self._state


def leaves(folder: Path) -> tuple[Leaf, ...]:
    """The pages of the paper in a build folder, then those of its supplement; none of one that is damaged."""
    found: list[Leaf] = []
    for file, sign in ((PAPER, ""), (SUPPLEMENT, "S")):
        with suppress(PdfError, OSError):
            found += _leaves_of(folder, file, sign)
    return tuple(found)


def _leaves_of(folder: Path, file: str, sign: str) -> list[Leaf]:
    with Pdf.open(folder / file) as document:
        pages = enumerate(document.pages, start=1)
        return [Leaf(f"{sign}{number}", _digest(page), file, number) for number, page in pages]


def _digest(page: Page) -> str:
    """SHA-256 of what a page draws: its marks and pictures, not its fonts, which grow with other pages."""
    found = hashlib.sha256()
    contents = page.obj.Contents
    for stream in list(contents) if contents._type_name == "array" else [contents]:
        found.update(stream.read_raw_bytes())
    _add_pictures(page.obj, found, set())
    return found.hexdigest()


def _add_pictures(drawn: Object, found: hashlib._Hash, seen: set[tuple[int, int]]) -> None:
    """Nothing; the pictures that a page or a picture draws are in the digest, each once."""
    resources = drawn.get("/Resources")
    pictures = resources.get("/XObject") if resources is not None else None
    for name, picture in sorted(pictures.items()) if pictures is not None else ():
        if picture.objgen not in seen:
            seen.add(picture.objgen)
            found.update(name.encode() + picture.read_raw_bytes())
            _add_pictures(picture, found, seen)


def as_json(state: State) -> dict[str, Any]:
    """The state as the browser reads it."""
    return asdict(state)


def first_lines(problems: Sequence[str], most: int) -> tuple[str, ...]:
    """The first problems, and how many more there are."""
    more = len(problems) - most
    return (*problems[:most], *([f"… and {more} more"] if more > 0 else []))
