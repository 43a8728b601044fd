"""What a trial of a search is given, asks, and says at its end. No torch here: the parent reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from paper_kit.bench.progress import Progress
from paper_kit.core.spec import RunSpec

Verdict = Literal["go", "prune", "stop"]
Judge = Callable[[int, float], Verdict]  # (epoch, its value on validation) -> whether to go on
Watch = Callable[[Progress], None]


@dataclass(frozen=True)
class Task:
    """A training to try, and the folder that is its own until it ends."""

    spec: RunSpec
    folder: Path


@dataclass(frozen=True)
class EpochDone:
    """A question to the parent, which answers with a Verdict: is the trial to go on after this epoch?"""

    epoch: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial ended; values are fractions. What a training measured is empty where it failed."""

    state: Literal["complete", "pruned", "diverged", "failed", "stopped", "killed"]
    reason: str = ""
    value: float | None = None
    accuracy: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    parameters: int = 0
    validation_images: int = 0
    fingerprint: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
