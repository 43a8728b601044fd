"""When a study stops before its end: its time is over, somebody pressed Ctrl-C, or SIGTERM came."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

Why = Literal["", "time", "interrupt", "terminated"]
GRACE_S = 15.0  # after SIGTERM: schedulers send SIGKILL after 30 seconds (Slurm's KillWait, Kubernetes)


class Terminated(KeyboardInterrupt):
    """SIGTERM came a while ago, and what was at work did not come back."""


class Stop:
    """Answers whether to stop, and why; asking costs nothing."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._until = time.monotonic() + seconds if seconds else float("inf")
        self.signalled: Why = ""

    @property
    def why(self) -> Why:
        """ "time" once the time is over, "interrupt" after Ctrl-C, "terminated" after SIGTERM, else ""."""
        return self.signalled or ("time" if time.monotonic() >= self._until else "")

    def __call__(self) -> bool:
        """Whether to stop."""
        return bool(self.why)


@contextmanager
def stopping(seconds: float = 0.0, grace_s: float = GRACE_S) -> Iterator[Stop]:
    """A Stop after some seconds (0: never), Ctrl-C or SIGTERM.

    A second Ctrl-C is KeyboardInterrupt. Where the block has not ended `grace_s` seconds after SIGTERM it is
    left by Terminated.
    """
    stop = Stop(seconds)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.signalled:
            raise KeyboardInterrupt
        stop.signalled = "interrupt"

    def terminate(_signal: int, _frame: FrameType | None) -> None:
        stop.signalled = "terminated"
        signal.setitimer(signal.ITIMER_REAL, grace_s)

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: terminate, signal.SIGALRM: leave}
    earlier = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in earlier.items():
            signal.signal(number, handler)
