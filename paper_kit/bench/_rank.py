"""One of the processes that torchrun starts for a run: joins the others, trains, says how that went."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from contextlib import nullcontext
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import torch.distributed as dist

from paper_kit.bench.distributed import Done, Failed, Hello, Task
from paper_kit.bench.environment import choose_device
from paper_kit.bench.joining import backend
from paper_kit.bench.progress import Event, never, unheard
from paper_kit.bench.ranks import Ranks
from paper_kit.bench.run import train_here
from paper_kit.core.errors import PaperkitError
from paper_kit.core.files import made_in
from paper_kit.core.private import private_streams
from paper_kit.core.store import Store

WAIT_S = 600  # for another process in one exchange: to load data or to compile takes minutes at most
ORPHANED_S = 0.1  # a killed process closes its files before its children get another parent
# Of what stops a study, and Slurm's notices, every process of a group hears; the one that listens decides.
FOR_OTHERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def work(task: Task, connections: list[Connection], folder: str) -> None:
    """Nothing; the last word of this process is Done or Failed. Signals are for the process that listens."""
    for number in FOR_OTHERS:
        signal.signal(number, signal.SIG_IGN)
    private_streams()
    ranks = Ranks(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    line = Line(connections[ranks.rank], Path(folder))
    for rank, connection in enumerate(connections):
        if rank != ranks.rank:
            connection.close()
    try:
        finished = _train(task, ranks, line, Path(folder))
    except Exception as error:
        known = isinstance(error, PaperkitError | OSError)
        told = error if known else PaperkitError(f"{type(error).__name__}: {error}")
        line.send(Failed(told, traceback.format_exc(), time.monotonic()))
        os._exit(1)  # at its end, Python would wait for exchanges that nobody answers
    line.send(Done(finished))


def _train(task: Task, ranks: Ranks, line: Line, folder: Path) -> bool:
    """Whether the training finished; the first process wrote what it left."""
    _meet(task, ranks, folder)
    store = Store(task.store, task.job)
    first = ranks.first
    with made_in(task.place, store.folder(task.spec.id)) if first else nullcontext():
        return train_here(
            task.spec,
            store,
            task.resources,
            line.send if first else unheard,  # the first one reports for all
            line.should_stop if first else never,
            task.deviation,
            ranks,
        )


def _meet(task: Task, ranks: Ranks, folder: Path) -> None:
    """Nothing; this process can exchange tensors with the others, on this machine only."""
    device = choose_device(task.resources.device)
    for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(variable, LOOPBACK)
    mine = None
    if device.type == "cuda":
        mine = torch.device("cuda", ranks.rank)
        torch.cuda.set_device(mine)
    dist.init_process_group(
        backend(device),
        store=dist.FileStore(str(folder / "meeting"), ranks.size),  # type: ignore[attr-defined]
        rank=ranks.rank,
        world_size=ranks.size,
        timeout=timedelta(seconds=WAIT_S),
        device_id=mine,
    )


class Line:
    """This process's end of its pipe; once the other end is gone, so is this process, at once."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._parent = os.getppid()
        self._stop = False
        self.send(Hello(os.getpid()))
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: Event | Hello | Done | Failed) -> None:
        """Nothing; it is heard, if anybody is still there."""
        try:
            self._connection.send(message)
        except OSError:
            self._leave()

    def should_stop(self) -> bool:
        """Whether the run is to be saved and to stop."""
        return self._stop

    def _listen(self) -> None:
        while True:
            try:
                self._connection.recv()
            except (EOFError, OSError):
                self._leave()
                return
            self._stop = True

    def _leave(self) -> None:
        time.sleep(ORPHANED_S)
        if os.getppid() != self._parent:  # it was killed, and nobody else clears the folder away
            shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(1)
