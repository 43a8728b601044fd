"""Jobs of runs on a Slurm cluster: which were submitted, what the queue says of them, which are cancelled."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from paper_kit.core.config import Frozen, read_model
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.files import write_json
from paper_kit.core.status import RunStatus
from paper_kit.core.store import RunState, Store

QUEUE = "slurm"  # how the names of its jobs begin in leases
FOLDER = "slurm"  # in the Store: a file a submission, and what submitit writes
LOG = "{job}_0_log.out"  # submitit's name of what a job printed
SQUEUE = ("squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%r|%N")
PATIENCE_S = 60.0  # a controller under load answers late
RECENT_S = 10.0  # so old may an answer be that says of a job that it works
PER_CALL = 500  # jobs that one scancel is given
OVER = {  # "JOB STATE CODES" of squeue's manual; every other state may still lead to work
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
    "REVOKED", "TIMEOUT",
}  # fmt: skip
WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}


class Submission(Frozen):
    """The jobs of one sbatch: run id -> job id, such as "17_3", whose they are, and when."""

    jobs: dict[str, str]
    uid: int
    submitted_at: str


@dataclass(frozen=True)
class Queued:
    """What the queue says of a job, such as RUNNING, and why it waits."""

    job: str
    state: str
    reason: str = ""
    node: str = ""

    @property
    def active(self) -> bool:
        """Whether it is at work or will be."""
        return self.state not in OVER

    def __str__(self) -> str:
        more = self.node if self.state == "RUNNING" else self.reason if self.state in WAITING else ""
        return f"job {self.job} {self.state}" + (f" ({more})" if more not in ("", "None") else "")


Queue = Mapping[str, Queued]  # by job id


def job_folder(store: Store) -> Path:
    """Where submitit keeps this user's jobs; closed to others, for jobs execute what lies there."""
    return store.root.absolute() / FOLDER / f"jobs-{os.getuid()}"


def log_of(store: Store, job: str) -> Path:
    """The file that holds what a job printed."""
    return job_folder(store) / LOG.format(job=job)


def write_submission(store: Store, jobs: Mapping[str, str]) -> None:
    """Nothing; these runs have these jobs from here on."""
    first = next(iter(jobs.values())).partition("_")[0]
    now = datetime.now(UTC).isoformat()
    record = Submission(jobs=dict(jobs), uid=os.getuid(), submitted_at=now)
    write_json(store.root / FOLDER / f"{first}.json", record.model_dump(mode="json"))


def submitted(store: Store) -> dict[str, str]:
    """Run id -> job id of this user's latest submission; InputError names a damaged file."""
    found = [_submission(path) for path in (store.root / FOLDER).glob("*.json")]
    jobs: dict[str, str] = {}
    for one in sorted(found, key=lambda each: each.submitted_at):
        jobs |= one.jobs if one.uid == os.getuid() else {}
    return jobs


def ask_queue() -> Queue | None:
    """This user's jobs, those that ended within minutes too; None where no queue answers."""
    try:
        asked = subprocess.run(SQUEUE, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if asked.returncode:
        return None
    rows = [line.split("|") for line in asked.stdout.splitlines() if line.count("|") == 3]
    return {row[0]: Queued(*row) for row in rows}


def in_queue(store: Store, queue: Queue | None) -> dict[str, Queued]:
    """Run id -> its job, of those at work or waiting; PaperkitError where no queue can say which are."""
    jobs = submitted(store)
    if jobs and queue is None:
        raise PaperkitError(
            "squeue does not answer: which runs have jobs already is not known. Try again in a moment, where "
            "Slurm's commands are."
        )
    known = queue or {}
    return {run: known[job] for run, job in jobs.items() if job in known and known[job].active}


def lease_name(job: str) -> str:
    """What a lease says of a job of this user, such as "slurm:17_3@1000"."""
    return f"{QUEUE}:{job}@{os.getuid()}"


def unknown_job(name: str) -> bool:
    """Whether no process of a job works any more: the queue no longer knows it, or it waits anew.

    False for jobs of other users, whom `squeue --me` does not show, and where no queue answers.
    """
    queue, _, rest = name.partition(":")
    job, _, uid = rest.partition("@")
    if queue != QUEUE or uid != str(os.getuid()):
        return False
    recent = _recent_queue(int(time.monotonic() // RECENT_S))
    if recent is None or not _rests(recent.get(job)):
        return False
    queue_now = ask_queue()  # the job may have started since; its lease is older than this answer
    return queue_now is not None and _rests(queue_now.get(job))


def cancel(jobs: Iterable[str]) -> None:
    """Nothing; Slurm was told to end the jobs, which save first. PaperkitError where it does not answer."""
    asked_for = list(jobs)
    for start in range(0, len(asked_for), PER_CALL):
        command = ("scancel", *asked_for[start : start + PER_CALL])
        try:
            asked = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise InputError("There is no scancel here; log in where Slurm's commands are.") from None
        if asked.returncode:
            raise PaperkitError(f"scancel: {asked.stderr.strip()}")


def joined(found: tuple[RunStatus, ...], store: Store) -> tuple[RunStatus, ...]:
    """The statuses with what the queue says of those that are not done, where runs were submitted."""
    jobs = submitted(store)
    open_jobs = [jobs[one.run.id] for one in found if one.state is not RunState.DONE and one.run.id in jobs]
    queue = ask_queue() if open_jobs else None
    if queue is None:
        return found
    return tuple(_with_job(one, jobs.get(one.run.id, ""), queue, store) for one in found)


def _with_job(one: RunStatus, job: str, queue: Queue, store: Store) -> RunStatus:
    if one.state is RunState.DONE or not job:
        return one
    known = queue.get(job)
    if known is not None and known.active:
        told = "; ".join(part for part in (one.note, str(known)) if part)
        waits = one.state is not RunState.RUNNING
        return replace(one, note=told, queued=waits)
    if one.state in {RunState.FAILED, RunState.BLOCKED, RunState.RUNNING}:
        return one
    ending = f"ended ({known.state})" if known is not None else "left the queue"
    told = f"job {job} {ending}, see {log_of(store, job)}; `paperkit run-all --executor slurm` goes on"
    return replace(one, note="; ".join(part for part in (one.note, told) if part))


@lru_cache(maxsize=1)
def _recent_queue(_tick: int) -> Queue | None:
    return ask_queue()


def _rests(found: Queued | None) -> bool:
    """Whether no process of the job works now."""
    return found is None or not found.active or found.state in WAITING


def _submission(path: Path) -> Submission:
    return read_model(
        path, Submission, "a whole list of jobs", "Delete the file; `squeue --me` shows the jobs."
    )
