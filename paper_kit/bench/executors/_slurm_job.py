"""One run inside its Slurm job: it resumes after a requeue, and leaves when Slurm says its time is up."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from paper_kit.bench.executors._told import Told, handling
from paper_kit.bench.executors._worker import environment, function_of, train
from paper_kit.core.private import private_streams
from paper_kit.core.slurm import lease_name, unknown_job
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

        private_streams()  # of submitit's log, which lies beside the runs
        os.environ.update(environment(self.resources.threads, gpu=""))
        mine = lease_name(submitit.JobEnvironment().job_id)
        store, run_id = Store(self.store, mine), self.spec.id
        store.sign(run_id, lambda job: job == mine or unknown_job(job))  # ours died before
        run_one = function_of(self.function)
        with _listening(told := _Told()):
            ended = train(self.spec, store, self.resources, run_one, told.send, told.should_stop)
        if ended.state is RunState.DONE:
            return "done"
        if ended.state is RunState.PARTIAL and told.time_is_up:
            signal.raise_signal(TIME_IS_UP)  # submitit puts the job back into the queue, so often as it may
        sys.exit(f"The run {run_id} is not done ({ended.state}). {ended.reason}".rstrip())

    def checkpoint(self) -> DelayedSubmission:
        """What submitit puts back into the queue: the same, because the checkpoint is in the Store."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class _Told(Told):
    """What the run at work is told by Slurm's signals."""

    def __init__(self) -> None:
        super().__init__()
        self.time_is_up = False

    def warn(self, _number: int, _frame: FrameType | None) -> None:
        """Nothing; the time is up soon."""
        self.leaving = self.time_is_up = True
        signal.alarm(NOTICE_S // 2)


@contextmanager
def _listening(told: _Told) -> Iterator[None]:
    """Nothing; signals are heard. A run that goes on for long after its warning is ended by submitit."""
    submitits = signal.getsignal(TIME_IS_UP)

    def insist(_number: int, frame: FrameType | None) -> None:
        if callable(submitits):
            submitits(TIME_IS_UP, frame)

    try:
        with handling({signal.SIGTERM: told.leave, TIME_IS_UP: told.warn, signal.SIGALRM: insist}):
            try:
                yield
            finally:
                signal.alarm(0)
    finally:
        if told.leaving:  # the second SIGTERM may still come, while this process ends as it should
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
