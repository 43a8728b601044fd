"""Records in one file, each with its SHA-256: what a pack holds, and how it is made."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit import __version__
from paper_kit.core import slim
from paper_kit.core.config import Frozen
from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, replacing, sha256_file
from paper_kit.core.record import RunRecord
from paper_kit.core.store import GALLERY, SALIENCY, Store

if TYPE_CHECKING:
    pass

FORMAT = 1
MANIFEST = "manifest.json"
PREDICTIONS = "predictions.npz"
RECORD_FILES = (
    "spec.json",
    "history.jsonl",
    PREDICTIONS,
    "embeddings.npz",
    SALIENCY,
    GALLERY,
    "layers.json",
    "record.json",
)
WEIGHTS = "weights.safetensors"
BESIDE_RUNS = ("costs/", "audits/", "tuning/")
CHUNK = 1024**2
DATE = (1980, 1, 1, 0, 0, 0)  # the same records give the same file, byte for byte


class Entry(Frozen):
    """One packed file: SHA-256, size in bytes, and what arrays were left out, as each equals another."""

    sha256: str
    bytes: int
    same: dict[str, str] = {}


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


def pack(
    store: Store,
    run_ids: Iterable[str],
    path: Path,
    *,
    weights: bool = False,
    needed: slim.Needed | None = None,
) -> Manifest:
    """The Manifest of `path`: finished runs, costs of their models, audits of their data, searches for both.

    Weights only if asked for; of the other files and arrays those `needed`, or all. InputError where none of
    the runs is done.
    """
    done = [run_id for run_id in sorted(set(run_ids)) if store.file(run_id, "record.json").is_file()]
    if not done:
        raise InputError(f"{store.root}: none of the runs is done; type `paperkit run-all` first.")
    names = (*RECORD_FILES, WEIGHTS) if weights else RECORD_FILES
    files = [
        store.file(run_id, name)
        for run_id in done
        for name in names
        if not needed or needed.has(run_id, name)
    ]
    files += _beside(store, [store.record(run_id) for run_id in done])
    with tempfile.TemporaryDirectory() as folder, replacing(path) as part:
        entries = {
            file.relative_to(store.root).as_posix(): _packed(file, Path(folder), needed)
            for file in files
            if file.is_file()
        }
        told = {name: entry for name, (_, entry) in entries.items()}
        manifest = Manifest(format=FORMAT, paperkit=__version__, files=told)
        _write(part, manifest, {name: file for name, (file, _) in entries.items()})
    return manifest


def _write(part: Path, manifest: Manifest, files: Mapping[str, Path]) -> None:
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_info(MANIFEST), canonical_json(manifest.model_dump(mode="json")))
        for name, file in files.items():
            with file.open("rb") as source, archive.open(_info(name), "w") as target:
                shutil.copyfileobj(source, target, CHUNK)


def _packed(file: Path, folder: Path, needed: slim.Needed | None) -> tuple[Path, Entry]:
    """The file to pack for `file`, perhaps a smaller one in `folder`, and what the manifest says of it."""
    same: dict[str, str] = {}
    if needed and file.name == PREDICTIONS:
        run_id = file.parent.name
        small = folder / f"{run_id}.npz"
        same = slim.slimmed(file, small, validation=run_id in needed.validated)
        file = small
    return file, Entry(sha256=sha256_file(file), bytes=file.stat().st_size, same=same)


def _beside(store: Store, records: list[RunRecord]) -> list[Path]:
    """The files of what was measured for these runs: costs, audits and searches."""
    models = {_network(record.spec) for record in records}
    used = {str(record.data.get("fingerprint", "")) for record in records}
    costs = [
        store.root / "costs" / f"{cost.key}.json"
        for cost in store.costs()
        if _network(cost.model_dump(mode="json")) in models
    ]
    audits = [store.root / "audits" / f"{fingerprint}.json" for fingerprint in sorted(used)]
    searches = [
        store.root / "tuning" / f"{found.name}.json"
        for found in store.tunings()
        if found.data & used and _network(found.spec) in models
    ]
    return [*costs, *audits, *searches]


def _network(spec: Mapping[str, Any]) -> str:
    """What costs and searches of a run have in common with it: the network and the images that it takes."""
    return canonical_json({name: spec[name] for name in ("model", "image_size", "channels")})


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
