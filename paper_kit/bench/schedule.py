"""Which run comes next: sources before what depends on them, the longest first, as far as it is known."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from heapq import heappop, heappush
from itertools import count

from paper_kit.core.record import RunRecord
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import RunState

UNKNOWN_S = 1e6  # an epoch of which nothing is known: it comes before all others, so that it is known soon


class Pace:
    """Seconds that an epoch takes, by model and dataset, learned from epochs that were finished."""

    def __init__(self, records: Iterable[RunRecord] = ()) -> None:
        self._seconds: dict[str, float] = {}
        self._of_model: dict[str, float] = {}  # an epoch of the model on any images
        for record in records:
            if record.epochs_run and record.seconds:
                self.learn(RunSpec.model_validate(record.spec), record.seconds / record.epochs_run)

    def learn(self, spec: RunSpec, epoch_seconds: float) -> None:
        """Nothing; later answers go by this epoch."""
        if epoch_seconds > 0:
            self._seconds[_kind(spec)] = self._of_model[repr(spec.model)] = epoch_seconds

    def alike(self, spec: RunSpec) -> Hashable:
        """Equal for runs of which `seconds` and `of_model` will always say the same."""
        return _kind(spec), spec.epochs

    def of_model(self, spec: RunSpec) -> float | None:
        """Seconds of the last epoch of this model that was seen, on whatever images; None before any."""
        return self._of_model.get(repr(spec.model))

    def guess(self, spec: RunSpec, epochs_done: int = 0) -> float | None:
        """As `seconds`, but with the mean of all kinds for one that was not seen; None before any epoch."""
        known = self.seconds(spec, epochs_done)
        if known is not None or not self._seconds:
            return known
        mean = sum(self._seconds.values()) / len(self._seconds)
        return mean * max(0, spec.epochs - epochs_done)

    def seconds(self, spec: RunSpec, epochs_done: int = 0) -> float | None:
        """Seconds that the rest of the run takes; None while no epoch of its kind was seen."""
        known = self._seconds.get(_kind(spec))
        return None if known is None else known * max(0, spec.epochs - epochs_done)


class Schedule:
    """The runs of one execution: which wait, which are at work, and which is next.

    Runs that are expected to take equally long, and to be followed by equal ones, stand in one queue: to
    choose the next of ten thousand is to compare a few queues.
    """

    def __init__(self, specs: Iterable[RunSpec], pace: Pace) -> None:
        self.waiting = {spec.id: spec for spec in specs}
        self.working: dict[str, RunSpec] = {}
        self.pace = pace
        self._after: dict[str, list[RunSpec]] = {}  # source -> runs that start from it
        for spec in self.waiting.values():
            if spec.transfer.run:
                self._after.setdefault(spec.transfer.run, []).append(spec)
        self._queues: dict[Hashable, list[tuple[int, str]]] = {}  # heaps of (place in the order, run)
        self._places = count()
        for spec in self.waiting.values():
            if not self._waits_for_its_source(spec):
                self._queue(spec)

    def next(self) -> RunSpec | None:
        """The longest run that can start now, taken out of the waiting; None where none can."""
        best: tuple[float, int] | None = None
        chosen: Hashable = None
        for key, queue in self._queues.items():
            place, run_id = queue[0]
            rank = self._length(self.waiting[run_id]), -place
            if best is None or rank > best:
                best, chosen = rank, key
        if best is None:
            return None
        _, run_id = heappop(self._queues[chosen])
        if not self._queues[chosen]:
            del self._queues[chosen]
        self.working[run_id] = self.waiting.pop(run_id)
        return self.working[run_id]

    def again(self, run_id: str) -> None:
        """Nothing; a run at work waits once more, behind those that are as long."""
        self.waiting[run_id] = self.working.pop(run_id)
        self._queue(self.waiting[run_id])

    def end(self, run_id: str, state: RunState) -> tuple[RunSpec, ...]:
        """The waiting runs that can no longer start because this one, their source, is not done."""
        self.working.pop(run_id, None)
        after = tuple(spec for spec in self._after.get(run_id, ()) if spec.id in self.waiting)
        for spec in after:
            if state is RunState.DONE:
                self._queue(spec)
            else:
                del self.waiting[spec.id]
        return () if state is RunState.DONE else after

    def _queue(self, spec: RunSpec) -> None:
        heappush(self._queues.setdefault(self._alike(spec), []), (next(self._places), spec.id))

    def _alike(self, spec: RunSpec) -> Hashable:
        """Equal for runs whose `_length` is equal whatever is learned."""
        after = frozenset(self._alike(later) for later in self._after.get(spec.id, ()))
        return self.pace.alike(spec), after

    def _waits_for_its_source(self, spec: RunSpec) -> bool:
        return spec.transfer.run in self.waiting or spec.transfer.run in self.working

    def _length(self, spec: RunSpec) -> float:
        """Seconds until the last run that hangs on this one could be done; unknown ones count as long."""
        own = self.pace.seconds(spec)
        if own is None:  # of several such the one whose model is slower on other images
            own = spec.epochs * UNKNOWN_S + (self.pace.of_model(spec) or 0.0)
        after = [self._length(later) for later in self._after.get(spec.id, ())]
        return own + max(after, default=0.0)


def _kind(spec: RunSpec) -> str:
    return f"{spec.model!r} {spec.dataset!r} {spec.image_size} {spec.train_fraction}"
