"""A study from its plans to its records: what is missing is trained, then the costs are measured, alone."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from paper_kit.bench.costs import costs_to_measure, measure_each
from paper_kit.bench.elsewhere import Unknown, signs_of_life, wait_for_work
from paper_kit.bench.machine import cores, share
from paper_kit.bench.progress import Ended, Event, Note, Report, never
from paper_kit.bench.shares import check_shares
from paper_kit.bench.stopping import Stop, Terminated, Why, stopping
from paper_kit.core.damage import check_writable, set_damaged_aside
from paper_kit.core.errors import InputError
from paper_kit.core.owner import period_s
from paper_kit.core.part import Part, load
from paper_kit.core.plan import Plan, chosen_runs
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.status import statuses
from paper_kit.core.store import Busy, RunState, Store
from paper_kit.data.cache import fingerprint_at_hand, open_dataset

LOCAL = Part(name="local")


@dataclass(frozen=True)
class Summary:
    """What a study came to: how its runs stand now, what was done in this call, and what went wrong."""

    states: dict[str, RunState]
    trained: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()  # (run id, reason)
    measured: int = 0
    not_measured: tuple[tuple[str, str], ...] = ()  # (model, reason)
    seconds: float = 0.0
    stopped: Why = ""

    def count(self, state: RunState) -> int:
        """How many runs are in a state."""
        return sum(found is state for found in self.states.values())

    @property
    def finished(self) -> bool:
        """Whether every run is done."""
        return self.count(RunState.DONE) == len(self.states)


@dataclass(frozen=True)
class Measured:
    """How many models were measured, and (model, reason) of those that could not be."""

    number: int = 0
    failed: tuple[tuple[str, str], ...] = ()


def run_study(
    plans: tuple[Plan, ...],
    store: Store,
    resources: Resources,
    report: Report,
    *,
    executor: Part = LOCAL,
    only: tuple[str, ...] = (),
    ids: frozenset[str] = frozenset(),
) -> Summary:
    """The Summary after all that was missing was trained and measured, or after it was stopped.

    `only` and `ids` choose runs; with them, and elsewhere than here, no costs are measured, being compared.
    InputError before training where data are not at hand or whole, StoreLost where nothing can be written.
    """
    started = time.monotonic()
    runs, costs = chosen_runs(plans, only), Measured()
    ended: dict[str, Ended] = {}

    def hear(event: Event) -> None:
        if isinstance(event, Ended):
            ended[event.run_id] = event
        report(event)

    with stopping(resources.time_limit_s) as stop, suppress(Terminated):
        asked = tuple(run for run in runs if not ids or run.id in ids)
        _train(asked, store, resources, hear, stop, executor, ended)
        audit = partial(_audit, runs, store, resources, hear, stop)
        here = plans if _on_this_machine(executor) and not only and not ids else ()
        costs = _measure(here, store, resources, hear, stop, audit)
    return Summary(
        states={run.id: store.state(run) for run in runs},
        trained=tuple(run_id for run_id, event in ended.items() if event.state is RunState.DONE),
        failed=tuple((run.id, store.reason(run.id)) for run in runs if store.reason(run.id)),
        measured=costs.number,
        not_measured=costs.failed,
        seconds=time.monotonic() - started,
        stopped=stop.why,
    )


def submit_study(
    plans: tuple[Plan, ...],
    store: Store,
    resources: Resources,
    report: Report,
    *,
    executor: Part,
    only: tuple[str, ...] = (),
) -> int:
    """How many runs a cluster's queue has now; nobody waits for them. InputError as of `run_study`."""
    missing = to_train(chosen_runs(plans, only), store, executor)
    if missing:
        check_shares(missing, resources.devices)
        ready = partial(prepare, missing, store, resources, report)
        options = executor.arguments | {"wait": False}
        load("executor", executor.name)(missing, store, resources, report, never, ready, **options)
    return len(missing)


def _train(
    runs: tuple[RunSpec, ...],
    store: Store,
    resources: Resources,
    report: Report,
    stop: Stop,
    executor: Part,
    ended: dict[str, Ended],
) -> None:
    """Nothing; every run was trained that was missing, and what other processes gave up or lost meanwhile."""
    _set_damaged_aside(runs, store, report)
    left = tuple(run for run in runs if store.state(run) is not RunState.DONE)
    if not left:
        return
    check_shares(left, resources.devices)
    check_writable(store.root)
    period_s()  # what is no period is told here, and not by every run
    execute = load("executor", executor.name)
    queue = _queue(executor)
    shared = share(resources, len(runs)) if queue is None else resources
    unknown = queue or (lambda _job: False)
    signs_of_life(left, store, unknown)
    missing, tried = to_train(runs, store, executor), set[str]()
    while True:
        if missing:
            for run in missing:
                ended.pop(run.id, None)  # what is heard from here on counts
            ready = partial(prepare, missing, store, resources, report)
            execute(missing, store, shared, report, stop, ready, **executor.arguments)
        tried |= {run.id for run in missing}
        elsewhere = {run_id for run_id, event in ended.items() if event.state is RunState.RUNNING}
        open_runs = tuple(run for run in left if run.id not in tried - elsewhere)
        missing = wait_for_work(open_runs, store, report, stop, unknown)
        if not missing:
            return


def _on_this_machine(executor: Part) -> bool:
    """Whether runs are trained here: an executor with an empty address starts what it needs itself."""
    return _queue(executor) is None or executor.arguments.get("address") == ""


def _queue(executor: Part) -> Unknown | None:
    """How the executor asks its queue of a job; None where it has none, and its runs share this machine."""
    if executor.name == LOCAL.name:  # a finished study loads nothing
        return None
    found: Unknown | None = getattr(load("executor", executor.name), "__globals__", {}).get("unknown_job")
    return found


def _set_damaged_aside(runs: tuple[RunSpec, ...], store: Store, report: Report) -> None:
    for _, told in set_damaged_aside(runs, store):
        report(Note(text=told))


def to_train(runs: tuple[RunSpec, ...], store: Store, executor: Part = LOCAL) -> tuple[RunSpec, ...]:
    """The runs that are not done, without those that another process has and what waits for them.

    A queue's jobs are no such process: they are waited for.
    """
    states = {run.id: store.state(run) for run in runs}
    if _queue(executor) is not None:
        return tuple(run for run in runs if states[run.id] is not RunState.DONE)
    skipped = {RunState.DONE, RunState.RUNNING}
    return tuple(
        run
        for run in runs
        if states[run.id] not in skipped and states.get(run.transfer.run) is not RunState.RUNNING
    )


def set_aside(
    plans: tuple[Plan, ...], store: Store, resources: Resources, only: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Ids of the runs whose record was stale; their folders were renamed, so that they are trained again.

    A run that another process has is left to it.
    """

    def fingerprint(part: Part) -> str | None:
        return fingerprint_at_hand(part, resources.data_roots, resources.cache)

    forgotten = []
    for found in statuses(plans, store, fingerprint, only):
        with suppress(Busy):
            if found.stale:
                store.forget(found.run.id)
                forgotten.append(found.run.id)
    return tuple(forgotten)


def prepare(runs: tuple[RunSpec, ...], store: Store, resources: Resources, report: Report) -> None:
    """Nothing; every dataset is decoded, and failed runs may be tried again. InputError lists problems."""
    open_datasets(runs, resources, report)
    for run in runs:
        store.retry(run.id)


def open_datasets(runs: Sequence[RunSpec], resources: Resources, report: Report) -> None:
    """Nothing; every dataset of the runs is decoded. InputError lists those that are not at hand or whole."""
    problems: list[str] = []
    parts = list({repr(run.dataset): run.dataset for run in runs}.values())
    for part in parts:
        report(Note(text=f"Opening the dataset {part.name}"))
    _decode_side_by_side(parts, resources)
    for part in parts:
        try:
            open_dataset(part, resources.data_roots, resources.cache, resources.skip_bad)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)


def _decode_side_by_side(parts: Sequence[Part], resources: Resources) -> None:
    """Nothing; of several datasets that were never opened, those that can be are decoded now."""
    where = resources.data_roots, resources.cache
    new = [part for part in parts if fingerprint_at_hand(part, *where) is None]
    if len(new) > 1 and cores() > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(len(new), cores()), mp_context=context) as pool:
            for decoding in [pool.submit(open_dataset, part, *where, resources.skip_bad) for part in new]:
                decoding.exception()  # whoever opens it next says what is wrong


def _measure(
    plans: tuple[Plan, ...],
    store: Store,
    resources: Resources,
    report: Report,
    stop: Stop,
    audit: Callable[[], None],
) -> Measured:
    """What was measured, and what could not be; data are audited."""

    def tell(label: str) -> None:
        report(Note(text=f"Measuring the cost of {label}"))

    wanted = costs_to_measure(plans, store)
    found = list(measure_each(wanted, store, resources, stop, tell, audit))
    failed = tuple((label, reason) for label, reason in found if reason)
    return Measured(len(found) - len(failed), failed)


def _audit(runs: tuple[RunSpec, ...], store: Store, resources: Resources, report: Report, stop: Stop) -> None:
    """Nothing; the Store holds an audit of each dataset that results stand on and that is at hand."""
    from paper_kit.data.audit import audit, audit_record, outdated

    parts = {repr(run.dataset): run.dataset for run in runs if run.task == "emotion"}
    for part in parts.values():
        fingerprint = fingerprint_at_hand(part, resources.data_roots, resources.cache)
        if stop() or fingerprint is None or not outdated(store.audit(fingerprint)):
            continue
        report(Note(text=f"Auditing the dataset {part.name}"))
        dataset = open_dataset(part, resources.data_roots, resources.cache, skip_bad=True)
        store.write_audit(audit_record(part, dataset, audit(dataset)))
