"""The files whose change makes a paper another one, by time and size."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDERS = ("templates", "plugins")
LOCAL = "paperkit.local.toml"
ENDS = ("~", ".swp", ".swx", ".tmp", ".bak")  # what editors write beside the file that is edited
RECORDS = (  # below the folder of runs
    "*/record.json", "*/saliency.npz", "*/gallery.npz", "costs/*.json", "audits/*.json", "tuning/*.json",
)  # fmt: skip

Snapshot = Mapping[str, tuple[int, int]]


def snapshot(root: Path, runs: Path) -> Snapshot:
    """Path -> (time in ns, bytes) of all that a build of the study reads."""
    found: dict[str, tuple[int, int]] = {}
    for path in _files(root, runs):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        found[str(path)] = (state.st_mtime_ns, state.st_size)
    return found


def changed(before: Snapshot, now: Snapshot, root: Path) -> list[str]:
    """Names of the files that are new, gone or other, as one would type them in the study."""
    paths = sorted(path for path in {*before, *now} if before.get(path) != now.get(path))
    return [os.path.relpath(path, root) for path in paths]


def _files(root: Path, runs: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.is_file() and not path.name.startswith(".") and not path.name.endswith(ENDS):
                yield path
    yield from (root / "experiments").glob("*.toml")
    yield from (root / "paper" / "paper.toml", root / LOCAL)
    for pattern in RECORDS:
        yield from runs.glob(pattern)
