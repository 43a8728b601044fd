"""Where the checkpoint of a run lies, and the one before it; what is in them, bench/checkpoint.py knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paper_kit.core.files import replacing, synced

CHECKPOINT = "checkpoint.pt"


def before(path: Path) -> Path:
    """Where the checkpoint lies that was there before the one at `path`."""
    return path.with_name(f"{path.stem}.before{path.suffix}")


@contextmanager
def rotating(path: Path) -> Iterator[Path]:
    """As `replacing`; what `path` held is kept as the one before, once the new one is on the disk."""
    with replacing(path) as part:
        yield part
        synced(part)
        if path.is_file():
            path.replace(before(path))


def clear_checkpoints(path: Path) -> None:
    """Nothing; neither the checkpoint nor the one before it is there."""
    for file in (path, before(path)):
        file.unlink(missing_ok=True)
