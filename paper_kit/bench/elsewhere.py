"""Runs that other processes have: what becomes of them, as far as it is work for this one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from paper_kit.bench.progress import Ended, Note, Report, ShouldStop
from paper_kit.core.owner import period_s
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import RunState, Sign, Store

LOOK_S = 1.0  # between two looks at the Store, at most
Unknown = Callable[[str], bool]  # whether a queue no longer knows a job


def never_unknown(_job: str) -> bool:
    """False: nobody asks a queue."""
    return False


def look(runs: Iterable[RunSpec], store: Store, unknown: Unknown = never_unknown) -> dict[str, Sign]:
    """Id -> what was seen of the process that has the run. Whoever is silent for too long loses it."""
    return {run.id: store.sign(run.id, unknown) for run in runs}


def left_over(
    runs: Sequence[RunSpec], tried: Mapping[str, Ended | None], store: Store
) -> tuple[RunSpec, ...]:
    """The runs that are not done and that this call has not tried, or found with another process."""
    open_runs = [run for run in runs if run.id not in tried or _was_elsewhere(tried[run.id])]
    return tuple(run for run in open_runs if store.state(run) is not RunState.DONE)


def wait_for_work(
    runs: Sequence[RunSpec],
    store: Store,
    report: Report,
    should_stop: ShouldStop,
    unknown: Unknown = never_unknown,
) -> tuple[RunSpec, ...]:
    """Those of the runs that can be trained now, as soon as there are some.

    None where it is time to stop, where all are done or can't be, and where each is with a process that gave
    a sign of life while none waits for such a one to become its source.
    """
    told = False
    while runs and not should_stop():
        signs = look(runs, store, unknown)
        states = {run.id: store.state(run) for run in runs}
        runs = tuple(run for run in runs if states[run.id] is not RunState.DONE)
        ready = tuple(run for run in runs if _ready(run, states, store))
        if ready:
            return ready
        taken = [run for run in runs if states[run.id] is RunState.RUNNING]
        waits = len(taken) < len(runs) and any(_has_dependents(run, runs, states) for run in taken)
        if not taken or not (waits or any(signs[run.id] is Sign.UNSURE for run in taken)):
            return ()
        if not told:
            report(Note(text=f"Waiting for {len(taken)} runs of other processes"))
            told = True
        time.sleep(min(LOOK_S, period_s() / 20))
    return ()
