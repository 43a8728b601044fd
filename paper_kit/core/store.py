"""The Store: one folder a run; which files exist is the state, and record.json, written last, means done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from paper_kit.core.config import read_model
from paper_kit.core.errors import InputError, PaperkitError, StoreLost, Superseded
from paper_kit.core.files import made_in, read_json, synced, write_json, write_text
from paper_kit.core.history import read_rows
from paper_kit.core.lease import Sign, Watch, clear, newest, take
from paper_kit.core.owner import Owner
from paper_kit.core.private import without_private
from paper_kit.core.record import AuditRecord, CostRecord, RunRecord
from paper_kit.core.spec import DEFAULTS, RunSpec
from paper_kit.core.tuning import TuningRecord

SALIENCY, GALLERY = "saliency.npz", "gallery.npz"  # of finished runs; `paperkit explain` adds them
AGAIN = "Delete the file and type `paperkit run-all` to train the run again."  # of a record that is not whole
NO_MEMORY = "The device's memory is too small"  # how the reason of a run begins that failed for it


class RunState(StrEnum):
    """What a run folder's files say."""

    MISSING = "missing"
    PARTIAL = "partial"  # cut off; a checkpoint may be there
    RUNNING = "running"  # somebody holds the lease
    FAILED = "failed"
    BLOCKED = "blocked"  # its source run failed
    DONE = "done"


class Busy(PaperkitError):
    """Somebody else holds the lease of the run."""


class Store:
    """The folder of runs. Names of files in a run's folder are given here and nowhere else."""

    def __init__(self, root: Path, job: str = "") -> None:
        self.root = root
        self.job = job  # what a queue calls the job in which this process works, such as "slurm:1234_5@1000"
        self._watch = Watch()

    def folder(self, run_id: str) -> Path:
        """The folder of a run, which need not exist."""
        return self.root / run_id

    def file(self, run_id: str, name: str) -> Path:
        """A file of a run: spec.json, history.jsonl, predictions.npz, saliency.npz, record.json …"""
        return self.folder(run_id) / name

    def state(self, spec: RunSpec) -> RunState:
        """What the files say of the run."""
        folder = self.folder(spec.id)
        if (folder / "record.json").is_file():
            return RunState.DONE
        if self.leased(spec.id):
            return RunState.RUNNING
        if (folder / "error.txt").is_file():
            return RunState.FAILED
        source = spec.transfer.run
        if source and (self.folder(source) / "error.txt").is_file():
            return RunState.BLOCKED
        return RunState.PARTIAL if (folder / "spec.json").is_file() else RunState.MISSING

    def leased(self, run_id: str) -> bool:
        """Whether a process has the run that is not known to be gone; `sign` looks for its heartbeat."""
        found = newest(self.folder(run_id))
        return found is not None and not found.free

    def owner(self, run_id: str) -> Owner | None:
        """The process that works on a run, or died there; None where nobody does or it cannot be known."""
        found = newest(self.folder(run_id))
        return found.owner if found else None

    def sign(self, run_id: str, unknown: Callable[[str], bool] = lambda _job: False) -> Sign:
        """What this Store has seen of the process that works on a run, since it first asked.

        A lease that was silent for its period is taken away, and so is one of whose job `unknown` says that
        its queue no longer knows it.
        """
        return self._watch.sign(self.folder(run_id), unknown)

    @contextmanager
    def lease(self, run_id: str) -> Iterator[None]:
        """The right to work on a run, with a heartbeat; Busy where somebody else has it, or takes it.

        It can be taken once this process was silent for a lease period. From then on nothing arrives that
        it writes into the run's folder by way of core/files.py.
        """
        folder = self.folder(run_id)
        found = newest(folder)
        held = take(folder, found, self.job) if found is None or found.free else None
        if held is None:
            owner = self.owner(run_id) or "another process"
            raise Busy(f"run {run_id}: {owner} works on it.")
        try:
            with made_in(held.place, folder):
                yield
        except Superseded as error:
            raise Busy(str(error)) from None
        finally:
            held.give_back(done=self._done(run_id))

    def begin(self, spec: RunSpec) -> None:
        """Nothing; spec.json is written, or InputError names the field in which the one there differs."""
        path = self.file(spec.id, "spec.json")
        if not path.exists():
            write_json(path, spec.full())
            return
        found, wanted = _flat(DEFAULTS) | _flat(read_json(path)), _flat(spec.full())  # it may be older
        differing = sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))
        if differing:
            told = "; ".join(f"{k}: {found.get(k)!r} there, {wanted.get(k)!r} here" for k in differing)
            raise InputError(
                f"{path}: another spec has this id ({told}). Move the folder away and run again."
            )

    def spec(self, run_id: str) -> RunSpec:
        """The spec of a run folder; InputError where it is missing or not readable."""
        again = "Move the folder away and type `paperkit run-all` to train the run again."
        return read_model(self.file(run_id, "spec.json"), RunSpec, "a spec of this version", again)

    def ids(self) -> tuple[str, ...]:
        """Ids of all run folders, sorted."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(path.parent.name for path in self.root.glob("*/spec.json")))

    def record(self, run_id: str) -> RunRecord:
        """The record of a finished run; InputError where there is none or it is damaged."""
        return read_model(self.file(run_id, "record.json"), RunRecord, "a whole record", AGAIN)

    def history(self, run_id: str) -> list[dict[str, Any]]:
        """One row an epoch, a last line cut off in mid-write left out; InputError for what is no number."""
        return read_rows(self.file(run_id, "history.jsonl"))

    def reason(self, run_id: str) -> str:
        """The first line of error.txt: why the run failed; empty where it did not."""
        path = self.file(run_id, "error.txt")
        return path.read_text("utf-8", "replace").partition("\n")[0] if path.is_file() else ""

    def fail(self, run_id: str, reason: str, details: str) -> None:
        """Nothing; error.txt says why in its first line, with the details below. StoreLost if it cannot."""
        text = f"{reason.splitlines()[0] if reason else 'failed'}\n\n{details}\n"
        try:
            write_text(self.file(run_id, "error.txt"), without_private(text))
        except OSError as error:
            told = f"{error.filename}: {error.strerror}, and so nothing can be kept of: {reason}"
            raise StoreLost(told) from None

    def retry(self, run_id: str) -> None:
        """Nothing; the run no longer counts as failed."""
        self.file(run_id, "error.txt").unlink(missing_ok=True)

    def forget(self, run_id: str) -> Path:
        """Where the run's results are set aside, `<id>.old-<n>`, so that it is trained again.

        Raises Busy where a process works on it.
        """
        folder = self.folder(run_id)
        if not folder.exists():
            return self._aside(run_id)
        with self.lease(run_id):  # the name is chosen here, where nobody else sets the run aside
            aside = self._aside(run_id)
            folder.rename(aside)
            clear(aside)
        return aside

    def _aside(self, run_id: str) -> Path:
        number = 1
        while (aside := self.root / f"{run_id}.old-{number}").exists():
            number += 1
        return aside

    def write_record(self, record: RunRecord) -> None:
        """Nothing; the run is done from here on."""
        with self.finishing(record.id) as path:
            write_json(path, record.model_dump(mode="json"))

    @contextmanager
    def finishing(self, run_id: str) -> Iterator[Path]:
        """A block that writes this record.json: the run is done then, and stays so where power is lost."""
        self.retry(run_id)
        self.folder(run_id).mkdir(parents=True, exist_ok=True)
        synced(self.folder(run_id))  # no loss of power leaves a record without the files that it speaks of
        yield self.file(run_id, "record.json")
        synced(self.folder(run_id))

    def _done(self, run_id: str) -> bool:
        return self.file(run_id, "record.json").is_file()

    def costs(self) -> list[CostRecord]:
        """All cost records of the Store, in the order in which they were measured, then of their keys.

        Records that do not say when come first: times of files change where a Store is copied.
        """
        files = sorted((self.root / "costs").glob("*.json"))
        return sorted(map(_cost, files), key=lambda cost: (cost.measured_at, cost.key))

    def write_cost(self, record: CostRecord) -> None:
        """Nothing; replaces the cost record of the same key."""
        write_json(self.root / "costs" / f"{record.key}.json", record.model_dump(mode="json"))

    def audits(self) -> list[AuditRecord]:
        """All audits of datasets in the Store, by fingerprint; InputError names a damaged file."""
        return [_audit(path) for path in sorted((self.root / "audits").glob("*.json"))]

    def audit(self, fingerprint: str) -> AuditRecord | None:
        """The audit of the dataset with this fingerprint; None where there is none."""
        path = self.root / "audits" / f"{fingerprint}.json"
        return _audit(path) if path.is_file() else None

    def write_audit(self, record: AuditRecord) -> None:
        """Nothing; replaces the audit of the same dataset."""
        write_json(self.root / "audits" / f"{record.fingerprint}.json", record.model_dump(mode="json"))

    def tunings(self) -> list[TuningRecord]:
        """All searches for hyperparameters in the Store, by name; InputError names a damaged file."""
        return [_tuning(path) for path in sorted((self.root / "tuning").glob("*.json"))]

    def tuning(self, name: str) -> TuningRecord | None:
        """The searches of this name, <experiment>-<model>; None where there are none."""
        path = self.root / "tuning" / f"{name}.json"
        return _tuning(path) if path.is_file() else None

    def write_tuning(self, record: TuningRecord) -> None:
        """Nothing; replaces the record of the same name."""
        write_json(self.root / "tuning" / f"{record.name}.json", record.model_dump(mode="json"))


def _audit(path: Path) -> AuditRecord:
    again = "Delete the file and type `paperkit data audit NAME --record`."
    record = read_model(path, AuditRecord, "a whole audit", again)
    if record.fingerprint != path.stem:
        raise InputError(f"{path}: this is the audit of another dataset ({record.fingerprint}).")
    return record


def _cost(path: Path) -> CostRecord:
    return read_model(path, CostRecord, "a whole cost record", "Delete the file and type `paperkit measure`.")


def _tuning(path: Path) -> TuningRecord:
    again = "Delete the file and type `paperkit tune EXPERIMENT`."
    record = read_model(path, TuningRecord, "a whole record of a search", again)
    if record.name != path.stem:
        raise InputError(f"{path}: this is the search of another model ({record.name}).")
    return record


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = item
    return flat
