"""Records in one verified file: packed here, unpacked there, nothing written outside the Store."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from paper_kit import __version__
from paper_kit.core.archives import SHOWN, Limits, checked, opened_zip, read_entry
from paper_kit.core.config import Frozen
from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, replacing, sha256_file
from paper_kit.core.part import has
from paper_kit.core.record import CostRecord
from paper_kit.core.store import GALLERY, SALIENCY, Store

FORMAT = 1
MANIFEST = "manifest.json"
RECORD_FILES = (
    "spec.json",
    "history.jsonl",
    "predictions.npz",
    "embeddings.npz",
    SALIENCY,
    GALLERY,
    "layers.json",
    "record.json",
)
WEIGHTS = "weights.safetensors"
FILES = "|".join(re.escape(name) for name in (*RECORD_FILES, WEIGHTS))
BESIDE_RUNS = ("costs/", "audits/", "tuning/")
PLACE = re.compile(  # all that may be unpacked
    rf"[0-9a-f]{{12}}/({FILES})|costs/[0-9a-f]{{12}}\.json|audits/[0-9a-f]{{16}}\.json"
    r"|tuning/[A-Za-z0-9][A-Za-z0-9_.-]*\.json"
)
LARGEST_FILE = 4 * 1024**3  # bytes; weights of the largest models stay below
LARGEST_PACK = 64 * 1024**3
LIMITS = Limits(LARGEST_PACK, LARGEST_FILE)
CHUNK = 1024**2
DATE = (1980, 1, 1, 0, 0, 0)  # the same records give the same file, byte for byte


class Entry(Frozen):
    """One packed file: its SHA-256 and its size in bytes."""

    sha256: str
    bytes: int


class Manifest(Frozen):
    """What a pack says of itself; `files` maps a path in the Store to its Entry."""

    format: int
    paperkit: str
    files: dict[str, Entry]

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the packed runs, sorted."""
        names = (name for name in self.files if not name.startswith(BESIDE_RUNS))
        return tuple(sorted({name.partition("/")[0] for name in names}))


@dataclass(frozen=True)
class Unpacked:
    """What unpacking did: runs that are new here and runs that were here; what else was taken over."""

    new: tuple[str, ...]
    present: tuple[str, ...]
    costs: int
    audits: int = 0
    searches: int = 0


def pack(store: Store, run_ids: Iterable[str], path: Path, *, weights: bool = False) -> Manifest:
    """The Manifest of `path`: finished runs, costs of their models, audits of their data, searches for both.

    Weights only if asked for. InputError where none of the runs is done.
    """
    names = (*RECORD_FILES, WEIGHTS) if weights else RECORD_FILES
    done = [run_id for run_id in sorted(set(run_ids)) if store.file(run_id, "record.json").is_file()]
    if not done:
        raise InputError(f"{store.root}: none of the runs is done; type `paperkit run-all` first.")
    files = [store.file(run_id, name) for run_id in done for name in names]
    records = [store.record(run_id) for run_id in done]
    models = {_network(record.spec) for record in records}
    used = {str(record.data.get("fingerprint", "")) for record in records}
    files += [
        store.root / "costs" / f"{cost.key}.json"
        for cost in store.costs()
        if _network(cost.model_dump(mode="json")) in models
    ]
    files += [store.root / "audits" / f"{fingerprint}.json" for fingerprint in sorted(used)]
    files += [
        store.root / "tuning" / f"{found.name}.json"
        for found in store.tunings()
        if found.data & used and _network(found.spec) in models
    ]
    entries = {
        file.relative_to(store.root).as_posix(): Entry(sha256=sha256_file(file), bytes=file.stat().st_size)
        for file in files
        if file.is_file()
    }
    manifest = Manifest(format=FORMAT, paperkit=__version__, files=entries)
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_info(MANIFEST), canonical_json(manifest.model_dump(mode="json")))
        for name in entries:
            with (store.root / name).open("rb") as source, archive.open(_info(name), "w") as target:
                shutil.copyfileobj(source, target, CHUNK)
    return manifest


def _network(spec: Mapping[str, Any]) -> str:
    """What costs and searches of a run have in common with it: the network and the images that it takes."""
    return canonical_json({name: spec[name] for name in ("model", "image_size", "channels")})


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
    try:
        fresh.costs()
        fresh.audits()
        fresh.tunings()
    except InputError as error:
        problems += [problem.replace(str(fresh.root), str(path)) for problem in error.problems]
    if problems:
        raise InputError(problems)


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
    files = [store.file(run_id, "predictions.npz") for store in (left, right)]
    hashes = {sha256_file(file) if file.is_file() else "" for file in files}
    return len(hashes) == 1 and left.record(run_id).metrics == right.record(run_id).metrics


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
