"""Trains on a Slurm cluster: a job array of one run a job, through submitit, and waits for the Store to fill.

The options are the table [resources.slurm] of paperkit.local.toml. Ctrl-C leaves the jobs in the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit.bench.elsewhere import signs_of_life
from paper_kit.bench.executors._slurm_job import NOTICE_S, Job
from paper_kit.bench.executors._slurm_watch import watch
from paper_kit.bench.executors._slurm_waves import waves
from paper_kit.bench.machine import on_a_node
from paper_kit.bench.progress import Ended, Note, Report, ShouldStop
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.slurm import FOLDER, Queue, ask_queue, in_queue, job_folder, unknown_job, write_submission
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Busy, RunState, Store

if TYPE_CHECKING:
    from submitit import SlurmExecutor

RUN = "paper_kit.bench.run:run_one"  # imported in the jobs, so that this process never loads torch
NAME = "paperkit"  # of every job
ROUTE = "Change [resources.slurm] in paperkit.local.toml."


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What each job asks of the cluster; the options of `execute`."""

    partition: str
    gpus: int
    cpus: int
    memory_gb: float
    time_min: int
    array_size: int
    at_once: int
    requeues: int
    setup: tuple[str, ...]
    sbatch: dict[str, str | int | bool]

    def __post_init__(self) -> None:
        """InputError lists the numbers that are too small."""
        least = {"gpus": 0, "cpus": 1, "memory_gb": 0, "time_min": 1, "array_size": 1, "at_once": 0}
        least["requeues"] = 0
        low = [f"{name} = {getattr(self, name)}: expected {at_least} or more." for name, at_least in
               least.items() if getattr(self, name) < at_least]  # fmt: skip
        if low:
            raise InputError([f"[resources.slurm] {problem}" for problem in low])


def execute(
    specs: Sequence[RunSpec],
    store: Store,
    resources: Resources,
    report: Report,
    should_stop: ShouldStop,
    prepare: Callable[[], None],
    /,
    *,
    partition: str = "",
    gpus: int = 0,
    cpus: int = 1,
    memory_gb: float = 0.0,
    time_min: int = 240,
    array_size: int = 1000,
    at_once: int = 0,
    requeues: int = 20,
    setup: tuple[str, ...] = (),
    sbatch: dict[str, str | int | bool] = {},  # noqa: B006  (never changed)
    wait: bool = True,
) -> None:
    """Nothing; every run has a job, and, if it waits, every job is over. InputError where Slurm refuses.

    partition, memory_gb: the cluster's default where empty or 0. gpus, cpus, time_min: of each run.
    array_size: jobs of one array. at_once: of them at work at a time; 0: all. requeues: how often a run that
    reached time_min goes back into the queue. setup: shell lines before each run. sbatch: other options.
    """
    ask = Ask(
        partition=partition, gpus=gpus, cpus=resources.threads or cpus, memory_gb=memory_gb,
        time_min=time_min, array_size=array_size, at_once=resources.jobs or at_once, requeues=requeues,
        setup=setup, sbatch=sbatch,
    )  # fmt: skip
    settled = on_a_node(resources, "slurm", ask.cpus, ask.gpus)
    executor = _executor(job_folder(store), ask.requeues)
    prepare()
    with _alone(store):
        left = submit(specs, store, settled, report, ask, executor)
    if wait:
        watch([spec for spec in specs if spec.id not in left], store, report, should_stop)
        report(Note(text=f"Costs are measured on a node: `{measuring(ask)}`"))


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """A block in which nobody else submits jobs of this Store; PaperkitError where somebody does just now."""
    try:
        with store.lease(FOLDER):  # no run gets two jobs
            yield
    except Busy:
        raise PaperkitError("Another run-all submits jobs of this store; try again in a moment.") from None


def submit(
    specs: Sequence[RunSpec],
    store: Store,
    resources: Resources,
    report: Report,
    ask: Ask,
    executor: SlurmExecutor,
) -> frozenset[str]:
    """Ids of the runs that got no job, as other processes have them or their source; all others have one."""
    signs_of_life(specs, store, unknown_job)
    held = {run_id: job.job for run_id, job in in_queue(store, _queue()).items()}
    taken = {spec.id for spec in specs if spec.id not in held and store.state(spec) is RunState.RUNNING}
    if held:
        report(Note(text=f"Jobs of this store that are in the queue already: {len(held)}"))
    planned, stuck = waves([spec for spec in specs if spec.id not in taken], store, held, ask.array_size)
    for run_id in taken | stuck:
        report(Ended(run_id=run_id, state=RunState.RUNNING))
    if taken | stuck:
        report(Note(text=f"Runs left to other processes: {len(taken)}; that wait for them: {len(stuck)}"))
    specs_of = {spec.id: spec for spec in specs}
    for wave in planned:
        array = [Job(specs_of[run_id], store.root.absolute(), resources, RUN) for run_id in wave.runs]
        jobs = _submit_array(executor, array, parameters(ask, wave.dependency(held)))
        write_submission(store, jobs)
        held |= jobs
        number = next(iter(jobs.values())).partition("_")[0]
        after = f", each after its source in array {wave.array(held)}" if wave.sources else ""
        report(Note(text=f"Submitted array {number}, {len(jobs)} of {len(specs)} runs{after}"))
    return stuck | taken


def measuring(ask: Ask) -> str:
    """What to type so that costs are measured on such a node as trains, with nobody else on it."""
    asked = [f"--partition={ask.partition}"] if ask.partition else []
    asked += [f"--gpus-per-node={ask.gpus}"] if ask.gpus else []
    options = [f"--{key}={value}" for key, value in ask.sbatch.items() if not isinstance(value, bool)]
    return " ".join(["srun --exclusive", *asked, *options, "paperkit measure"])


def parameters(ask: Ask, dependency: str) -> dict[str, Any]:
    """Keywords of submitit's SlurmExecutor."""
    extra: dict[str, Any] = {"requeue": True, **ask.sbatch}
    if dependency:
        extra |= {"dependency": dependency, "kill-on-invalid-dep": "yes"}
    return {
        "job_name": NAME,
        "partition": ask.partition or None,
        "time": ask.time_min,
        "cpus_per_task": ask.cpus,
        "gpus_per_node": ask.gpus or None,
        "mem": f"{round(1024 * ask.memory_gb)}M" if ask.memory_gb else None,
        "signal_delay_s": min(NOTICE_S, 30 * ask.time_min),
        "array_parallelism": ask.at_once or ask.array_size,
        "setup": list(ask.setup) or None,
        "stderr_to_stdout": True,
        "wckey": None,
        "additional_parameters": extra,
    }


def _submit_array(executor: SlurmExecutor, jobs: Sequence[Job], asked: dict[str, Any]) -> dict[str, str]:
    """Run id -> job id; InputError with what Slurm said where it refuses."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor.update_parameters(**asked)
    try:
        found = executor.submit_array(jobs)
    except (FailedJobError, FailedSubmissionError) as error:
        told = [line for line in str(error).splitlines() if line.startswith("sbatch: error")]
        raise InputError(f"Slurm refuses the jobs: {' '.join(told) or error} {ROUTE}") from None
    return {job.spec.id: str(one.job_id) for job, one in zip(jobs, found, strict=True)}


def _queue() -> Queue:
    """This user's jobs; InputError where no Slurm answers: it would not take jobs, or get some twice."""
    found = ask_queue()
    if found is None:
        raise InputError(
            "squeue does not answer: there is no Slurm here, or it is not ready. Try again in a moment, or "
            "log in to a node of the cluster."
        )
    return found


def _executor(folder: Path, requeues: int) -> SlurmExecutor:
    """submitit's; InputError where it, or Slurm's commands, are not here, or no Slurm answers."""
    try:
        from submitit import SlurmExecutor
    except ImportError:
        raise InputError("--executor slurm needs submitit: pip install 'paper-kit[slurm]'.") from None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        found = SlurmExecutor(folder=folder, max_num_timeout=requeues)
    except RuntimeError:
        raise InputError("There is no srun here; log in where Slurm's commands are.") from None
    _queue()
    return found
