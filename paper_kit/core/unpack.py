"""Packed records taken over: every sum is checked first, and nothing is written outside the Store."""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from paper_kit.core import slim
from paper_kit.core.archives import SHOWN, Limits, checked, opened_zip, read_entry
from paper_kit.core.arrays import read_npz
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file
from paper_kit.core.pack import CHUNK, FORMAT, MANIFEST, PREDICTIONS, RECORD_FILES, WEIGHTS, Entry, Manifest
from paper_kit.core.part import has
from paper_kit.core.record import CostRecord
from paper_kit.core.store import GALLERY, SALIENCY, Store

if TYPE_CHECKING:
    pass

FILES = "|".join(re.escape(name) for name in (*RECORD_FILES, WEIGHTS))
PLACE = re.compile(  # all that may be unpacked
    rf"[0-9a-f]{{12}}/({FILES})|costs/[0-9a-f]{{12}}\.json|audits/[0-9a-f]{{16}}\.json"
    r"|tuning/[A-Za-z0-9][A-Za-z0-9_.-]*\.json"
)
LARGEST_FILE = 4 * 1024**3  # bytes; weights of the largest models stay below
LARGEST_PACK = 64 * 1024**3
LIMITS = Limits(LARGEST_PACK, LARGEST_FILE)


@dataclass(frozen=True)
class Unpacked:
    """What unpacking did: runs that are new here and runs that were here; what else was taken over."""

    new: tuple[str, ...]
    present: tuple[str, ...]
    costs: int
    audits: int = 0
    searches: int = 0


def unpack(path: Path, store: Store) -> Unpacked:
    """What was added to the Store; InputError, and nothing added, where the file is not as it says."""
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=store.root) as folder:
        fresh = Store(Path(folder))
        manifest = _extract(path, fresh.root)
        _check_records(fresh, manifest, path)
        return _place(fresh, manifest, store)


def _extract(path: Path, root: Path) -> Manifest:
    """The manifest, after every file that it names was written below `root` and found to be as it says."""
    with opened_zip(path, "It is no whole pack of records; copy it again.") as archive:
        manifest = _manifest(archive, path)
        for name, entry in manifest.files.items():
            _extract_one(archive, name, entry, root / name)
    return manifest


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """The checked manifest: names have a place in a Store, sizes are in bounds, nothing is unnamed."""
    names = archive.namelist()
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > LARGEST_FILE // 64:
        raise InputError(f"{path}: not a pack of records: it has no {MANIFEST}.")
    checked([archive.getinfo(MANIFEST)], path, LIMITS)
    try:
        manifest = Manifest.model_validate_json(read_entry(archive, archive.getinfo(MANIFEST)))
    except ValidationError as error:
        raise InputError(f"{path}: its {MANIFEST} is damaged ({error.error_count()} problems).") from None
    if manifest.format != FORMAT:
        raise InputError(
            f"{path}: of format {manifest.format}, by paperkit {manifest.paperkit}; this one reads {FORMAT}."
        )
    problems = [
        f"{path}: {name!r} has no place in a Store." for name in manifest.files if not PLACE.fullmatch(name)
    ]
    strange = sorted({*names} ^ {*manifest.files, MANIFEST})
    problems += [
        f"{path}: {name!r} is in the file or in its manifest, not in both once." for name in strange[:SHOWN]
    ]
    large = [name for name, entry in manifest.files.items() if not 0 <= entry.bytes <= LARGEST_FILE]
    problems += [f"{path}: {name!r} is larger than {LARGEST_FILE} bytes." for name in large]
    if sum(entry.bytes for entry in manifest.files.values()) > LARGEST_PACK:
        problems.append(f"{path}: larger than {LARGEST_PACK} bytes when unpacked.")
    if problems:
        raise InputError(problems[:SHOWN])
    checked(archive.infolist(), path, LIMITS)
    return manifest


def _extract_one(archive: zipfile.ZipFile, name: str, entry: Entry, target: Path) -> None:
    """Nothing; never writes more bytes than the manifest says. InputError where the content is another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), entry.bytes
    with archive.open(name) as source, target.open("wb") as written:
        while chunk := source.read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            written.write(chunk)
    if left or digest.hexdigest() != entry.sha256:
        raise InputError(f"{name}: its content is not what the manifest says. Copy the file again.")


def _check_records(fresh: Store, manifest: Manifest, path: Path) -> None:
    """Nothing; InputError where a folder does not hold the finished run that its name promises."""
    problems = []
    for run_id in manifest.runs:
        try:
            spec, record = fresh.spec(run_id), fresh.record(run_id)
            at_hand = has("dataset", spec.dataset.name) and has("model", spec.model.name)
            if record.id != run_id or (
                at_hand and spec.id != run_id
            ):  # an id rests on the plug-ins' defaults
                problems.append(f"{path}: the folder {run_id} holds another run.")
        except InputError as error:
            problems += [problem.replace(str(fresh.root), str(path)) for problem in error.problems]
    problems += _restore(fresh, manifest, path)
    try:
        fresh.costs()
        fresh.audits()
        fresh.tunings()
    except InputError as error:
        problems += [problem.replace(str(fresh.root), str(path)) for problem in error.problems]
    if problems:
        raise InputError(problems)


def _restore(fresh: Store, manifest: Manifest, path: Path) -> list[str]:
    """What is wrong with the predictions from which arrays were left out; the others are whole again."""
    problems = []
    for name in (name for name, entry in manifest.files.items() if entry.same):
        try:
            slim.restored(fresh.root / name, manifest.files[name].same)
        except ValueError as error:
            problems.append(f"{path}: {name}: {error}. Copy the file again.")
    return problems


def _place(fresh: Store, manifest: Manifest, store: Store) -> Unpacked:
    """What was moved into the Store; InputError, with nothing moved, where runs here have other results."""
    present = tuple(run for run in manifest.runs if store.file(run, "record.json").is_file())
    problems = [
        f"{store.folder(run)}: this run is here already, with other results. Move the folder away to take "
        "the packed one."
        for run in present
        if not _same_results(fresh, store, run)
    ]
    problems += [
        f"{store.folder(run)}: another process works on this run; wait for it, or stop it."
        for run in manifest.runs
        if store.leased(run)
    ]
    if problems:
        raise InputError(problems)
    new = tuple(run for run in manifest.runs if run not in present)
    for run in new:
        store.forget(run)
        fresh.folder(run).rename(store.folder(run))
    for here, packed in ((store.file(r, n), fresh.file(r, n)) for r in present for n in (SALIENCY, GALLERY)):
        if packed.is_file() and not here.exists():
            packed.rename(here)
    costs: list[CostRecord] = fresh.costs()
    for cost in costs:
        store.write_cost(cost)
    audits = [audit for audit in fresh.audits() if store.audit(audit.fingerprint) is None]
    for audit in audits:
        store.write_audit(audit)
    searches = [found for found in fresh.tunings() if store.tuning(found.name) is None]
    for found in searches:
        store.write_tuning(found)
    return Unpacked(new, present, len(costs), len(audits), len(searches))


def _same_results(left: Store, right: Store, run_id: str) -> bool:
    """Whether both tell the same metrics, and hold the same values where both hold an array."""
    if left.record(run_id).metrics != right.record(run_id).metrics:
        return False
    files = [store.file(run_id, PREDICTIONS) for store in (left, right)]
    if not all(file.is_file() for file in files):
        return not any(file.is_file() for file in files)
    if sha256_file(files[0]) == sha256_file(files[1]):
        return True
    try:
        held, other = map(read_npz, files)
    except ValueError:
        return False
    both = held.keys() & other.keys()
    return bool(both) and all(slim.equal(held[name], other[name]) for name in both)
