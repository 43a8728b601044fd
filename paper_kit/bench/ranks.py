"""The processes that train one run together, one for each device: what they share, and what they agree on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch.distributed as dist
from torch import Tensor

from paper_kit.bench.randomness import seed_everything
from paper_kit.bench.shares import places

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process, number `rank` of `size`; the first one alone writes, reports, and decides when to stop.

    Every process has all of the training: weights, averages, optimiser, history. Each batch is that of one
    device, in its order and with its transforms; each process passes its share of the images.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def share(self, count: int) -> slice | np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Indices of this process's images among those of a batch."""
        return slice(None) if self.size == 1 else places(count, self.rank, self.size)

    def local(self, piece: slice, count: int) -> slice:
        """Where the images of `piece`, a part of a batch of `count`, lie among this process's."""
        if self.size == 1:
            return piece
        start, stop = np.searchsorted(places(count, self.rank, self.size), (piece.start, piece.stop))
        return slice(int(start), int(stop))

    def seed(self, seed: int, epoch: int, update: int) -> None:
        """Nothing; with others, dropout draws from (seed, epoch, update, rank), so that it can be resumed.

        One stream for all would give the images of all processes the same masks.
        """
        if self.size > 1:
            seed_everything(seed, epoch, update, self.rank)

    def summed(self, values: Tensor) -> Tensor:
        """The values added over all processes; alone, the values themselves."""
        if self.size > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def agreed(self, answer: T) -> T:
        """The first process's answer, for all."""
        if self.size == 1:
            return answer
        told = [answer]
        dist.broadcast_object_list(told, src=0)
        return told[0]

    def mine(self, starts: range) -> range:
        """Of what is done in turn, by each process the next, this one's."""
        return starts[self.rank :: self.size]

    def gathered(self, parts: list[Tensor]) -> list[Tensor]:
        """All processes' parts in turn, on the CPU: the first one's first, the second's first …"""
        if self.size == 1:
            return parts
        told: list[list[Tensor]] = [[] for _ in range(self.size)]
        dist.all_gather_object(told, [part.cpu() for part in parts])
        turns = range(sum(len(each) for each in told))
        return [told[turn % self.size][turn // self.size] for turn in turns]

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """A block that the first process leaves before the others begin it: it may move or fetch files."""
        if self.size > 1 and not self.first:
            dist.barrier()
        yield
        if self.size > 1 and self.first:
            dist.barrier()


ALONE = Ranks()


class Looks:
    """When an epoch's loop looks around: about every so many seconds, and everywhere at the same update."""

    def __init__(self, ranks: Ranks, every_s: float, done: int) -> None:
        self._ranks = ranks
        self._every_s = every_s
        self._next = done + 1
        self._seen = done
        self.start = self.shown = time.perf_counter()

    def due(self, done: int) -> bool:
        """Whether to look now that so many updates are done."""
        if self._ranks.size > 1:
            return done >= self._next
        return time.perf_counter() - self.shown > self._every_s

    def looked(self, done: int) -> float:
        """Seconds since the loop began; the next look is set."""
        now = time.perf_counter()
        if self._ranks.size > 1:
            updates = self._every_s * (done - self._seen) / max(now - self.shown, 1e-9)
            self._next = self._ranks.agreed(done + max(1, int(updates)))
        self._seen, self.shown = done, now
        return now - self.start
