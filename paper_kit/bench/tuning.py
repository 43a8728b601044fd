"""Searches for the hyperparameters of several models at once, on validation images, in worker processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from paper_kit.bench.machine import share
from paper_kit.bench.progress import Ended, Note, Report, ShouldStop
from paper_kit.bench.search import Question, Search
from paper_kit.bench.space import Budget
from paper_kit.bench.study import open_datasets, prepare, to_train
from paper_kit.bench.trial import EpochDone, Outcome, Task
from paper_kit.bench.trial_crew import TrialCrew
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.part import load
from paper_kit.core.plan import BASE, Plan
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store

LISTEN_S = 0.5
STATES = {
    "complete": RunState.DONE,
    "pruned": RunState.DONE,
    "diverged": RunState.DONE,
    "stopped": RunState.PARTIAL,
    "failed": RunState.FAILED,
    "killed": RunState.FAILED,
}


@dataclass(frozen=True)
class Place:
    """Where a tuning works: the Store of runs, the folder of its own databases, and with how much."""

    store: Store
    folder: Path
    resources: Resources


def questions(
    plan: Plan,
    models: tuple[str, ...],
    fields: tuple[str, ...],
    grid: Mapping[str, tuple[float, ...]],
    budget: Budget,
    trials: int,
    seed: int,
) -> tuple[Question, ...]:
    """A question for each model of the plan, or for those in `models`, of its base and first seed.

    InputError for a model that the plan does not have, or of which nothing can be varied.
    """
    first = {
        row.model_key: row
        for row in reversed(plan.rows)
        if row.ablation_key == BASE and row.seed == plan.experiment.seeds[0]
    }
    keys = [entry.key for entry in plan.experiment.model]
    problems = [
        f"--model {key}: {plan.experiment.name} has no model with this key.{did_you_mean(key, keys)}"
        for key in models
        if key not in keys
    ]
    if problems:
        raise InputError(problems)
    found = tuple(
        Question(
            plan.experiment.name, key, first[key].model_label, first[key].reading.run,
            fields, grid, budget, trials, seed,
        )
        for key in keys
        if key in (models or keys)
    )  # fmt: skip
    _check(found)
    return found


def _check(asked: Sequence[Question]) -> None:
    """Nothing; InputError where a budget is too large or nothing can be varied."""
    problems = [problem for question in asked for problem in question.budget.larger_than(question.spec)]
    problems += [
        f"Nothing to search for {question.label}: no transform has a probability above 0."
        for question in asked
        if not question.varied
    ]
    if problems:
        raise InputError(dict.fromkeys(problems))


@contextmanager
def searching(asked: Sequence[Question], place: Place) -> Iterator[tuple[Search, ...]]:
    """A search for each question, taken up where an earlier call left it.

    Raises InputError where another process works on one of them.
    """
    with ExitStack() as held:
        for question in asked:
            held.enter_context(_alone(_database(question, place)))
        searches = []
        for question in asked:
            searches.append(Search(question, _database(question, place)))
            held.callback(searches[-1].close)
        yield tuple(searches)


def tune(searches: tuple[Search, ...], place: Place, hear: Report, stop: ShouldStop) -> None:
    """Nothing; all trials of the searches have ended, or were stopped. Raises InputError without data."""
    specs = tuple(search.question.spec for search in searches)
    resources = share(place.resources, sum(search.question.planned for search in searches))
    open_datasets(specs, resources, hear)
    crew = TrialCrew(place.store, resources, place.folder)
    try:
        _work(searches, crew, place, hear, stop)
    finally:
        crew.end()


def train_sources(
    plan: Plan, wanted: Sequence[RunSpec], place: Place, hear: Report, stop: ShouldStop
) -> None:
    """Nothing; the source runs that these specs start from are done, as `run-all` would train them.

    Raises InputError where one failed.
    """
    needed = {spec.transfer.run for spec in wanted}
    missing = to_train(tuple(run for run in plan.sources if run.id in needed), place.store)
    if not missing:
        return
    hear(Note(text="Training the source runs first, from which the trials start"))
    execute, shared = load("executor", "local"), share(place.resources, len(plan.runs))
    ready = partial(prepare, missing, place.store, place.resources, hear)
    execute(missing, place.store, shared, hear, stop, ready)
    failed = [run.id for run in missing if place.store.state(run) is RunState.FAILED]
    if failed:
        raise InputError([f"The source run {one} failed: {place.store.reason(one)}" for one in failed])


@dataclass(frozen=True)
class AtWork:
    """A trial that a worker has."""

    search: Search
    number: int
    spec: RunSpec

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.search.question.label}, trial {self.number}"

    def ended(self, outcome: Outcome) -> Ended:
        """How it ended, for whoever watches."""
        reason = outcome.reason
        if outcome.state == "pruned":
            reason = f"ended early, after epoch {outcome.epochs}"
        return Ended(run_id=self.name, state=STATES[outcome.state], reason=reason, seconds=outcome.seconds)


def _work(
    searches: tuple[Search, ...], crew: TrialCrew, place: Place, hear: Report, stop: ShouldStop
) -> None:
    """Nothing; no trial is at work or can start."""
    at_work: dict[int, AtWork] = {}  # seat -> its trial
    while True:
        for seat in [] if stop() else crew.idle:
            found = _next(searches)
            if found is not None:
                crew.give(seat, Task(found.spec, _folder(place, found.spec, at_work.values())))
                at_work[seat] = found
        if not at_work:
            return
        for seat, message in crew.listen(LISTEN_S):
            trial = at_work[seat]
            if isinstance(message, EpochDone):
                pruned = trial.search.prunes(trial.number, message.epoch, message.value)
                crew.answer(seat, "stop" if stop() else "prune" if pruned else "go")
            elif isinstance(message, Outcome):
                del at_work[seat]
                trial.search.end(trial.number, message)
                hear(trial.ended(message))
            else:
                hear(replace(message, run_id=trial.name))


def _next(searches: tuple[Search, ...]) -> AtWork | None:
    """The next trial of the search that is least far; None where none has any left."""
    for search in sorted(searches, key=lambda each: each.begun):
        found = search.next()
        if found is not None:
            return AtWork(search, *found)
    return None


def _database(question: Question, place: Place) -> Path:
    return place.folder / f"{question.experiment}-{question.model}.db"


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """The right to write to the database; InputError where another process has it."""
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(database.with_suffix(".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{database}: another `paperkit tune` works on it; wait for it, or stop it."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _folder(place: Place, spec: RunSpec, at_work: Iterable[AtWork]) -> Path:
    """The folder of a trial, in which one of the same spec that was stopped left its checkpoint."""
    equal = sum(other.spec.id == spec.id for other in at_work)
    return place.folder / "at_work" / (f"{spec.id}-{equal}" if equal else spec.id)
