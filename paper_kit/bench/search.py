"""One model's search: its trials in Optuna's SQLite storage, which come next, and which to end early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit.bench.space import Budget, Range, own_values, ranges, searched, settings_of, trial_spec
from paper_kit.bench.trial import Outcome
from paper_kit.core.errors import InputError
from paper_kit.core.spec import RunSpec
from paper_kit.core.tuning import TrialRow

if TYPE_CHECKING:
    import optuna

ENDED = ("state", "reason", "value", "accuracy", "epochs", "seconds")  # kept of a trial
MOST_FAILED = 3  # trials that fail for another reason than their settings
FIRST_DRAWN = 4  # trials drawn at random before the sampler and the pruner judge by what they saw
GRID = Range(0.0, 1e6, log=False)  # its points are given, never drawn
LASTING = ("parameters", "validation_images", "fingerprint", "environment")  # the same for all trials


@dataclass(frozen=True)
class Question:
    """What is searched for one model: its own spec, the fields or the grid, budget, trials and seed."""

    experiment: str
    model: str  # its key
    label: str
    spec: RunSpec
    fields: tuple[str, ...]
    grid: Mapping[str, tuple[float, ...]]  # empty where fields are searched
    budget: Budget
    trials: int
    seed: int

    @property
    def varied(self) -> tuple[str, ...]:
        """The fields that are varied and change something of this model."""
        return searched(self.spec, self.grid or self.fields)

    @property
    def points(self) -> list[dict[str, float]]:
        """The grid's points, without the file's own settings, which are always the first trial."""
        own = own_values(self.spec)
        values = [self.grid[name] for name in self.varied] if self.grid else []
        found = [dict(zip(self.varied, point, strict=True)) for point in product(*values)] if values else []
        return [point for point in found if any(value != own[name] for name, value in point.items())]

    @property
    def ranges(self) -> dict[str, Range]:
        """Field -> where its values lie; a grid names them itself."""
        return dict.fromkeys(self.varied, GRID) if self.grid else ranges(self.spec)

    @property
    def planned(self) -> int:
        """How many trials this comes to, with that of the file's own settings."""
        return len(self.points) + 1 if self.grid else self.trials

    @property
    def name(self) -> str:
        """What tells this search from another in the same storage."""
        least = self.budget.of(self.spec)
        kind = "grid" if self.grid else f"search, sampler seed {self.seed}"
        budget = f"{least.epochs} epochs, {least.train_fraction:g} of the images"
        return f"{self.spec.id}: {kind} of {', '.join(self.varied)}, {budget}"


class Search:
    """The trials of one question. Only the process that has the storage open writes to it."""

    def __init__(self, question: Question, database: Path) -> None:
        self.question = question
        self.broken = ""  # why no further trial is started
        self._at_work: dict[int, optuna.Trial] = {}
        self.ended = 0  # trials of this call that came to their end
        self.left = 0  # trials to go, once closed
        self._failures = 0
        self._study, self._storage = _study(question, database)
        self._take_up()

    @property
    def begun(self) -> int:
        """How many trials are finished or at work."""
        return sum(map(_finished, self._study.get_trials(deepcopy=False))) + len(self._at_work)

    @property
    def complete(self) -> bool:
        """Whether all trials that were asked for are finished."""
        return not self._at_work and self.begun >= self.question.planned

    def next(self) -> tuple[int, RunSpec] | None:
        """(number, spec) of a trial to start now; None where enough are finished or at work."""
        if self.broken or self.begun >= self.question.planned:
            return None
        trial = self._study.ask()
        params = self._params(trial)
        settings = settings_of(self.question.spec, params)
        trial.set_user_attr("tried", {"params": params, "settings": settings})
        self._at_work[trial.number] = trial
        return trial.number, trial_spec(self.question.spec, settings, self.question.budget)

    def prunes(self, number: int, epoch: int, value: float) -> bool:
        """Whether a trial that reached this value after an epoch is to be ended; never the file's own."""
        trial = self._at_work[number]
        trial.report(value, epoch)
        return not trial.user_attrs.get("own") and trial.should_prune()

    def end(self, number: int, outcome: Outcome) -> None:
        """Nothing; the trial's end is in the storage. One that was stopped or killed is tried again."""
        from optuna.trial import TrialState

        trial = self._at_work.pop(number)
        self.ended += outcome.state in {"complete", "pruned", "diverged"}
        trial.set_user_attr("ended", {name: getattr(outcome, name) for name in ENDED})
        if outcome.fingerprint:
            self._study.set_user_attr("lasting", {name: getattr(outcome, name) for name in LASTING})
        if outcome.state == "complete":
            self._study.tell(trial, outcome.value)
        elif outcome.state in {"pruned", "diverged"}:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, state=TrialState.FAIL)
        if outcome.state == "stopped" or (outcome.state == "killed" and not trial.user_attrs.get("again")):
            self._again(trial, killed=outcome.state == "killed")
        self._judge_failure(bool(trial.user_attrs.get("own")), outcome)

    def rows(self) -> tuple[TrialRow, ...]:
        """The trials that ended, in their order; those that are tried again are left out."""
        rows = []
        for trial in self._study.get_trials(deepcopy=False):
            ended = dict(trial.user_attrs.get("ended", {"state": "stopped"}))
            if ended["state"] == "stopped" or not trial.state.is_finished():
                continue
            ended["state"] = "failed" if ended["state"] == "killed" else ended["state"]
            own = bool(trial.user_attrs.get("own"))
            rows.append(TrialRow(number=trial.number, own=own, **trial.user_attrs["tried"], **ended))
        return tuple(rows)

    def lasting(self) -> dict[str, Any]:
        """What is the same for all trials: parameters, validation_images, fingerprint, environment."""
        return dict(self._study.user_attrs.get("lasting", {}))

    def close(self) -> None:
        """Nothing; the storage is closed."""
        self.left = self.question.planned - self.begun
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _params(self, trial: optuna.Trial) -> dict[str, float]:
        """Field -> value of a trial: the file's own, those of a grid's point, or the sampler's."""
        spec = self.question.spec
        own = own_values(spec) if trial.user_attrs.get("own") else {}
        found = {}
        for name in self.question.varied:
            within = self.question.ranges[name]
            if name in own and not within.holds(own[name]):
                found[name] = own[name]
                continue
            drawn = trial.suggest_float(name, within.low, within.high, log=within.log)
            found[name] = own.get(name, drawn)
        return found

    def _take_up(self) -> None:
        """Nothing; what an earlier call left at work waits again, and the first trials wait."""
        from optuna.trial import TrialState

        trials = self._study.get_trials(deepcopy=False)
        for trial in trials:
            if trial.state is TrialState.RUNNING:
                self._study.tell(trial.number, state=TrialState.FAIL)
                self._again(trial)
        trials = self._study.get_trials(deepcopy=False)
        alive = [trial for trial in trials if trial.state is not TrialState.FAIL]
        if not any(trial.user_attrs.get("own") for trial in alive):
            self._study.enqueue_trial(self._own(), user_attrs={"own": True})
        for point in self.question.points:
            if not any(_params_of(trial) == point for trial in alive):
                self._study.enqueue_trial(point)

    def _own(self) -> dict[str, float]:
        """The file's own values that lie in their ranges, so that the sampler learns from them."""
        own, within = own_values(self.question.spec), self.question.ranges
        return {name: own[name] for name in self.question.varied if within[name].holds(own[name])}

    def _again(self, trial: Any, killed: bool = False) -> None:
        said = {name: trial.user_attrs[name] for name in ("own", "again") if name in trial.user_attrs}
        self._study.enqueue_trial(_params_of(trial), user_attrs=said | ({"again": True} if killed else {}))

    def _judge_failure(self, own: bool, outcome: Outcome) -> None:
        """Nothing; `broken` says why there is no point in further trials."""
        self._failures += outcome.state in {"failed", "killed"}
        if outcome.state == "failed" and own:
            self.broken = f"the file's own settings fail: {outcome.reason}"
        elif self._failures >= MOST_FAILED:
            self.broken = f"{self._failures} trials failed; the last: {outcome.reason}"


def _study(question: Question, database: Path) -> tuple[optuna.Study, Any]:
    """The question's study, made where there is none, and the storage that holds it."""
    optuna = _optuna()
    database.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.RDBStorage(f"sqlite:///{database}")
    epochs = question.budget.of(question.spec).epochs
    pruner: Any = optuna.pruners.MedianPruner(FIRST_DRAWN, n_warmup_steps=max(1, epochs // 3))
    study = optuna.create_study(
        storage=storage,
        study_name=question.name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.NopPruner() if question.grid else pruner,
    )
    drawn = len(study.get_trials(deepcopy=False))  # a second call does not draw the first one's numbers again
    study.sampler = optuna.samplers.TPESampler(seed=question.seed + drawn, n_startup_trials=FIRST_DRAWN)
    return study, storage


def _optuna() -> Any:
    """The package, with its own talk turned off; InputError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise InputError("paperkit tune needs Optuna; type: pip install 'paper-kit[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _finished(trial: Any) -> bool:
    return trial.state.name in {"COMPLETE", "PRUNED"}


def _params_of(trial: Any) -> dict[str, float]:
    """The values of a trial that ran, or of one that waits."""
    return dict(trial.params or trial.system_attrs.get("fixed_params", {}))
