"""Runs that other processes have: waited for as long as they may become work for this one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from paper_kit.bench.progress import Note, Report, ShouldStop
from paper_kit.core.lease import Sign
from paper_kit.core.owner import period_s
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import RunState, Store

LOOK_S = 1.0  # between two looks at the Store, at most
Unknown = Callable[[str], bool]  # whether a queue no longer knows a job


def signs_of_life(runs: Sequence[RunSpec], store: Store, unknown: Unknown) -> dict[str, Sign]:
    """Id -> what was seen of the process that has the run; one that was silent for too long loses it."""
    return {run.id: store.sign(run.id, unknown) for run in runs}


def wait_for_work(
    runs: Sequence[RunSpec], store: Store, report: Report, should_stop: ShouldStop, unknown: Unknown
) -> tuple[RunSpec, ...]:
    """Those of the runs that can be trained now, once there are some.

    None where it is time to stop, where none is left, and where others have what is left: each gave a sign of
    life, and no run of ours waits for one of theirs.
    """
    told = False
    while not should_stop():
        seen = signs_of_life(runs, store, unknown)
        states = {run.id: store.state(run) for run in runs}
        ready = tuple(run for run in runs if _ready(run, states))
        taken = {run.id for run in runs if states[run.id] is RunState.RUNNING}
        unsure = any(seen[run_id] is Sign.UNSURE for run_id in taken)
        if ready or not (unsure or any(run.transfer.run in taken for run in runs)):
            return ready
        if not told:
            report(Note(text=f"Waiting for runs that other processes have: {len(taken)}"))
            told = True
        runs = tuple(run for run in runs if states[run.id] is not RunState.DONE)
        time.sleep(min(LOOK_S, period_s() / 20))
    return ()


def _ready(run: RunSpec, states: dict[str, RunState]) -> bool:
    """Whether nobody has or had the run, and nobody has its source."""
    open_states = {RunState.MISSING, RunState.PARTIAL}
    return states[run.id] in open_states and states.get(run.transfer.run) is not RunState.RUNNING
