"""One run inside a Ray worker: it goes on from its checkpoint where a worker before it died."""

from __future__ import annotations

import importlib
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from paper_kit.bench.executors._ray_desk import answer, log_of
from paper_kit.bench.executors._ray_fetch import Away, fetched, study_of
from paper_kit.bench.executors._told import Told, handling
from paper_kit.bench.executors._worker import environment, function_of, train
from paper_kit.bench.progress import Ended, Event, ShouldStop, never
from paper_kit.core.errors import InputError
from paper_kit.core.private import private_streams
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store

QUEUE = "ray"  # how the names of its tasks begin in leases
ASK_S = 0.2  # between two questions whether to stop
PATIENCE_S = 60.0  # a desk that is silent for so long is gone
GOES = 143  # exit code of a worker whose node is taken away, as after SIGTERM


@dataclass(frozen=True)
class Job:
    """What all runs of an execution are given, stored once; `function` is "module:function"."""

    store: Path
    resources: Resources
    function: str
    study: Path
    mark: str  # a file in the Store: who sees it shares the folder of runs with the driver
    tries: int
    away: Away | None = None  # where the folder of runs is not shared


def work(spec: RunSpec, job: Job, desk: Any, keeper: Any = None) -> Ended:
    """How the run ended. InputError where this node does not see the folder of runs and should."""
    times = answer(desk.begin.remote(spec.id))
    if times == 0:
        return Ended(run_id=spec.id, state=RunState.PARTIAL)
    if times > job.tries:  # Ray itself tries without end where memory runs out
        return Ended(run_id=spec.id, state=RunState.FAILED, reason=died_too_often(job.tries))
    os.environ.update(environment(job.resources.threads, gpu=""))
    if job.away is None:
        _check_shared(job)
        os.chdir(job.study)
        told = _Heard(desk)
        ended = _train(spec, job, Store(job.store, lease_name()), told)
    else:
        ended, told = _train_away(spec, job, job.away, desk, keeper)
    if told.terminated and ended.state is RunState.PARTIAL:
        os._exit(GOES)  # the node is taken away: a worker that died is tried again elsewhere
    return ended


def _train_away(spec: RunSpec, job: Job, away: Away, desk: Any, keeper: Any) -> tuple[Ended, _Heard]:
    """How the run ended in a folder of this node; what it left there is with the driver."""
    os.chdir(study_of(away))
    with fetched(spec, away, keeper) as copy:
        if copy is None:
            return Ended(run_id=spec.id, state=RunState.RUNNING), _Heard(desk)
        told = _Heard(desk, copy.refused)
        own = replace(job, resources=copy.resources(job.resources))
        ended = _train(spec, own, Store(copy.root), told)
    return copy.ending(ended), told


def _train(spec: RunSpec, job: Job, store: Store, told: _Heard) -> Ended:
    mine, run_id = store.job, spec.id
    store.sign(run_id, lambda name: name == mine or unknown_job(name))  # an earlier try of this task is over
    with _printing_to(log_of(store.root, run_id)), handling({signal.SIGTERM: told.terminate}):
        return train(spec, store, job.resources, function_of(job.function), told.send, told.should_stop)


def lease_name() -> str:
    """What a lease says of the task at work, such as "ray:session_2026.../node/task"."""
    ray: Any = importlib.import_module("ray")
    here = ray.get_runtime_context()
    return f"{QUEUE}:{here.get_session_name()}/{here.get_node_id()}/{here.get_task_id()}"


def unknown_job(name: str) -> bool:
    """Whether the node of a task is gone, as the cluster says with which this process is connected.

    False for tasks of other clusters, and where there is no connection.
    """
    queue, _, place = name.partition(":")
    ray: Any = sys.modules.get("ray")
    if queue != QUEUE or ray is None or not ray.is_initialized():
        return False
    session, _, task = place.partition("/")
    if session != ray.get_runtime_context().get_session_name():
        return False
    return task.partition("/")[0] not in {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def died_too_often(tries: int) -> str:
    """Why a run failed whose workers died again and again, in a sentence that says what to type."""
    return (
        f"its worker died {tries} times, most often because memory ran out; set memory_gb in "
        "[resources.ray], or a smaller micro_batch, then type `paperkit run-all --executor ray`"
    )


def _check_shared(job: Job) -> None:
    """Nothing; InputError where the folder of runs is another one here, or none."""
    if not (job.store / job.mark).exists():
        raise InputError(
            f"{job.store}: the node {platform.node()} does not see this folder of runs. Set shared = false "
            "in [resources.ray] of paperkit.local.toml, or put the runs where every node sees them (--runs)."
        )


class _Heard(Told):
    """What a run says to the desk, and is told by it; one whose desk is gone stops."""

    def __init__(self, desk: Any, refused: ShouldStop = never) -> None:
        super().__init__()
        self.terminated = False
        self._desk = desk
        self._refused = refused
        self._asked = time.monotonic()
        self._answer: Future[bool] | None = None

    def terminate(self, _number: int, _frame: FrameType | None) -> None:
        """Nothing; SIGTERM came, as where the node is taken away: the run is saved and stops."""
        self.terminated = self.leaving = True

    def send(self, event: Event) -> None:
        """Nothing; the driver hears of it, and the log gets a line an epoch."""
        super().send(event)
        self._desk.hear.remote(event)

    def should_stop(self) -> bool:
        """Whether the run at work is to be saved and to stop."""
        silent_s = time.monotonic() - self._asked
        if self._answer is not None and self._answer.done():
            # with the desk, the driver is gone
            self.leaving = self.leaving or self._answer.exception() is not None or self._answer.result()
            self._answer = None
        if self._answer is None and silent_s >= ASK_S:
            self._asked, silent_s = time.monotonic(), 0.0  # before, it was the run that did not ask
            self._answer = self._desk.stopping.remote().future()
        return self.leaving or self._refused() or silent_s > PATIENCE_S


@contextmanager
def _printing_to(log: Path) -> Iterator[None]:
    """A block in which what this process prints goes to the end of the log, without what is private."""
    log.parent.mkdir(parents=True, exist_ok=True)
    streams, kept = (sys.stdout, sys.stderr), (os.dup(1), os.dup(2))
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(opened, 1)
        os.dup2(opened, 2)
        private_streams()
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = streams
        for number, handle in zip((1, 2), kept, strict=True):
            os.dup2(handle, number)
            os.close(handle)
        os.close(opened)
