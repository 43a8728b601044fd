"""paperkit retry: the failed runs, once more."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import (
    Data,
    Device,
    DeviceName,
    Devices,
    Jobs,
    Named,
    Oom,
    OomChoice,
    SkipBad,
    Threads,
)
from paper_kit.cli.text import say

if TYPE_CHECKING:
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.plan import Plan
    from paper_kit.core.store import Store

Which = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN", help="Ids or keys of failed runs; by default all.", show_default=False),
]
FromStart = Annotated[
    bool, typer.Option("--from-start", help="Delete their checkpoints, and begin with the first epoch.")
]


def retry(
    which: Which = None,
    experiment: Named = None,
    from_start: FromStart = False,
    oom: Oom = OomChoice.STOP,
    jobs: Jobs = 0,
    threads: Threads = 0,
    device: Device = DeviceName.AUTO,
    skip_bad: SkipBad = False,
    data: Data = None,
    devices: Devices = 0,
) -> None:
    """Run the failed runs again, and those that waited for them; nothing else."""
    from paper_kit.cli.run_all import conclude, work
    from paper_kit.cli.workplace import workplace
    from paper_kit.core.part import Part

    place = workplace(experiment)
    plans = place.plans()
    ids = failed_ids(place, plans, which or [])
    if not ids:
        typer.echo("No run has failed. `paperkit status` shows them all.")
        return
    chosen = {"jobs": jobs, "threads": threads, "device": device.value, "skip_bad": skip_bad}
    resources = place.resources(data, oom=oom.value, devices=devices, **chosen)
    if from_start:
        delete_checkpoints(place.store, ids)
    say(f"Trying again: {', '.join(sorted(ids))}")
    conclude(work(place, plans, resources, Part(name="local"), (), ids), plans)


def delete_checkpoints(store: Store, ids: Iterable[str]) -> None:
    """Nothing; the runs begin with their first epoch, but those that another process has by now."""
    from paper_kit.core.checkpoints import CHECKPOINT, clear_checkpoints
    from paper_kit.core.store import Busy

    for run_id in (each for each in ids if store.folder(each).is_dir()):
        with suppress(Busy), store.lease(run_id):
            clear_checkpoints(store.file(run_id, CHECKPOINT))


def failed_ids(place: Workplace, plans: tuple[Plan, ...], which: list[str]) -> frozenset[str]:
    """Ids of the failed runs, of those named where there are names, and of the runs that wait for them."""
    from paper_kit.cli.workplace import find_run
    from paper_kit.core.errors import InputError
    from paper_kit.core.plan import all_runs
    from paper_kit.core.store import RunState

    store, runs = place.store, all_runs(plans)
    states = {run.id: store.state(run) for run in runs}
    failed = {run_id for run_id, state in states.items() if state is RunState.FAILED}
    if which:
        named = {text: find_run(text, store, plans).id for text in which}
        wrong = [text for text in which if named[text] not in failed]
        if wrong:
            raise InputError([f"{text}: this run has not failed; see `paperkit status`." for text in wrong])
        failed = set(named.values())
    waiting = {run.id for run in runs if run.transfer.run in failed and states[run.id] is RunState.BLOCKED}
    return frozenset(failed | waiting)
