"""Lies that are planted into packed records."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

IMAGES = 200  # whose logits are put into another order of classes


def with_other_logits(packed: Path, target: Path, run: str) -> None:
    """The records with the logits of the first test images of a run in another order of classes."""
    name = f"{run}/predictions.npz"
    contents = unpacked(packed)
    manifest = json.loads(contents["manifest.json"])
    with np.load(io.BytesIO(contents[name])) as held:
        arrays = dict(held)
    for left, kept in manifest["files"][name].pop("same", {}).items():
        arrays[left] = arrays[kept].copy()
    arrays["test_selected_VNK"][:, :IMAGES] = arrays["test_selected_VNK"][:, :IMAGES, ::-1]
    written = io.BytesIO()
    np.savez(written, **arrays)
    contents[name] = written.getvalue()
    manifest["files"][name]["sha256"] = hashlib.sha256(contents[name]).hexdigest()
    repacked(target, contents | {"manifest.json": json.dumps(manifest).encode()})


def without_run(packed: Path, target: Path, run: str) -> None:
    """The records without a run, of which the manifest does not tell either."""
    contents = {name: held for name, held in unpacked(packed).items() if not name.startswith(f"{run}/")}
    manifest = json.loads(contents["manifest.json"])
    manifest["files"] = {name: entry for name, entry in manifest["files"].items() if name in contents}
    repacked(target, contents | {"manifest.json": json.dumps(manifest).encode()})


def unpacked(packed: Path) -> dict[str, bytes]:
    """Name -> content of each file of a pack."""
    with zipfile.ZipFile(packed) as source:
        return {name: source.read(name) for name in source.namelist()}


def repacked(target: Path, contents: dict[str, bytes]) -> None:
    """Nothing; a pack of these files."""
    with zipfile.ZipFile(target, "w") as made:
        for name, content in contents.items():
            made.writestr(name, content)
