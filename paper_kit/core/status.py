"""The state of each planned run, and why a finished one no longer fits the code or the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from paper_kit.core.errors import InputError
from paper_kit.core.incidents import incidents
from paper_kit.core.part import Part, code_hashes
from paper_kit.core.plan import Plan, chosen_runs, run_labels
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import ENGINE, RunSpec
from paper_kit.core.store import AGAIN, NO_MEMORY, RunState, Store

Hashes = Callable[[str, str], dict[str, str]]  # of the code files of a plug-in
Fingerprint = Callable[[Part], str | None]  # of a dataset; None where it is not at hand


@dataclass(frozen=True)
class RunStatus:
    """A run's state, why its record is stale, what could not be checked, and a word on how far it is."""

    run: RunSpec
    label: str
    state: RunState
    stale: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    note: str = ""
    queued: bool = False  # it waits in a cluster's queue
    damaged: bool = False  # its files cannot be read; `stale`, or the note where it is not done, says why

    @property
    def word(self) -> str:
        """The state as a person is told it: "damaged", "stale" and "queued" are no states of the files."""
        if self.damaged:
            return "damaged"
        return "stale" if self.stale else "queued" if self.queued else str(self.state)


def not_at_hand(_part: Part) -> None:
    """None: no dataset is at hand."""


def statuses(
    plans: tuple[Plan, ...],
    store: Store,
    fingerprint: Fingerprint = not_at_hand,
    only: tuple[str, ...] = (),
    hashes: Hashes = code_hashes,
) -> tuple[RunStatus, ...]:
    """The status of every run of the plans, source runs first; a run whose source is stale is stale too."""
    check = _Check(store, fingerprint, hashes)
    labels = run_labels(plans)
    found: dict[str, RunStatus] = {}
    for run in chosen_runs(plans, only):
        status = check.status(run, labels[run.id])
        source = found.get(run.transfer.run)
        if status.state is RunState.DONE and source is not None and source.stale:
            reasons = (*status.stale, f"its source run {source.run.id} is stale")
            status = replace(status, stale=reasons)
        found[run.id] = status
    return tuple(found.values())


def stale_reasons(
    run: RunSpec, record: RunRecord, fingerprint: Fingerprint = not_at_hand, hashes: Hashes = code_hashes
) -> tuple[str, ...]:
    """Why the record's numbers could come out differently today; empty where nothing speaks against them."""
    reasons = []
    if record.engine != ENGINE:
        reasons.append(f"made by engine {record.engine}, now {ENGINE}")
    if record.code:
        now = {**hashes("model", run.model.name), **hashes("dataset", run.dataset.name)}
        if not now.items() <= record.code.items():
            changed = sorted(file for file, digest in now.items() if record.code.get(file) != digest)
            reasons.append(f"the code has changed ({_listed(changed)})")
    known = fingerprint(run.dataset)
    if known is not None and known != record.data.get("fingerprint", known):
        reasons.append(f"the dataset {run.dataset.name} has changed")
    return tuple(reasons)


def advice(found: tuple[RunStatus, ...]) -> tuple[str, ...]:
    """What to type about the runs that are not done or no longer count, a line each."""
    notes = {state: [one.note for one in found if one.state is state] for state in RunState}
    lines = []
    if notes[RunState.FAILED]:
        lines.append("`paperkit retry` tries the failed runs again; `paperkit show RUN` says more of one.")
    if any(note.startswith(NO_MEMORY) for note in notes[RunState.FAILED]):
        lines.append("`paperkit retry --oom halve` halves the micro_batch where memory was too small.")
    if notes[RunState.PARTIAL] or notes[RunState.MISSING]:
        lines.append("`paperkit run-all` trains what is missing, and goes on where a run was cut off.")
    if any(one.damaged for one in found):
        lines.append("`paperkit run-all` sets the damaged runs aside and trains them again.")
    if any(one.stale and not one.damaged for one in found):
        lines.append("`paperkit run-all --refresh` trains the stale runs again.")
    return tuple(lines)


def _listed(files: list[str]) -> str:
    more = f" and {len(files) - 2} more" if len(files) > 2 else ""
    return ", ".join(files[:2]) + more


class _Check:
    """One look at a Store; each dataset is looked at once, and each file of code."""

    def __init__(self, store: Store, fingerprint: Fingerprint, hashes: Hashes) -> None:
        self._store = store
        self._fingerprint = lru_cache(maxsize=None)(fingerprint)
        self._hashes = lru_cache(maxsize=None)(hashes)

    def status(self, run: RunSpec, label: str) -> RunStatus:
        state = self._store.state(run)
        try:
            if state is not RunState.DONE:
                return RunStatus(run, label, state, note=self._note(run, state))
            record = self._store.record(run.id)
            stale = stale_reasons(run, record, self._fingerprint, self._hashes)
        except InputError as error:
            below = f"{self._store.root}/"
            told = [each.removesuffix(f" {AGAIN}").replace(below, "") for each in error.problems]
            if state is not RunState.DONE:
                return RunStatus(run, label, state, note="; ".join(told), damaged=True)
            return RunStatus(run, label, state, stale=tuple(told), damaged=True)
        absent = self._fingerprint(run.dataset) is None
        unknown = (f"whether the dataset {run.dataset.name} has changed",) if absent else ()
        return RunStatus(run, label, state, stale, unknown, note="; ".join(record.deviations))

    def _note(self, run: RunSpec, state: RunState) -> str:
        if state is RunState.BLOCKED:
            return f"its source run {run.transfer.run} failed: {self._store.reason(run.transfer.run)}"
        epochs = len(self._store.history(run.id))
        how = "cut off after " if state is RunState.PARTIAL else ""
        far = f"{how}{epochs} of {run.epochs} epochs" if epochs else ""
        happened = incidents(self._store, run.id)[-1:]
        first = self._store.reason(run.id) if state is RunState.FAILED else ""
        return "; ".join(filter(None, (first or far, *happened)))
