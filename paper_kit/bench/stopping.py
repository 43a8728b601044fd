"""When a study stops before its end: its time is over, or somebody pressed Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

Why = Literal["", "time", "interrupt"]


class Stop:
    """Answers whether to stop, and why; asking costs nothing."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._until = time.monotonic() + seconds if seconds else float("inf")
        self.interrupted = False

    @property
    def why(self) -> Why:
        """ "time" once the time is over, "interrupt" after Ctrl-C, else ""."""
        if self.interrupted:
            return "interrupt"
        return "time" if time.monotonic() >= self._until else ""

    def __call__(self) -> bool:
        """Whether to stop."""
        return bool(self.why)


@contextmanager
def stopping(seconds: float = 0.0) -> Iterator[Stop]:
    """A Stop after some seconds (0: never), Ctrl-C or SIGTERM; a second Ctrl-C is KeyboardInterrupt."""
    stop = Stop(seconds)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.interrupted:
            raise KeyboardInterrupt
        stop.interrupted = True

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
