"""What a search for hyperparameters on validation images left: its trials, and what was chosen by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from paper_kit.core.config import Frozen

TrialState = Literal["complete", "pruned", "diverged", "failed"]


class TrialRow(Frozen):
    """One training of a search: the fields it set, and what its best epoch reached on validation.

    `params` are what was searched ("augment" is a factor on probabilities), `settings` the fields of the spec
    that follow. `value` is the metric that selects epochs, `accuracy` that epoch's accuracy, both fractions.
    """

    number: int
    params: dict[str, float]
    settings: dict[str, float]
    own: bool = False  # the file's own settings
    state: TrialState
    value: float | None = None
    accuracy: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""


class SearchRecord(Frozen):
    """One search: what was varied, with which budget a trial, all trials, and the settings chosen."""

    kind: Literal["search", "grid"]
    fields: tuple[str, ...]
    grid: dict[str, tuple[float, ...]] = {}
    trials_planned: int
    epochs: int  # of a trial
    train_fraction: float  # of the training images, of a trial
    seed: int  # of every trial's training
    sampler_seed: int
    select: str  # the metric on validation
    validation_images: int
    trials: tuple[TrialRow, ...]
    chosen: dict[str, float] = {}  # the fields that the tuned file sets; empty where the file's own were kept
    noise: float = 0.0  # half the 95 % interval of the own accuracy on so many images, a fraction
    verdict: str
    command: str
    ended_at: str  # UTC, as ISO 8601
    fingerprint: str
    environment: dict[str, Any] = {}

    @property
    def key(self) -> tuple[object, ...]:
        """What tells one search from another of the same model."""
        budget = (self.epochs, self.train_fraction, self.seed, self.sampler_seed)
        return (self.kind, self.fields, *budget, self.fingerprint)

    @property
    def finished(self) -> int:
        """How many trials came to their end: all but those that failed."""
        return sum(trial.state != "failed" for trial in self.trials)

    @property
    def own(self) -> TrialRow | None:
        """The finished trial of the file's own settings; None where there is none."""
        return own_of(self.trials)

    @property
    def best(self) -> TrialRow | None:
        """The finished trial with the highest value; None where there is none."""
        return best_of(self.trials)


class TuningRecord(Frozen):
    """All searches for one model of one experiment; `spec` is the full spec of the file's own settings."""

    experiment: str
    model: str  # its key
    spec: dict[str, Any]
    parameters: int
    searches: tuple[SearchRecord, ...]

    @property
    def name(self) -> str:
        """The name of its file in the Store, without the ending."""
        return f"{self.experiment}-{self.model}"

    @property
    def data(self) -> frozenset[str]:
        """Fingerprints of the datasets that its searches were judged on."""
        return frozenset(search.fingerprint for search in self.searches)

    def joined(self, before: TuningRecord | None) -> TuningRecord:
        """This record with the other searches of an earlier one of the same spec before its own."""
        if before is None or before.spec != self.spec:
            return self
        keys = {search.key for search in self.searches}
        kept = tuple(search for search in before.searches if search.key not in keys)
        return self.model_copy(update={"searches": (*kept, *self.searches)})


def own_of(trials: Iterable[TrialRow]) -> TrialRow | None:
    """The finished trial of the file's own settings; None where there is none."""
    return next((trial for trial in trials if trial.own and trial.state == "complete"), None)


def best_of(trials: Iterable[TrialRow]) -> TrialRow | None:
    """The finished trial with the highest value, the file's own among equals; None where there is none."""
    done = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    return max(done, key=lambda trial: (trial.value or 0.0, trial.own, -trial.number), default=None)
