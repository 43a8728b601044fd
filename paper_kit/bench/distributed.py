"""One run on many devices: torchrun starts a process for each, and this one, which has its lease, listens.

Every process trains (see ranks.py); the first one writes the run's files, where the lease lets it, and speaks
for all. They leave when this process tells them to, or is gone: none outlives it by more than an instant.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from paper_kit.bench import death
from paper_kit.bench.environment import choose_device
from paper_kit.bench.progress import Report, ShouldStop
from paper_kit.bench.shares import too_many
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.spec import Resources, RunSpec

LISTEN_S = 0.2
LAST_WORDS_S = 1.0  # after one process failed: the others stumble over it, and what came first is told
FAREWELL_S = 10
STOP = "stop"
GO_ON = "`paperkit run-all` goes on from its checkpoint"


@dataclass(frozen=True)
class Task:
    """What each process is given; `place` is where the lease lets files of the run be made."""

    spec: RunSpec
    store: Path
    job: str
    place: Path
    resources: Resources
    deviation: tuple[int, str]


@dataclass(frozen=True)
class Hello:
    """The first word of a process."""

    pid: int


@dataclass(frozen=True)
class Done:
    """The last word of a process: whether the training finished; otherwise its checkpoint waits."""

    finished: bool


@dataclass(frozen=True)
class Failed:
    """The last word of a process in which something went wrong, and when by the machine's monotonic clock."""

    error: Exception
    details: str
    at: float


class RankDied(PaperkitError):
    """A process of the run was gone without a word."""


def train(task: Task, report: Report, should_stop: ShouldStop) -> bool:
    """Whether the run is done, trained on as many devices as the resources say; otherwise it can be resumed.

    Raises what went wrong in one of the processes, RankDied where one was killed, and InputError where there
    are not so many GPUs. No process is left in any case.
    """
    check_machine(task.resources)
    with tempfile.TemporaryDirectory(prefix="paperkit-", ignore_cleanup_errors=True) as folder:
        crew = Crew(task, Path(folder))
        try:
            return crew.listen(report, should_stop)
        finally:
            crew.end()


def check_machine(resources: Resources) -> None:
    """Nothing; InputError where fewer GPUs are here than each run is to use. A CPU runs any number."""
    found = torch.cuda.device_count() if choose_device(resources.device).type == "cuda" else 0
    if 0 < found < resources.devices:
        raise InputError(too_many(resources.devices, found))


class Crew:
    """The processes of one run, and what was heard of each."""

    def __init__(self, task: Task, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in range(task.resources.devices)]
        self._ours, self._theirs = [ours for ours, _ in pipes], [theirs for _, theirs in pipes]
        self._open: list[Connection] = list(self._ours)
        self._processes: dict[int, BaseProcess] = {}
        self._last: dict[int, Done | Failed] = {}
        self._error: Exception | None = None
        for noisy in ("torch.distributed.elastic", "torch.multiprocessing"):  # what they say is told here
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        # Torchrun's agent hears signals where it can, and would take them from whoever stops this study.
        self._agent = threading.Thread(target=self._launch, args=(task, folder), daemon=True)
        self._agent.start()

    def _launch(self, task: Task, folder: Path) -> None:
        """Nothing; every process has come and gone. They meet in a file: no port is open to anybody else."""
        from paper_kit.bench._rank import work

        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=task.resources.devices,
            run_id=folder.name,
            rdzv_backend="c10d",
            rdzv_endpoint=str(folder / "rendezvous"),
            rdzv_configs={"store_type": "file"},
            max_restarts=0,
            local_addr="localhost",
            logs_specs=DefaultLogsSpecs(log_dir=str(folder / "logs")),
        )
        try:
            elastic_launch(config, work)(task, self._theirs, str(folder))
        except Exception as error:  # it names the process that it saw first, which need not be the cause
            self._error = error

    def listen(self, report: Report, should_stop: ShouldStop) -> bool:
        """Whether the training finished; the error of the process that failed first is raised."""
        told, until = False, float("inf")
        while self._open and len(self._last) < len(self._ours) and time.monotonic() < until:
            for connection in wait(self._open, LISTEN_S):
                self._hear(self._ours.index(connection), report)  # type: ignore[arg-type]
            if self._trouble() and until == float("inf"):
                until = time.monotonic() + LAST_WORDS_S
            if not told and should_stop():
                told = True
                self._tell(STOP)
            if not self._agent.is_alive() and not wait(self._open, 0):
                break
        if self._trouble() or len(self._last) < len(self._ours):
            cause = self._cause()
            if isinstance(cause, RankDied) and should_stop():
                return False  # what stops the study, such as a signal to all its processes, met one early
            raise cause
        return all(last.finished for last in self._last.values() if isinstance(last, Done))

    def end(self) -> None:
        """Nothing; no process is alive. They have nothing to lose: they write beside, and then rename."""
        for ours in self._ours:
            ours.close()
        self._agent.join(FAREWELL_S)
        for process in self._processes.values():
            if process.is_alive():
                process.kill()
        self._agent.join(FAREWELL_S)
        for theirs in self._theirs:
            theirs.close()
        self._error = None
        gc.collect()  # torchrun's semaphores would outlive a worker that is killed once its work is done

    def _hear(self, rank: int, report: Report) -> None:
        try:
            message: Any = self._ours[rank].recv()
        except (EOFError, OSError):
            self._open.remove(self._ours[rank])
            return
        if isinstance(message, Hello):
            self._greet(rank, message.pid)
        elif isinstance(message, Done | Failed):
            self._last[rank] = message
        else:
            report(message)

    def _greet(self, rank: int, pid: int) -> None:
        """Nothing; the end of this process will be heard: its end of the pipe is open nowhere else."""
        process = next((each for each in multiprocessing.active_children() if each.pid == pid), None)
        if process is not None:  # otherwise it is gone by now
            self._processes[rank] = process
        self._theirs[rank].close()

    def _tell(self, message: str) -> None:
        for connection in self._open:
            with suppress(OSError):  # it died, and is heard of
                connection.send(message)

    def _trouble(self) -> bool:
        """Whether a process failed, or is gone without a word."""
        ended = {rank for rank, ours in enumerate(self._ours) if ours not in self._open}
        failed = any(isinstance(last, Failed) for last in self._last.values())
        lost = self._error is not None and len(self._last) < len(self._ours)
        return failed or lost or bool(ended - self._last.keys())

    def _cause(self) -> Exception:
        """The error of the process that was gone without a word, or of the one that failed first."""
        silent = [rank for rank, ours in enumerate(self._ours)
                  if ours not in self._open and rank not in self._last]  # fmt: skip
        if silent:
            return RankDied(self._epitaph(silent[0]))
        failed = [last for last in self._last.values() if isinstance(last, Failed)]
        if not failed:
            why = f" ({type(self._error).__name__})" if self._error else ""
            return RankDied(f"a process of the run could not start{why}; {GO_ON}")
        first = min(failed, key=lambda each: each.at)
        first.error.add_note(first.details)
        return first.error

    def _epitaph(self, rank: int) -> str:
        """How a process died, in a sentence that says what to type."""
        who, process = f"the process of device {rank + 1} of {len(self._ours)}", self._processes.get(rank)
        until = time.monotonic() + LAST_WORDS_S
        while process is not None and process.exitcode is None and time.monotonic() < until:
            time.sleep(0.01)
        code = process.exitcode if process is not None else None
        return f"{who} {death.how(code)}; {GO_ON}"
