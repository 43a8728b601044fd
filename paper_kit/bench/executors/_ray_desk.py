"""What stands beside the driver in a Ray cluster: a desk that hears runs, and a keeper of their files.

Both are actors on the driver's node. The keeper is needed where nodes do not see the folder of runs.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.bench.progress import Event, Note
from paper_kit.core.checkpoints import CHECKPOINT, clear_checkpoints, rotating
from paper_kit.core.damage import store_lost
from paper_kit.core.errors import Superseded
from paper_kit.core.files import replacing
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Busy, Store

RECORD = "record.json"
OF_A_SOURCE = ("spec.json", RECORD, "weights.safetensors")  # what a run that starts from it reads
TAKEN = "another worker has the run"

Bytes = NDArray[np.uint8]  # Ray hands arrays on without copying them


class Desk:
    """What runs say until the driver asks for it, and whether they are to stop."""

    def __init__(self) -> None:
        self._news: list[Event] = []
        self._begun: Counter[str] = Counter()
        self._stop = False

    def begin(self, run_id: str) -> int:
        """How often the run has begun, this time included; 0 where nothing is to begin any more."""
        if self._stop:
            return 0
        self._begun[run_id] += 1
        if self._begun[run_id] > 1:
            self._news.append(Note(text=f"Run {run_id} lost its worker, and goes on"))
        return self._begun[run_id]

    def hear(self, event: Event) -> None:
        """Nothing; the driver hears of it when it asks."""
        self._news.append(event)

    def news(self) -> list[Event]:
        """What was heard since the last time."""
        news, self._news = self._news, []
        return news

    def stop(self) -> tuple[str, ...]:
        """Ids of the runs that have begun; those at work stop within seconds, and none begins any more."""
        self._stop = True
        return tuple(self._begun)

    def stopping(self) -> bool:
        """Whether runs are to stop."""
        return self._stop


class Keeper:
    """The folder of runs, for workers that do not see it. It holds the leases of their runs.

    A worker is known by a token: once another one has opened the run, what it sends is not kept.
    """

    def __init__(self, root: Path) -> None:
        self._store = Store(root)
        self._workers: dict[str, str] = {}  # run -> token
        self._leases: dict[str, ExitStack] = {}

    def open(self, spec: RunSpec, token: str) -> tuple[str, ...] | None:
        """Files, named from the folder of runs, with which the worker goes on; None where another has it."""
        run_id, source = spec.id, spec.transfer.run
        if run_id not in self._leases:
            lease = ExitStack()
            try:
                lease.enter_context(self._store.lease(run_id))
            except Busy:
                return None
            self._leases[run_id] = lease
        self._workers[run_id] = token
        folder = self._store.folder(run_id)
        own = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]
        files = [*own, log_of(self._store.root, run_id)]
        files += [self._store.file(source, name) for name in OF_A_SOURCE] if source else []
        return tuple(path.relative_to(self._store.root).as_posix() for path in files if path.is_file())

    def read(self, name: str) -> Bytes:
        """The bytes of a file."""
        return np.fromfile(self._store.root / name, np.uint8)

    def write(self, run_id: str, token: str, name: str, data: Bytes) -> tuple[str, bool]:
        """Why it was not kept, empty where it was, and whether the Store can no longer be written."""
        path = self._store.root / name
        if self._workers.get(run_id) != token:
            return TAKEN, False
        try:
            self._put(path, data)
        except Superseded:
            return TAKEN, False
        except OSError as error:
            gone = store_lost(error, self._store.root)
            return str(gone or error), gone is not None
        return "", False

    def close(self, run_id: str, token: str = "") -> None:
        """Nothing; the run is free. Without a token, whoever has it."""
        if token not in ("", self._workers.get(run_id)) or run_id not in self._leases:
            return
        if self._store.file(run_id, RECORD).is_file():
            clear_checkpoints(self._store.file(run_id, CHECKPOINT))
        del self._workers[run_id]
        self._leases.pop(run_id).close()

    def _put(self, path: Path, data: Bytes) -> None:
        if path.name == RECORD:
            with self._store.finishing(path.parent.name), replacing(path) as part:
                part.write_bytes(data.data)
            return
        with rotating(path) if path.name == CHECKPOINT else replacing(path) as part:
            part.write_bytes(data.data)


def answer(ref: Any, seconds: float | None = None) -> Any:
    """What an actor answers a task, which keeps its cores meanwhile: in `ray.get`, Ray lends them to others.

    TimeoutError after some seconds.
    """
    return ref.future().result(seconds)


def log_of(root: Path, run_id: str) -> Path:
    """The file that holds what a run's workers printed."""
    return root / "logs" / f"ray-{run_id}.log"
