"""What the disk did to a Store: files that are not whole, which are set aside; a disk that takes no more."""

from __future__ import annotations

import errno
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from paper_kit.core.errors import InputError, StoreLost
from paper_kit.core.files import read_json
from paper_kit.core.incidents import tell
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import AGAIN, Busy, Store

DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV}
CLOSED = {errno.EACCES, errno.EPERM}  # of a file in the Store: somebody took the right to write away
GO_ON = "What is there is whole. Make room or make it writable, then type `paperkit run-all` to go on."


def damage(store: Store, run_id: str) -> str:
    """What is not whole in a run's folder, in a sentence; empty where nothing is.

    A record is read as every reader reads it; of the arrays only the ends are looked at, as they are large.
    """
    folder = store.folder(run_id)
    try:
        if (folder / "spec.json").exists():
            read_json(folder / "spec.json")
        rows = store.history(run_id)
        if not (folder / "record.json").exists():
            return ""
        record = store.record(run_id)
    except InputError as error:
        return error.problems[0]
    except OSError as error:  # such as a folder in a file's place
        return f"{folder}: not readable ({type(error).__name__})."
    if record.id != run_id:
        return f"{folder / 'record.json'}: the record of another run, {record.id}."
    if (folder / "history.jsonl").exists() and len(rows) != record.epochs_run:
        return f"{folder / 'history.jsonl'}: {len(rows)} of {record.epochs_run} epochs can be read."
    arrays = folder / "predictions.npz"
    if arrays.exists() and not zipfile.is_zipfile(arrays):
        return f"{arrays}: not a whole file of arrays."
    return ""


def set_damaged_aside(runs: Iterable[RunSpec], store: Store) -> tuple[tuple[str, str], ...]:
    """(run id, what was damaged and where it is now) of runs that were not whole and are missing now."""
    found = []
    for run in runs:
        reason = "" if store.leased(run.id) else damage(store, run.id)
        if not reason:
            continue
        with suppress(Busy):  # who has it by now trains it
            aside = store.forget(run.id)
            told = f"{reason.removesuffix(f' {AGAIN}')} Set aside as {aside}; the run is trained again."
            tell(store, run.id, told)
            found.append((run.id, told))
    return tuple(found)


def sweep(store: Store, run_id: str) -> None:
    """Nothing; what a killed process left half written is gone. Whoever asks holds the run's lease."""
    for part in store.folder(run_id).glob(".*.part"):
        part.unlink(missing_ok=True)


def whole_records(store: Store) -> Iterator[RunRecord]:
    """The records of the finished runs of a Store that can be read; whoever needs another one says so."""
    for run_id in store.ids():
        if store.file(run_id, "record.json").is_file():
            with suppress(InputError, OSError):
                yield store.record(run_id)


def store_lost(error: BaseException, root: Path) -> StoreLost | None:
    """The error as one of the whole Store, where its disk is full, read-only or gone; None otherwise."""
    if not isinstance(error, OSError):
        return None
    inside = error.filename is not None and root.absolute() in Path(str(error.filename)).absolute().parents
    if error.errno not in DISK and not (inside and error.errno in CLOSED):
        return None
    return StoreLost(f"{error.filename or root}: {error.strerror}. {GO_ON}")


def check_writable(root: Path) -> None:
    """Nothing; StoreLost where no file can be made in the folder of runs."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(bytes(4096))
    except OSError as error:
        raise StoreLost(f"{root}: {error.strerror}. {GO_ON}") from None


def check_present(store: Store, run_id: str) -> None:
    """Nothing; StoreLost where the folder of a run that is at work is no longer there."""
    if not store.file(run_id, "spec.json").exists():
        raise StoreLost(
            f"{store.folder(run_id)}: gone while the run was at work. Bring it back, or leave it; then type "
            "`paperkit run-all`."
        )
