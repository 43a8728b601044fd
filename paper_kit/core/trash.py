"""What lies in a Store and nothing refers to; it is moved to a folder of the Store, and never deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.core.lease import clear
from paper_kit.core.plan import Plan, all_runs
from paper_kit.core.store import Busy, Store

TRASH = "trash"
RUN = re.compile(r"[0-9a-f]{12}")
ASIDE = re.compile(r"[0-9a-f]{12}\.old-\d+")
LEFT_OVER = ("checkpoint*.pt", "*.damaged")  # in the folder of a run that is done


@dataclass(frozen=True)
class Unused:
    """A folder or a file of the Store that nothing needs, why, and its size in bytes."""

    path: Path
    why: str
    bytes: int


def unused(store: Store, plans: tuple[Plan, ...]) -> tuple[Unused, ...]:
    """What no run of the plans needs, by name: never a run at work, nor the source of a run that stays."""
    needed = _needed(store, plans)
    found = []
    for folder in sorted(store.root.iterdir()) if store.root.is_dir() else ():
        name = folder.name
        if ASIDE.fullmatch(name):
            found.append(_unused(folder, "set aside, and trained again since or not needed"))
        elif RUN.fullmatch(name) and name not in needed and not store.leased(name):
            found.append(_unused(folder, "no experiment refers to it"))
        elif RUN.fullmatch(name) and (folder / "record.json").is_file() and not store.leased(name):
            left = [file for pattern in LEFT_OVER for file in sorted(folder.glob(pattern))]
            found += [_unused(file, "left over of a run that is done") for file in left]
    return tuple(found)


def to_trash(store: Store, found: Iterable[Unused]) -> tuple[Path, tuple[Path, ...]]:
    """The folder in the trash, and the paths that are there now; what somebody began to work on stays."""
    trash = store.root / TRASH / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    moved = []
    for one in found:
        target = trash / one.path.relative_to(store.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not RUN.fullmatch(one.path.name):
            one.path.rename(target)
            moved.append(target)
            continue
        with suppress(Busy), store.lease(one.path.name):
            one.path.rename(target)
            clear(target)  # the lease went with the folder
            moved.append(target)
    return trash, tuple(moved)


def _needed(store: Store, plans: tuple[Plan, ...]) -> set[str]:
    """Ids of planned runs and of those at work, with the sources that they start from."""
    planned = {run.id for run in all_runs(plans)}
    needed = planned | {run_id for run_id in store.ids() if store.leased(run_id)}
    for run_id in tuple(needed):
        with suppress(InputError):
            needed.add(store.spec(run_id).transfer.run)
    return needed


def _unused(path: Path, why: str) -> Unused:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return Unused(path, why, sum(file.stat().st_size for file in files))
