"""One run inside its Slurm job: it resumes after a requeue, and leaves when Slurm says its time is up."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from paper_kit.bench.executors._worker import environment, train
from paper_kit.bench.progress import Event, Progress
from paper_kit.bench.stopping import Stop, stopping
from paper_kit.core.slurm import claim
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

TIME_IS_UP = signal.SIGUSR2  # what submitit has Slurm send before the time limit
NOTICE_S = 120  # between that signal and the time limit; half of it is the run's, for its checkpoint


@dataclass(frozen=True)
class Job:
    """One run, as submitit stores it and calls it; `function` is "module:function", imported in the job."""

    spec: RunSpec
    store: Path
    resources: Resources
    function: str

    def __call__(self) -> str:
        """ "done". Where the run is not, SystemExit, at which what depends on it does not start."""
        import submitit

        os.environ.update(environment(self.resources.threads, gpu=""))
        store = Store(self.store)
        claim(store, self.spec.id, submitit.JobEnvironment().job_id)
        module, _, name = self.function.partition(":")
        run_one = getattr(importlib.import_module(module), name)
        with stopping() as stop, _warned(stop) as warned:
            ended = train(self.spec, store, self.resources, run_one, _Printer().hear, stop)
        if ended.state is RunState.DONE:
            return "done"
        if ended.state is RunState.PARTIAL and warned:
            signal.raise_signal(TIME_IS_UP)  # submitit puts the job back into the queue, so often as it may
        sys.exit(f"The run {self.spec.id} is not done ({ended.state}). {ended.reason}".rstrip())

    def checkpoint(self) -> DelayedSubmission:
        """What submitit puts back into the queue: the same, because the checkpoint is in the Store."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@contextmanager
def _warned(stop: Stop) -> Iterator[list[int]]:
    """The warnings that the time is up: the run is asked to stop; where it goes on, submitit ends it."""
    heard: list[int] = []

    def warn(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        stop.interrupted = True
        signal.alarm(NOTICE_S // 2)

    def insist(_number: int, frame: FrameType | None) -> None:
        if callable(before):
            before(TIME_IS_UP, frame)

    before = signal.signal(TIME_IS_UP, warn)
    alarm = signal.signal(signal.SIGALRM, insist)
    try:
        yield heard
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(TIME_IS_UP, before)


class _Printer:
    """The watcher of a run in a job: its log gets a line an epoch."""

    def __init__(self) -> None:
        self._epoch = -1

    def hear(self, event: Event) -> None:
        """Nothing; an epoch that was finished is printed."""
        if not isinstance(event, Progress) or event.stage == "data" or event.epoch == self._epoch:
            return
        self._epoch = event.epoch
        reached = "" if event.accuracy is None else f", {100 * event.accuracy:.1f} % on validation"
        print(f"{event.run_id}: {event.epoch} of {event.epochs} epochs{reached}", flush=True)
