"""Which run comes next: sources before what depends on them, the longest first, as far as it is known."""

from __future__ import annotations

from collections.abc import Iterable

from paper_kit.core.record import RunRecord
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import RunState


class Pace:
    """Seconds that an epoch takes, by model and dataset, learned from epochs that were finished."""

    def __init__(self, records: Iterable[RunRecord] = ()) -> None:
        self._seconds: dict[str, float] = {}
        for record in records:
            if record.epochs_run and record.seconds:
                self.learn(RunSpec.model_validate(record.spec), record.seconds / record.epochs_run)

    def learn(self, spec: RunSpec, epoch_seconds: float) -> None:
        """Nothing; later answers go by this epoch."""
        if epoch_seconds > 0:
            self._seconds[_kind(spec)] = epoch_seconds

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
    """The runs of one execution: which wait, which are at work, and which is next."""

    def __init__(self, specs: Iterable[RunSpec], pace: Pace) -> None:
        self.waiting = {spec.id: spec for spec in specs}
        self.working: dict[str, RunSpec] = {}
        self.ended: dict[str, RunState] = {}
        self.pace = pace

    def next(self) -> RunSpec | None:
        """The longest run that can start now, taken out of the waiting; None where none can."""
        ready = [spec for spec in self.waiting.values() if not self._waits_for_its_source(spec)]
        if not ready:
            return None
        order = {run_id: number for number, run_id in enumerate(self.waiting)}
        chosen = max(ready, key=lambda spec: (self._length(spec), -order[spec.id]))
        self.working[chosen.id] = self.waiting.pop(chosen.id)
        return chosen

    def again(self, run_id: str) -> None:
        """Nothing; a run at work waits once more."""
        self.waiting[run_id] = self.working.pop(run_id)

    def end(self, run_id: str, state: RunState) -> tuple[RunSpec, ...]:
        """The waiting runs that can no longer start because this one, their source, is not done."""
        self.working.pop(run_id, None)
        self.ended[run_id] = state
        if state is RunState.DONE:
            return ()
        lost = tuple(spec for spec in self.waiting.values() if spec.transfer.run == run_id)
        for spec in lost:
            del self.waiting[spec.id]
        return lost

    def _waits_for_its_source(self, spec: RunSpec) -> bool:
        return spec.transfer.run in self.waiting or spec.transfer.run in self.working

    def _length(self, spec: RunSpec) -> float:
        """Seconds until the last run that hangs on this one could be done; unknown ones count as long."""
        own = self.pace.seconds(spec)
        own = spec.epochs * 1e6 if own is None else own
        after = [self._length(later) for later in self.waiting.values() if later.transfer.run == spec.id]
        return own + max(after, default=0.0)


def _kind(spec: RunSpec) -> str:
    return f"{spec.model!r} {spec.dataset!r} {spec.image_size} {spec.train_fraction}"
