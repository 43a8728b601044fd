"""What is known of a study at work: which runs are on, what they have reached, how long it may still take."""

from __future__ import annotations

import time
from collections.abc import Iterable

from paper_kit.bench.progress import Ended, Event, Note, Progress
from paper_kit.bench.schedule import Pace
from paper_kit.cli.text import duration
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import RunState

WORDS = {
    RunState.DONE: "done",
    RunState.FAILED: "FAILED",
    RunState.BLOCKED: "blocked",
    RunState.PARTIAL: "stopped, can be resumed",
    RunState.RUNNING: "left to another process",
    RunState.MISSING: "not started",
}


class Board:
    """The runs of one call, by what their events said."""

    def __init__(self, runs: Iterable[RunSpec], labels: dict[str, str], done: int, pace: Pace) -> None:
        self.runs = {run.id: run for run in runs}  # to be trained in this call
        self.labels = labels
        self.done = done
        self.total = done + len(self.runs)
        self.on: dict[str, Progress] = {}
        self.best: dict[str, float] = {}
        self.ended: dict[str, Ended] = {}
        self.note = ""
        self._pace = pace
        self._begun = time.monotonic()

    def hear(self, event: Event) -> None:
        """Nothing; the board shows what the event says."""
        if isinstance(event, Note):
            self.note = event.text
        elif isinstance(event, Ended):
            self.on.pop(event.run_id, None)
            self.ended[event.run_id] = event
            self.done += event.state is RunState.DONE
        else:
            self.note = ""
            self.on[event.run_id] = event
            if event.accuracy is not None:
                self.best[event.run_id] = max(event.accuracy, self.best.get(event.run_id, 0.0))
            if event.run_id in self.runs:
                self._pace.learn(self.runs[event.run_id], event.epoch_seconds)

    def label(self, run_id: str) -> str:
        """What the experiment calls the run."""
        return self.labels.get(run_id, run_id)

    def reached(self, run_id: str) -> str:
        """The best accuracy on validation so far, such as "71.2 %"; "" before the first."""
        return f"{100 * self.best[run_id]:.1f} %" if run_id in self.best else ""

    def run_left(self, progress: Progress) -> str:
        """How long a run at work may still take."""
        run = self.runs.get(progress.run_id)
        seconds = self._pace.seconds(run, progress.epoch) if run is not None else None
        return "" if seconds is None else duration(seconds)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun

    @property
    def left(self) -> str:
        """How long the trainings may still take together; "" while nothing is known."""
        open_runs = [run for run_id, run in self.runs.items() if run_id not in self.ended]
        epochs = {run_id: progress.epoch for run_id, progress in self.on.items()}
        guesses = [self._pace.guess(run, epochs.get(run.id, 0)) for run in open_runs]
        known = [seconds for seconds in guesses if seconds is not None]
        return f"about {duration(sum(known) / max(1, len(self.on)))} left" if known else ""

    @property
    def overall(self) -> str:
        """One line on the whole."""
        failed = sum(event.state is RunState.FAILED for event in self.ended.values())
        parts = [f"{self.done} of {self.total} runs done"]
        parts += [f"{failed} failed"] if failed else []
        parts += [duration(self.seconds)] + ([self.left] if self.left else [])
        return ", ".join(parts)

    def ending(self, event: Ended) -> str:
        """One line on a run that ended."""
        number = f"[{self.done}/{self.total}]" if event.state is RunState.DONE else "[-]"
        reached = self.reached(event.run_id)
        parts = [WORDS[event.state]]
        parts += [f"{reached} on validation"] if event.state is RunState.DONE and reached else []
        parts += [duration(event.seconds)] if event.seconds >= 1 else []
        reason = f": {event.reason}" if event.reason else ""
        return f"{number} {self.label(event.run_id)}: {', '.join(parts)}{reason}"
