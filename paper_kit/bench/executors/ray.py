"""Trains in a Ray cluster, on this machine or on many: a task a run, tried again where its worker died.

The options are the table [resources.ray] of paperkit.local.toml.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from paper_kit.bench.elsewhere import signs_of_life
from paper_kit.bench.executors._follow import follow
from paper_kit.bench.executors._ray_cluster import ROUTE, cluster, largest
from paper_kit.bench.executors._ray_desk import Desk, Keeper, log_of
from paper_kit.bench.executors._ray_fetch import Away, plugins_of
from paper_kit.bench.executors._ray_task import Job, died_too_often, unknown_job, work
from paper_kit.bench.executors._worker import died
from paper_kit.bench.machine import on_a_node, usable_gpus
from paper_kit.bench.progress import Ended, Event, Note, Report, ShouldStop
from paper_kit.bench.schedule import Pace, Schedule
from paper_kit.core.config import study_root
from paper_kit.core.damage import whole_records
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store

__all__ = ["Ask", "execute", "unknown_job"]

RUN = "paper_kit.bench.run:run_one"  # imported in the workers, so that this process never loads torch
SAVING_S = 60.0  # so long may runs take to stop; then their workers are killed
ANSWER_S = 60.0  # so long may an actor take to answer


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What each run asks of the cluster, and which cluster that is; the options of `execute`."""

    address: str
    cpus: int
    gpus: float
    memory_gb: float
    retries: int
    shared: bool
    scratch: str

    def __post_init__(self) -> None:
        """InputError lists the numbers that no run can have."""
        least = {"cpus": 1, "gpus": 0, "memory_gb": 0, "retries": 0}
        problems = [
            f"{name} = {getattr(self, name)}: expected {at_least} or more."
            for name, at_least in least.items()
            if getattr(self, name) < at_least
        ]
        if self.gpus > 1 and self.gpus % 1:
            problems.append(f"gpus = {self.gpus:g}: above 1, Ray takes whole numbers only.")
        if problems:
            raise InputError([f"[resources.ray] {problem}" for problem in problems])

    def on(self, device: str) -> Ask:
        """The same for runs on this device; InputError where they want a GPU and ask for none."""
        if device == "cuda" and not self.gpus:
            raise InputError(f"--device cuda: [resources.ray] gpus = 0; set 1, or a part of one. {ROUTE}")
        return replace(self, gpus=0.0) if device == "cpu" else self


def execute(
    specs: Sequence[RunSpec],
    store: Store,
    resources: Resources,
    report: Report,
    should_stop: ShouldStop,
    prepare: Callable[[], None],
    /,
    *,
    address: str = "",
    cpus: int = 1,
    gpus: float = 0.0,
    memory_gb: float = 0.0,
    retries: int = 3,
    shared: bool = True,
    scratch: str = "",
) -> None:
    """Nothing; every run was trained, failed, or was left where it can be resumed. Raises InputError where no
    cluster answers, or its nodes do not see the folder of runs; StoreLost where that cannot be written.

    address: "" starts a cluster on this machine; "auto" or host:port is one that runs. cpus, gpus: of each
    run; 0.25 of a GPU is shared by four runs. memory_gb: kept free for each run; 0: not asked. retries: how
    often a run goes on elsewhere after its worker or node died. shared: whether every node sees the folder of
    runs; otherwise a run's files come back through Ray, and the node writes in `scratch` ("": where it has
    temporary files).
    """
    ask = Ask(
        address=address, cpus=resources.threads or cpus, gpus=gpus, memory_gb=memory_gb, retries=retries,
        shared=shared, scratch=scratch,
    ).on(resources.device)  # fmt: skip
    settled = on_a_node(resources, "ray", ask.cpus, ask.gpus)
    with cluster(address, 0 if address else len(usable_gpus(resources))) as ray, _marked(store) as mark:
        _check_room(ray, ask, report)
        prepare()
        signs_of_life(specs, store, unknown_job)
        schedule = Schedule(specs, Pace(whole_records(store)))
        crew = Crew(ray, store, resources, ask, _job(specs, store, settled, ask, mark))
        follow(schedule, crew, report, should_stop)
    if address:
        report(Note(text="Costs are measured on a node of the cluster: `paperkit measure`"))


class Crew:
    """The tasks of one execution, and the actors that they speak to."""

    def __init__(self, ray: Any, store: Store, resources: Resources, ask: Ask, job: Job) -> None:
        self._ray = ray
        self._store = store
        self._job = ray.put(job)  # once, for plug-ins may be in it
        self._tries = job.tries
        self._at_once = resources.jobs or sys.maxsize
        self._work = ray.remote(**_options(ask))(work)
        here = ray.get_runtime_context().get_node_id()
        on = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        beside = {"num_cpus": 0, "scheduling_strategy": on}
        self._desk = ray.remote(**beside)(Desk).remote()
        self._keeper = ray.remote(**beside)(Keeper).remote(job.store) if job.away else None
        self._runs: dict[Any, RunSpec] = {}
        self._stopped_at = 0.0

    @property
    def stopping(self) -> bool:
        """Whether no run starts any more."""
        return bool(self._stopped_at)

    def employ(self, schedule: Schedule) -> None:
        """Nothing; every run that can start is with Ray, as far as so many may work at once."""
        while len(self._runs) < self._at_once and (spec := schedule.next()) is not None:
            self._runs[self._work.remote(spec, self._job, self._desk, self._keeper)] = spec

    def ask_to_stop(self, schedule: Schedule) -> None:
        """Nothing; runs at work are saved and stop, the others do not begin."""
        self._stopped_at = time.monotonic()
        begun = self._ask(self._desk.stop.remote())
        for ref, spec in tuple(self._runs.items()):
            if spec.id not in begun:
                self._ray.cancel(ref)
                del self._runs[ref], schedule.working[spec.id]

    def listen(self, seconds: float) -> Iterator[Event]:
        """What the runs say within some seconds, and how those ended that did."""
        refs = list(self._runs)
        self._ray.wait(refs, timeout=seconds)
        ended, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        yield from self._ask(self._desk.news.remote())
        for ref in ended:
            yield self._ended(ref, self._runs.pop(ref))
        if self.stopping and time.monotonic() - self._stopped_at > SAVING_S:
            for ref in self._runs:
                self._ray.cancel(ref, force=True)

    def _ended(self, ref: Any, spec: RunSpec) -> Ended:
        errors = self._ray.exceptions
        try:
            ended: Ended = self._ray.get(ref)
        except errors.TaskCancelledError:
            ended = Ended(run_id=spec.id, state=RunState.PARTIAL)
        except errors.RayTaskError as error:
            if isinstance(error.cause, PaperkitError):
                raise type(error.cause)(error.cause.problems) from None
            ended = Ended(run_id=spec.id, state=RunState.FAILED, reason=_last_line(error))
        except errors.RayError as error:
            reason = f"{died_too_often(self._tries)} ({type(error).__name__})"
            ended = Ended(run_id=spec.id, state=RunState.FAILED, reason=reason)
            if self.stopping:  # killed by us, or not tried again because of us: it can be resumed
                ended = Ended(run_id=spec.id, state=RunState.PARTIAL)
        if self._keeper is not None:
            self._ask(self._keeper.close.remote(spec.id))
        return self._written(ended, spec, ref.task_id().hex())

    def _written(self, ended: Ended, spec: RunSpec, task: str) -> Ended:
        """The end as the Store has it: a worker that died could write nothing of it."""
        self._store.sign(spec.id, lambda name: name.endswith(f"/{task}") or unknown_job(name))
        if ended.state is not RunState.FAILED or self._store.reason(spec.id):
            return ended
        log = log_of(self._store.root, spec.id).relative_to(self._store.root)
        found = died(spec, self._store, ended.reason, f"The worker's last words are in {log}.")
        return replace(found, seconds=ended.seconds)

    def _ask(self, ref: Any) -> Any:
        """What an actor answers; PaperkitError where it does not."""
        try:
            return self._ray.get(ref, timeout=ANSWER_S)
        except self._ray.exceptions.RayError as error:
            raise PaperkitError(
                f"The Ray cluster does not answer ({type(error).__name__}). `paperkit run-all "
                "--executor ray` goes on from the last checkpoints."
            ) from None


def _job(specs: Sequence[RunSpec], store: Store, resources: Resources, ask: Ask, mark: str) -> Job:
    """What every run is given."""
    return Job(
        store=store.root.absolute(),
        resources=resources if ask.gpus else resources.model_copy(update={"device": "cpu"}),
        function=RUN,
        study=study_root(),
        mark=mark,
        tries=1 + ask.retries,
        away=None if ask.shared else Away(ask.scratch, plugins_of(specs)),
    )


def _options(ask: Ask) -> dict[str, Any]:
    """What Ray is told of a task. A run that raises has failed: only workers that died are tried again."""
    wanted: dict[str, Any] = {"num_cpus": ask.cpus, "num_gpus": ask.gpus, "max_retries": ask.retries}
    memory = {"memory": round(ask.memory_gb * 2**30)} if ask.memory_gb else {}
    return wanted | memory | {"retry_exceptions": False}


def _check_room(ray: Any, ask: Ask, report: Report) -> None:
    """Nothing; InputError where this machine can never train such a run. Other clusters may still grow."""
    wanted = {"CPU": ask.cpus, "GPU": ask.gpus, "memory": ask.memory_gb * 2**30}
    problem = largest(ray.nodes(), wanted)
    if problem and not ask.address:
        raise InputError(f"{problem} {ROUTE}")
    if problem:
        report(Note(text=f"{problem} Runs wait until one joins; {ROUTE[0].lower()}{ROUTE[1:]}"))
    idle = ray.cluster_resources().get("GPU", 0)
    if idle and not ask.gpus:
        report(Note(text=f"No run asks for one of the {idle:g} GPUs: [resources.ray] gpus = 0"))


@contextmanager
def _marked(store: Store) -> Iterator[str]:
    """The name of a file in the Store, by which a worker knows that it sees the same folder."""
    name = f"logs/.ray-{secrets.token_hex(8)}"
    path = store.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    try:
        yield name
    finally:
        with suppress(OSError):
            path.unlink()


def _last_line(error: Exception) -> str:
    return next(line for line in reversed(str(error).splitlines() or ["?"]) if line.strip())
