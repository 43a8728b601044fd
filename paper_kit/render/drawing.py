"""Figures drawn side by side: some in processes of their own, the rest here."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from typing import TYPE_CHECKING

from paper_kit.analysis.style import Style
from paper_kit.core.errors import PaperkitError
from paper_kit.core.part import Part
from paper_kit.render.making import draw_figure
from paper_kit.render.material import Drawn

if TYPE_CHECKING:
    from paper_kit.render.reading import Records

FEWEST = 4  # figures for which a process, which starts in about a second, is worth its while
Answer = tuple[Drawn, bool] | None  # whether claims were asked; None where it cannot be drawn


@dataclass(frozen=True)
class Together:
    """Draws figures of these records at once."""

    records: Records

    def __call__(self, parts: Sequence[Part], style: Style) -> Iterator[tuple[Part, Drawn]]:
        """The parts with their figures; those that fail, or ask claims, are left to whoever tells of it."""
        helpers = min(cores() - 1, len(parts) // FEWEST)
        if helpers < 1:
            found = [(part, drawn(self.records, style, part)) for part in parts]
        else:
            found = self._shared(parts, style, helpers)
        yield from ((part, answer[0]) for part, answer in found if answer is not None and not answer[1])

    def _shared(self, parts: Sequence[Part], style: Style, helpers: int) -> list[tuple[Part, Answer]]:
        """The helpers take the parts from the front, this process from the back."""
        packed = pickle.dumps((replace(self.records), style))
        found: dict[int, Answer] = {}
        with ProcessPoolExecutor(helpers, mp_context=get_context("spawn")) as pool:
            asked = [pool.submit(draw_elsewhere, packed, part) for part in parts]
            for number in reversed(range(len(parts))):
                if asked[number].cancel():
                    found[number] = drawn(self.records, style, parts[number])
            for number in range(len(parts)):
                if number not in found:
                    found[number] = _answer(asked[number])
        return [(part, found[number]) for number, part in enumerate(parts)]


def cores() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def drawn(records: Records, style: Style, part: Part) -> Answer:
    """The figure, and whether its maker asked claims; None where it cannot be drawn."""
    claims = records.claims
    claims.heard = []
    try:
        return draw_figure(records.results, style, part), bool(claims.heard)
    except (PaperkitError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
        return None  # it is drawn again where its place in the template is known
    finally:
        claims.heard = None


def draw_elsewhere(packed: bytes, part: Part) -> Answer:
    """As `drawn`, in another process."""
    return drawn(*_unpacked(packed), part)


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> tuple[Records, Style]:
    found: tuple[Records, Style] = pickle.loads(packed)
    return found


def _answer(asked: Future[Answer]) -> Answer:
    try:
        return asked.result()
    except BrokenProcessPool:  # out of memory, or a script without `if __name__ == "__main__"`
        return None
