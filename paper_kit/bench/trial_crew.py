"""The worker processes of a search: each loads torch once and trains one trial after another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from paper_kit.bench import death
from paper_kit.bench.executors._worker import environment, function_of, write_to
from paper_kit.bench.machine import usable_gpus
from paper_kit.bench.progress import Progress
from paper_kit.bench.trial import EpochDone, Judge, Outcome, Task, Verdict, Watch
from paper_kit.core.private import without_private
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store

RUN = "paper_kit.bench.trial_run:run_trial"  # imported in the workers, so that this process never loads torch

Message = EpochDone | Outcome | Progress
RunTrial = Callable[[Task, Store, Resources, Judge, Watch], Outcome]


@dataclass(frozen=True)
class Post:
    """What a worker is told once: where to read weights and data, with how much to work, and where to log."""

    store: Path
    resources: Resources
    gpu: str
    log: Path
    run: str


class ParentGone(Exception):
    """The other end of the connection is closed: there is nobody to work for."""


class Line:
    """The worker's end of its connection; ParentGone where the other end is closed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        """Nothing; the parent hears it."""
        try:
            self._connection.send(message)
        except OSError as error:
            raise ParentGone from error

    def hear(self) -> Any:
        """What the parent says next: a Task or a Verdict."""
        try:
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise ParentGone from error

    def judge(self, epoch: int, value: float) -> Verdict:
        """The parent's verdict on a trial after this epoch."""
        self.send(EpochDone(epoch, value))
        verdict: Verdict = self.hear()
        return verdict


def work(connection: Connection, post: Post) -> None:
    """Nothing; trains the tasks that arrive until the connection's other end is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):  # these may reach every process; the parent decides
        signal.signal(number, signal.SIG_IGN)
    write_to(post.log)
    os.environ.update(environment(post.resources.threads, post.gpu))
    run_trial = function_of(post.run)
    line, store = Line(connection), Store(post.store)
    try:
        while True:
            task: Task = line.hear()
            line.send(_outcome(run_trial, task, store, post.resources, line))
    except ParentGone:
        return


def _outcome(run_trial: RunTrial, task: Task, store: Store, resources: Resources, line: Line) -> Outcome:
    """How the trial ended, also where it raised."""
    try:
        return run_trial(task, store, resources, line.judge, line.send)
    except ParentGone:
        raise
    except Exception as error:
        traceback.print_exc()  # into the worker's log
        return Outcome(state="failed", reason=without_private(f"{type(error).__name__}: {error}"))


@dataclass
class Worker:
    """A worker process as its parent sees it."""

    process: SpawnProcess
    connection: Connection
    log: Path
    task: Task | None = None


class TrialCrew:
    """Workers of one search, started when there is work for them; a seat is a worker's number."""

    def __init__(self, store: Store, resources: Resources, logs: Path) -> None:
        self._store = store
        self._resources = resources
        self._logs = logs
        self._gpus = usable_gpus(resources)
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, Worker] = {}

    @property
    def idle(self) -> list[int]:
        """Seats without a task."""
        seats = range(self._resources.jobs)
        return [seat for seat in seats if seat not in self._workers or self._workers[seat].task is None]

    def give(self, seat: int, task: Task) -> None:
        """Nothing; the worker of an idle seat tries the task."""
        if seat not in self._workers:
            self._workers[seat] = self._start(seat)
        self._workers[seat].task = task
        self._send(seat, task)

    def answer(self, seat: int, verdict: Verdict) -> None:
        """Nothing; the worker that asked goes on, or ends its trial."""
        self._send(seat, verdict)

    def listen(self, seconds: float) -> Iterator[tuple[int, Message]]:
        """(seat, message) of what workers say within some seconds; the trial of a dead one was killed."""
        heard = wait([worker.connection for worker in self._workers.values()], timeout=seconds)
        for seat, worker in list(self._workers.items()):
            if worker.connection in heard:
                yield seat, self._hear(seat, worker)

    def end(self) -> None:
        """Nothing; no worker is alive."""
        for worker in self._workers.values():
            worker.process.kill()
            worker.process.join()
            worker.connection.close()
        self._workers = {}

    def _start(self, seat: int) -> Worker:
        ours, theirs = self._context.Pipe()
        gpu = self._gpus[seat % len(self._gpus)] if self._gpus else ""
        log = self._logs / f"worker-{seat}.log"
        post = Post(self._store.root.absolute(), self._resources, gpu, log.absolute(), RUN)
        process = self._context.Process(target=work, args=(theirs, post), name=f"paperkit-tune-{seat}")
        process.start()
        theirs.close()
        return Worker(process, ours, log)

    def _hear(self, seat: int, worker: Worker) -> Message:
        try:
            message: Message = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            worker.connection.close()
            del self._workers[seat]
            reason = death.of_a_worker(worker.process.exitcode, self._resources.jobs, "tune")
            return Outcome(state="killed", reason=f"{reason} (see {worker.log})")
        if isinstance(message, Outcome):
            worker.task = None
        return message

    def _send(self, seat: int, message: Task | Verdict) -> None:
        try:
            self._workers[seat].connection.send(message)
        except OSError:  # it died; listening finds out
            pass
