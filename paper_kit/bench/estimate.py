"""What a study would take here, told before its start: time, memory and disk, from a short probe."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paper_kit.bench.audit_probe import audit_seconds
from paper_kit.bench.costs import costs_to_measure
from paper_kit.bench.executors._worker import environment
from paper_kit.bench.fresh import Team
from paper_kit.bench.machine import share, usable_gpus
from paper_kit.bench.probed import Probed, kind, run_bytes, run_seconds, training_seconds
from paper_kit.bench.progress import Note, Report
from paper_kit.bench.room import free_bytes, machine_bytes, resident_bytes
from paper_kit.bench.schedule import Pace, Schedule
from paper_kit.bench.study import open_datasets, to_train
from paper_kit.core.checkpoints import CHECKPOINT
from paper_kit.core.errors import PaperkitError
from paper_kit.core.plan import BASE, Plan, chosen_runs, run_labels
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store
from paper_kit.data.audit import outdated
from paper_kit.data.cache import open_dataset

PROBE = "paper_kit.bench.run_probe:probe"  # imported in the fresh processes
STEPS_S = 12.0  # of steps in all; set-up, evaluation and outcome of the probes take as long again
LEAST_S, MOST_S = 1.0, 5.0  # of steps in one probe
TOLD_APART = 2.0  # a record whose pace is further from the probe's was made under other conditions
MIB = 2**20
COST_BYTES = 4096  # of the record of a model's cost


@dataclass(frozen=True)
class RunEstimate:
    """One run that is to be trained: seconds in its worker, and bytes of its folder."""

    id: str
    label: str
    model: str
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Estimate:
    """Seconds, MiB and bytes that a study would take from here on, and what is there for it."""

    runs: tuple[RunEstimate, ...]  # those to be trained; done ones are not in it
    done: int
    jobs: int
    threads: int
    device: str
    start_s: float  # until the workers have loaded their libraries
    training_s: float  # of all runs, in the order of the executor, on `jobs` workers
    cost_s: float
    audit_s: float
    worker_mib: float
    study_mib: float  # all workers and the command
    machine_mib: float
    memory_meter: str  # of worker_mib: the resident set, or what torch allocates on each GPU
    kept_bytes: int
    checkpoint_bytes: int  # most at any time, gone when the runs are done
    free_bytes: int
    probe_s: float

    @property
    def seconds(self) -> float:
        """Wall time from the command to its end."""
        return self.start_s + self.training_s + self.cost_s + self.audit_s

    @property
    def disk_bytes(self) -> int:
        """Most that lies on the disk at any time."""
        return self.kept_bytes + self.checkpoint_bytes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not fit, and what to type."""
        found = []
        if self.memory_meter == "rss" and self.study_mib > self.machine_mib:
            fewer = f"--jobs {max(1, self.jobs - 1)}" if self.jobs > 1 else "a smaller micro_batch"
            found.append(
                f"The study would take {self.study_mib:,.0f} MiB of memory; the machine has "
                f"{self.machine_mib:,.0f} MiB. Try {fewer}."
            )
        if self.disk_bytes > self.free_bytes:
            found.append(
                f"Records and checkpoints would take {self.disk_bytes / MIB:,.0f} MiB of disk, of which "
                f"{self.free_bytes / MIB:,.0f} MiB are free. Make room, or set keep_weights = false."
            )
        return tuple(found)


def estimate(plans: tuple[Plan, ...], store: Store, resources: Resources, report: Report) -> Estimate:
    """What is still to be done of the plans, estimated from a probe of about half a minute.

    The probe's processes work side by side as the executor's would; on GPUs, one each. InputError where a
    dataset is not at hand, with what to type.
    """
    start = time.monotonic()
    runs = chosen_runs(plans)
    missing = to_train(runs, store)
    settled = _settled(resources, len(runs))
    open_datasets(missing, resources, report)
    report(Note(text="Measuring a few steps of each kind of run"))
    probes, start_s = probed_kinds(missing, store, settled)
    found = _runs(plans, missing, probes, store, settled)
    costs = _costs(plans, missing, probes, store, start_s)
    lengths = {run.id: run.seconds for run in found}
    return Estimate(
        runs=found,
        done=len(runs) - len(missing),
        jobs=settled.jobs,
        threads=settled.threads,
        start_s=start_s,
        training_s=schedule_seconds(missing, lengths, settled.jobs),
        cost_s=sum(costs),
        audit_s=_audit_seconds(runs, store, resources),
        kept_bytes=sum(run.bytes for run in found) + len(costs) * COST_BYTES,
        **_room(missing, probes, store, settled.jobs),
        probe_s=time.monotonic() - start,
    )


def _runs(
    plans: tuple[Plan, ...],
    missing: Sequence[RunSpec],
    probes: Mapping[str, Probed],
    store: Store,
    settled: Resources,
) -> tuple[RunEstimate, ...]:
    labels, everything = run_labels(plans), chosen_runs(plans)
    found = []
    for run in missing:
        probed = probes[kind(run)]
        seconds = _seconds(run, everything, probed, store, settled)
        found.append(RunEstimate(run.id, labels[run.id], run.model.name, seconds, run_bytes(run, probed)))
    return tuple(found)


def _room(
    missing: Sequence[RunSpec], probes: Mapping[str, Probed], store: Store, jobs: int
) -> dict[str, Any]:
    """The fields of an Estimate that tell memory, checkpoints, and what there is."""
    worker = max((probed.memory_mib for probed in probes.values()), default=0.0)
    checkpoints = sorted((probes[kind(run)].checkpoint_bytes for run in missing), reverse=True)
    any_probe = next(iter(probes.values()), None)
    return {
        "device": any_probe.device if any_probe else "",
        "worker_mib": worker,
        "study_mib": jobs * worker + resident_bytes() / MIB,
        "machine_mib": machine_bytes() / MIB,
        "memory_meter": any_probe.memory_meter if any_probe else "rss",
        "checkpoint_bytes": 3 * sum(checkpoints[:jobs]),  # the newest, the one before, and one being written
        "free_bytes": free_bytes(store.root),
    }


def _settled(resources: Resources, runs: int) -> Resources:
    """The executor's jobs and threads; where it packs runs onto GPUs as it learns, one a GPU."""
    found = share(resources, runs)
    gpus = len(usable_gpus(resources))
    return found.model_copy(update={"jobs": min(found.jobs, gpus)}) if found.packing and gpus else found


def probed_kinds(
    runs: Sequence[RunSpec], store: Store, settled: Resources
) -> tuple[dict[str, Probed], float]:
    """What each kind of these runs takes, by its name, and the seconds until a process has begun.

    All workers are busy in each round: where kinds run out, some are probed again and not counted.
    """
    asked = list(representatives(runs).items())
    if not asked:
        return {}, 0.0
    gpus = usable_gpus(settled)
    seats = [environment(settled.threads, gpus[n % len(gpus)] if gpus else "") for n in range(settled.jobs)]
    rounds = math.ceil(len(asked) / len(seats))
    seconds = min(MOST_S, max(LEAST_S, STEPS_S / rounds))
    found: dict[str, Probed] = {}
    with Team(PROBE, seats, store.root / "logs" / "estimate.log") as team:
        start_s = team.ready()
        for first in range(0, len(asked), len(seats)):
            now = [asked[(first + n) % len(asked)] for n in range(len(seats))]
            answers = team.ask([(run, settled, seconds) for _, run in now])
            found = dict(zip((name for name, _ in now), answers, strict=True)) | found
    for answer in found.values():
        if isinstance(answer, PaperkitError):
            raise answer
    return found, start_s


def representatives(runs: Sequence[RunSpec]) -> dict[str, RunSpec]:
    """One run of each kind: the first, or the first that begins with fewer stages than all."""
    found: dict[str, RunSpec] = {}
    for run in runs:
        known = found.setdefault(kind(run), run)
        if known.transfer.source == "none" or known.transfer.unfreezing == "all":
            found[kind(run)] = run if run.transfer.source != "none" else known
    return found


def schedule_seconds(runs: Sequence[RunSpec], lengths: Mapping[str, float], jobs: int) -> float:
    """Wall seconds of the runs on so many workers, in the executor's order: sources, then the longest."""

    class Known(Pace):
        def seconds(self, spec: RunSpec, epochs_done: int = 0) -> float:
            del epochs_done
            return lengths[spec.id]

        def alike(self, spec: RunSpec) -> float:
            return lengths[spec.id]

    schedule, now = Schedule(runs, Known()), 0.0
    working: list[tuple[float, str]] = []
    while schedule.waiting or working:
        while len(working) < jobs and (run := schedule.next()) is not None:
            heapq.heappush(working, (now + lengths[run.id], run.id))
        now, ended = heapq.heappop(working)
        schedule.end(ended, RunState.DONE)
    return now


def _seconds(
    run: RunSpec, runs: Sequence[RunSpec], probed: Probed, store: Store, settled: Resources
) -> float:
    """Seconds that the run still takes in its worker."""
    begun = store.file(run.id, CHECKPOINT).is_file()
    alike = [one for one in runs if kind(one) == kind(run) and store.state(one) is RunState.DONE]
    pace = recorded_pace([store.record(one.id) for one in alike], probed, settled.threads)
    return run_seconds(run, probed, len(store.history(run.id)) if begun else 0, pace)


def recorded_pace(records: Sequence[RunRecord], probed: Probed, threads: int) -> float:
    """By what the probe's steps are multiplied: the geometric mean of what it and finished runs say.

    The records are of runs of its kind; those count that have as many threads and a device of its name.
    """
    ratios = []
    for record in records:
        run = RunSpec.model_validate(record.spec)
        expected = training_seconds(run, probed, last=record.epochs_run)
        where = record.environment.get("device_name"), record.environment.get("threads")
        if where == (probed.device, threads) and record.seconds and expected:
            ratios.append(record.seconds / expected)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 1.0
    return math.sqrt(mean) if 1 / TOLD_APART < mean < TOLD_APART else 1.0


def _costs(
    plans: tuple[Plan, ...],
    missing: Sequence[RunSpec],
    probes: Mapping[str, Probed],
    store: Store,
    start_s: float,
) -> list[float]:
    """Seconds of each measurement of a model's cost that follows the runs: of the bases, once a kind."""
    if not missing and not costs_to_measure(plans, store):
        return []
    bases = [row.reading.run for plan in plans for row in plan.rows if row.ablation_key == BASE]
    known = {kind(run): probes[kind(run)].cost_s + start_s for run in bases if kind(run) in probes}
    others = len({kind(run) for run in bases} - set(known))
    typical = sum(known.values()) / len(known) if known else start_s
    return [*known.values(), *[typical] * others]


def _audit_seconds(runs: Sequence[RunSpec], store: Store, resources: Resources) -> float:
    """Seconds of the audits that follow the runs, of the datasets that none was made of."""
    total = 0.0
    for part in {repr(run.dataset): run.dataset for run in runs if run.task == "emotion"}.values():
        dataset = open_dataset(part, resources.data_roots, resources.cache, resources.skip_bad)
        if outdated(store.audit(dataset.fingerprint)):
            total += audit_seconds(dataset)
    return total
