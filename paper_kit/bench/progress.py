"""What a run says while it works, for whoever watches. No torch here: the command line reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from paper_kit.core.store import RunState

Stage = Literal["data", "train", "test"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run is. Sent before the first step and after every epoch, and at most about once a second."""

    run_id: str
    stage: Stage = "train"
    epoch: int = 0  # epochs finished
    epochs: int = 0
    step: int = 0  # steps finished in the epoch under way
    steps: int = 0
    accuracy: float | None = None  # on validation, a fraction, of the last epoch; None before the first
    images_per_second: float = 0.0
    epoch_seconds: float = 0.0  # of the last epoch; 0 before the first
    memory_mib: float = 0.0  # the most that its process has held of a GPU; 0 on a CPU
    free_mib: float = 0.0  # of that GPU


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended: done, failed, partial where it was asked to stop, running where another has it."""

    run_id: str
    state: RunState
    reason: str = ""
    seconds: float = 0.0
    lost: bool = False  # the Store cannot be written, so that nothing else can be trained either


@dataclass(frozen=True, kw_only=True)
class Note:
    """A line for the person who waits, such as which dataset is being decoded."""

    text: str


Event = Progress | Ended | Note
Report = Callable[[Event], None]
ShouldStop = Callable[[], bool]


def unheard(_event: Event) -> None:
    """Nothing: nobody watches."""


def never() -> bool:
    """False: nobody asks the run to stop."""
    return False
