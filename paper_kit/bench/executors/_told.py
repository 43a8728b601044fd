"""A run that a queue started, without a parent: signals tell it to leave, and it prints its epochs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from paper_kit.bench.progress import Event, Progress

Handler = Callable[[int, FrameType | None], None]


class Told:
    """What the run at work is told, and what it says."""

    def __init__(self) -> None:
        self.leaving = False
        self._epoch = -1

    def leave(self, _number: int, _frame: FrameType | None) -> None:
        """Nothing; a signal came: the run is saved and stops."""
        self.leaving = True

    def should_stop(self) -> bool:
        """Whether the run is to be saved and to stop."""
        return self.leaving

    def send(self, event: Event) -> None:
        """Nothing; an epoch that was finished is printed."""
        if not isinstance(event, Progress) or event.stage == "data" or event.epoch == self._epoch:
            return
        self._epoch = event.epoch
        reached = "" if event.accuracy is None else f", {100 * event.accuracy:.1f} % on validation"
        print(f"{event.run_id}: {event.epoch} of {event.epochs} epochs{reached}", flush=True)


@contextmanager
def handling(handlers: Mapping[int, Handler]) -> Iterator[None]:
    """A block in which these signals are heard so; after it, as before."""
    earlier = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
