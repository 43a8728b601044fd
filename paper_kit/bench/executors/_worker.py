"""One worker: a process that loads torch once and trains the runs that it is sent, one after the other."""

from __future__ import annotations

import importlib
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from paper_kit.bench.progress import Ended, Event, Report, ShouldStop
from paper_kit.core.damage import store_lost
from paper_kit.core.errors import PaperkitError, StoreLost
from paper_kit.core.private import private_streams
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Busy, RunState, Store

READY, STOP, LEAVE = "ready", "stop", "leave"


@dataclass(frozen=True)
class Task:
    """What a worker is given once: where to work, with how much, and which function trains a run."""

    store: Path
    resources: Resources
    gpu: str
    log: Path
    run: str  # "module:function", imported in the worker


def work(connection: Connection, task: Task) -> None:
    """Nothing; trains what arrives on the connection until it says LEAVE or its other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    line = Line(connection)
    signal.signal(signal.SIGTERM, line.leave)  # a machine that goes down tells every process itself
    write_to(task.log)
    os.environ.update(environment(task.resources.threads, task.gpu))
    run_one = function_of(task.run)
    line.send(READY)
    while (spec := line.next_run()) is not None:
        line.send(train(spec, Store(task.store), task.resources, run_one, line.send, line.should_stop))


def environment(threads: int, gpu: str) -> dict[str, str]:
    """Environment variables of a worker, set before torch is loaded."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    shared = {name: str(max(1, threads)) for name in names}
    return shared | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})


def function_of(name: str) -> Callable[..., Any]:
    """The function that "module:function" names, imported now."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def train(
    spec: RunSpec,
    store: Store,
    resources: Resources,
    run_one: Callable[..., RunState],
    report: Report,
    should_stop: ShouldStop,
) -> Ended:
    """How the run ended; whatever goes wrong in it is written to its error.txt, where that can be written."""
    started = time.monotonic()
    try:
        try:
            state = run_one(spec, store, resources, report=report, should_stop=should_stop)
        except Busy:
            state = RunState.RUNNING
        except Exception as error:
            state = _failed(spec, store, error)
    except StoreLost as error:
        return Ended(run_id=spec.id, state=RunState.PARTIAL, reason=str(error), lost=True)
    reason = store.reason(spec.id) if state is RunState.FAILED else ""
    return Ended(run_id=spec.id, state=state, reason=reason, seconds=time.monotonic() - started)


def _failed(spec: RunSpec, store: Store, error: Exception) -> RunState:
    """That the run failed, which its error.txt says; StoreLost where that is what went wrong."""
    gone = error if isinstance(error, StoreLost) else store_lost(error, store.root)
    if gone is not None:
        raise gone
    reason = str(error) if isinstance(error, PaperkitError) else f"{type(error).__name__}: {error}"
    store.fail(spec.id, reason, traceback.format_exc())
    return RunState.FAILED


def died(spec: RunSpec, store: Store, reason: str, details: str) -> Ended:
    """How the run of a worker that died ended, as the Store has it from here on: failed for that reason.

    It may have been done just before, and another process may have it by now.
    """
    try:
        with store.lease(spec.id):
            if store.file(spec.id, "record.json").is_file():
                return Ended(run_id=spec.id, state=RunState.DONE)
            store.fail(spec.id, reason, details)
    except Busy:
        return Ended(run_id=spec.id, state=RunState.RUNNING)
    return Ended(run_id=spec.id, state=RunState.FAILED, reason=reason)


class Line:
    """The worker's end of its connection; a parent that is gone means stop and leave."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._leave = False
        self._stop = False

    def leave(self, _signal: int, _frame: FrameType | None) -> None:
        """Nothing; the run at work is saved and stops, and then the worker leaves."""
        self._leave = True

    def send(self, message: Event | str) -> None:
        """Nothing; the parent hears it, if it is still there."""
        try:
            self._connection.send(message)
        except OSError:
            self._leave = True

    def should_stop(self) -> bool:
        """Whether the run at work is to be saved and to stop."""
        while not self._leave and self._connection.poll():
            self._hear()
        return self._stop or self._leave

    def next_run(self) -> RunSpec | None:
        """The next run, waited for; None where the worker is to leave."""
        while not self._leave:
            spec = self._hear()
            if spec is not None:
                self._stop = False
                return spec
        return None

    def _hear(self) -> RunSpec | None:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            message = LEAVE
        self._leave = self._leave or message == LEAVE
        self._stop = self._stop or message == STOP
        return message if isinstance(message, RunSpec) else None


def write_to(log: Path) -> None:
    """Nothing; what libraries print goes to the log and not through the progress display."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    private_streams()
