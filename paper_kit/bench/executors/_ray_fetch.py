"""A run on a node that does not see the folder of runs: its files come, and go back as they change."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from paper_kit.bench.executors._ray_desk import RECORD, TAKEN, answer, log_of
from paper_kit.bench.progress import Ended
from paper_kit.core.checkpoints import CHECKPOINT, before
from paper_kit.core.config import study_root
from paper_kit.core.errors import InputError
from paper_kit.core.files import alone_in, write_bytes
from paper_kit.core.part import has, is_own, plugin_file
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState

LOOK_S = 1.0  # between two looks for files that changed
NEW_S = 60.0  # so young a folder may be one whose owner has not locked it yet

Plugins = tuple[tuple[str, str], ...]  # (path below the study, text)


@dataclass(frozen=True)
class Away:
    """What a node is given that does not see the driver's folders; `scratch`: where it may write."""

    scratch: str
    plugins: Plugins


def plugins_of(specs: Iterable[RunSpec]) -> Plugins:
    """The study's own plug-ins that the runs name; of a module, the whole of its top folder."""
    root = study_root()
    files: set[Path] = set()
    models, datasets = ({getattr(spec, kind).name for spec in specs} for kind in ("model", "dataset"))
    for kind, name in [*(("model", name) for name in models), *(("dataset", name) for name in datasets)]:
        if not has(kind, name) or is_own(kind, name):  # a run of one that is not here fails and says so
            continue
        file = plugin_file(kind, name)
        if not file.is_relative_to(root):
            continue
        top = root / file.relative_to(root).parts[0]
        files |= set(top.rglob("*.py")) if ":" in name and top.is_dir() else set(file.parent.glob("*.py"))
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files}
    return tuple(sorted(texts.items()))


def study_of(away: Away) -> Path:
    """A folder of this node with the study's plug-ins."""
    digest = hashlib.sha256(repr(away.plugins).encode()).hexdigest()[:16]
    place = node_folder(away.scratch) / f"study-{digest}"
    if place.is_dir():
        return place
    draft = Path(tempfile.mkdtemp(dir=place.parent))
    (draft / "experiments").mkdir()  # what makes it a study
    for name, text in away.plugins:
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / name).write_text(text, encoding="utf-8")
    try:
        draft.rename(place)
    except OSError:  # another worker was faster
        shutil.rmtree(draft)
    return place


def node_folder(scratch: str) -> Path:
    """Where this user's runs write on this node; InputError where others may write there, too."""
    folder = Path(scratch or tempfile.gettempdir()) / f"paperkit-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise InputError(f"{folder}: not closed to others. Delete it, or set scratch in [resources.ray].")
    return folder


@contextmanager
def fetched(spec: RunSpec, away: Away, keeper: Any) -> Iterator[Copy | None]:
    """A copy of the run's folder, sent back as it changes and in the end; None where another has the run."""
    token, home = secrets.token_hex(8), node_folder(away.scratch)
    names = answer(keeper.open.remote(spec, token))
    if names is None:
        yield None
        return
    _sweep(home)
    root = home / f"run-{spec.id}-{token}"
    try:
        with alone_in(root):
            copy = Copy(root, home, spec.id, keeper, token)
            copy.fetch(names)
            with _sending(copy):
                yield copy
    finally:
        shutil.rmtree(root, ignore_errors=True)
        answer(keeper.close.remote(spec.id, token))


class Copy:
    """The folder of one run on a node, and what the keeper has of it."""

    def __init__(self, root: Path, home: Path, run_id: str, keeper: Any, token: str) -> None:
        self.root = root
        self._home = home
        self._run_id = run_id
        self._keeper = keeper
        self._token = token
        self._sent: dict[Path, tuple[int, int]] = {}
        self._refusal, self._lost = "", False

    def fetch(self, names: Iterable[str]) -> None:
        """Nothing; the files are here."""
        for name in names:
            write_bytes(self.root / name, answer(self._keeper.read.remote(name)).tobytes())
        self._sent = {path: _signature(path) for path in self._files()}

    def resources(self, resources: Resources) -> Resources:
        """The resources with decoded datasets in a folder of this node, unless it sees the driver's."""
        seen = resources.cache.is_dir()
        return resources if seen else resources.model_copy(update={"cache": self._home / "data"})

    def refused(self) -> bool:
        """Whether the keeper does not keep what is sent."""
        return bool(self._refusal)

    def send(self) -> None:
        """Nothing; the keeper has what changed since the last time, a record last."""
        for path in sorted(self._files(), key=lambda path: (path.name == RECORD, path.name)):
            with suppress(FileNotFoundError):  # replaced or removed in this moment: the next look finds it
                signature = _signature(path)
                if self._refusal or self._sent.get(path) == signature:
                    continue
                data, name = np.fromfile(path, np.uint8), path.relative_to(self.root).as_posix()
                asked = self._keeper.write.remote(self._run_id, self._token, name, data)
                self._refusal, self._lost = answer(asked)
                self._sent[path] = signature

    def ending(self, ended: Ended) -> Ended:
        """How the run ended for the driver, who has what was sent and nothing else."""
        if self._refusal == TAKEN:
            return replace(ended, state=RunState.RUNNING, reason="")
        if self._lost:
            return replace(ended, state=RunState.PARTIAL, reason=self._refusal, lost=True)
        if self._refusal or ended.lost:  # of this node's folder: other nodes may go on
            return replace(ended, state=RunState.FAILED, reason=self._refusal or ended.reason, lost=False)
        return ended

    def _files(self) -> list[Path]:
        folder, log = self.root / self._run_id, log_of(self.root, self._run_id)
        found = [path for path in folder.glob("*") if path.is_file() and path.name[0] != "."]
        found = [
            path for path in found if path.name != before(Path(CHECKPOINT)).name
        ]  # the keeper makes its own
        return [*found, log] if log.is_file() else found


@contextmanager
def _sending(copy: Copy) -> Iterator[None]:
    """A block in which what changes is sent, also after it."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            copy.send()

    thread = threading.Thread(target=watch, name="sending", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        copy.send()


def _sweep(home: Path) -> None:
    """Nothing; folders of workers that were killed are gone."""
    for old in home.glob("run-*"):
        with suppress(OSError, InputError):
            if time.time() - old.stat().st_mtime < NEW_S:
                continue
            with alone_in(old):
                shutil.rmtree(old)


def _signature(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
