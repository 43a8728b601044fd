"""paperkit run-all: trains what is missing, measures the costs, and says how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import (
    Data,
    Device,
    DeviceName,
    Devices,
    Experiments,
    Jobs,
    Only,
    Oom,
    OomChoice,
    SkipBad,
    Threads,
)
from paper_kit.cli.text import columns, counted, duration, say, seconds_of

if TYPE_CHECKING:
    from paper_kit.bench.study import Summary
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.part import Part
    from paper_kit.core.plan import Plan
    from paper_kit.core.spec import Resources

STOPPED = {"time": " Stopped at the time limit", "interrupt": " Stopped", "terminated": " Stopped by SIGTERM"}
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and train nothing.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Train again what `paperkit status` calls stale.")]
TimeLimit = Annotated[
    str, typer.Option(metavar="9m", help="Stop cleanly after so long; it goes on later.", show_default=False)
]
Executor = Annotated[str, typer.Option(help="Where runs are trained; `paperkit list executor`.")]
Detach = Annotated[
    bool, typer.Option("--detach", help="Leave the runs to the cluster's queue, and do not wait for them.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A field for all models, such as optim.lr=1e-3, in a new experiment file; may be repeated.",
        show_default=False,
    ),
]
Seeds = Annotated[
    str, typer.Option(metavar="0,1,2", help="These seeds, in a new experiment file.", show_default=False)
]


def run_all(
    experiments: Experiments = None,
    jobs: Jobs = 0,
    threads: Threads = 0,
    device: Device = DeviceName.AUTO,
    only: Only = None,
    dry_run: DryRun = False,
    time_limit: TimeLimit = "",
    refresh: Refresh = False,
    skip_bad: SkipBad = False,
    data: Data = None,
    executor: Executor = "local",
    detach: Detach = False,
    set_: Set = None,
    seeds: Seeds = "",
    oom: Oom = OomChoice.STOP,
    devices: Devices = 0,
) -> None:
    """Train and benchmark all models of the experiments.

    What is done is skipped, what was cut off goes on, what failed is tried again; at last costs are measured.
    """
    from paper_kit.cli.workplace import split_keys, workplace

    place = derived(workplace(experiments), tuple(set_ or ()), seeds)
    plans = place.plans()
    chosen: dict[str, object] = {"jobs": jobs, "threads": threads, "device": device.value, "devices": devices}
    chosen |= {"skip_bad": skip_bad, "time_limit_s": seconds_of(time_limit), "oom": oom.value}
    resources = place.resources(data, **chosen)
    keys = split_keys(only)
    if dry_run:
        tell_plan(place, plans, resources, keys, refresh)
        return
    if refresh:
        tell_set_aside(place, plans, resources, keys)
    if detach:
        leave(place, plans, resources, place.executor(executor), keys)
        return
    conclude(work(place, plans, resources, place.executor(executor), keys), plans)


def tell_idle(plans: tuple[Plan, ...]) -> None:
    """Nothing; the ablations that change nothing of a model are on stderr."""
    from paper_kit.core.plan import idle_ablations

    for idle in idle_ablations(plans):
        say(f"{idle}: nothing is trained for it.")


def derived(place: Workplace, settings: tuple[str, ...], seeds: str) -> Workplace:
    """The workplace with new experiment files in place of its own, where something is set."""
    if not (settings or seeds):
        return place
    from dataclasses import replace

    from paper_kit.core.derive import derive

    folder = place.root / "experiments"
    files = tuple(derive(path, settings, seeds, folder) for path in place.files)
    for file in files:
        say(f"These runs are those of {file}")
    return replace(place, files=files)


def tell_set_aside(
    place: Workplace, plans: tuple[Plan, ...], resources: Resources, only: tuple[str, ...]
) -> None:
    """Nothing; stale runs are set aside, and how many is on stderr."""
    from paper_kit.bench.study import set_aside

    stale = set_aside(plans, place.store, resources, only)
    say(f"{counted(len(stale), 'stale run')} set aside as {place.store.root}/<id>.old-<n>")


def work(
    place: Workplace,
    plans: tuple[Plan, ...],
    resources: Resources,
    part: Part,
    only: tuple[str, ...],
    ids: frozenset[str] = frozenset(),
) -> Summary:
    """The Summary of the study, shown while it works."""
    from paper_kit.bench.schedule import Pace
    from paper_kit.bench.study import run_study, to_train
    from paper_kit.cli.board import Board
    from paper_kit.cli.display import shown
    from paper_kit.core.plan import chosen_runs, run_labels
    from paper_kit.core.store import RunState

    runs = chosen_runs(plans, only)
    missing = [run for run in to_train(runs, place.store, part) if not ids or run.id in ids]
    left = missing if ids else [run for run in runs if place.store.state(run) is not RunState.DONE]
    board = Board(left, run_labels(plans), len(runs) - len(left), Pace())
    if missing:
        tell_idle(plans)
    with shown(board) as report:
        return run_study(plans, place.store, resources, report, executor=part, only=only, ids=ids)


def leave(
    place: Workplace, plans: tuple[Plan, ...], resources: Resources, part: Part, only: tuple[str, ...]
) -> None:
    """Nothing; the runs wait in a cluster's queue, and how many is on stdout."""
    from paper_kit.bench.progress import Event, Note
    from paper_kit.bench.study import submit_study
    from paper_kit.core.errors import InputError

    if "wait" not in part.arguments:
        raise InputError(f"--detach: the executor {part.name} has no queue. Add --executor slurm.")

    def tell(event: Event) -> None:
        if isinstance(event, Note):
            say(event.text)

    number = submit_study(plans, place.store, resources, tell, executor=part, only=only)
    typer.echo(
        f"{counted(number, 'run')} left to the queue: `paperkit status` shows them, `paperkit cancel` ends "
        f"them, `paperkit run-all --executor {part.name}` waits for them."
    )


def conclude(summary: Summary, plans: tuple[Plan, ...]) -> None:
    """Nothing; what the study came to is on stdout. Exits with 1 where runs failed, 130 after Ctrl-C."""
    from paper_kit.core.plan import run_labels
    from paper_kit.core.store import RunState

    labels = run_labels(plans)
    typer.echo(headline(summary))
    for run_id, reason in summary.failed:
        typer.echo(f"  failed: {labels[run_id]} ({run_id}): {reason}")
    for model, reason in summary.not_measured:
        typer.echo(f"  not measured: {model}: {reason}")
    blocked = summary.count(RunState.BLOCKED)
    if blocked:
        typer.echo(f"  {counted(blocked, 'run')} wait for a source run that failed")
    if summary.failed:
        typer.echo("`paperkit show RUN` says more; `paperkit retry` tries them again.")
    if summary.stopped in {"interrupt", "terminated"}:
        raise typer.Exit(130 if summary.stopped == "interrupt" else 143)
    if summary.failed or blocked or (summary.not_measured and not summary.stopped):
        raise typer.Exit(1)


def headline(summary: Summary) -> str:
    """One sentence: how many runs are done, what was done now, and what to type next."""
    from paper_kit.core.store import RunState

    total, done = len(summary.states), summary.count(RunState.DONE)
    if summary.finished and not summary.trained and not summary.measured:
        return f"All {counted(total, 'run')} are done already. Next: paperkit build-pdf"
    now = [f"{counted(len(summary.trained), 'run')} trained"] if summary.trained else []
    now += [f"{counted(summary.measured, 'model')} measured"] if summary.measured else []
    text = f"{done} of {counted(total, 'run')} done ({', '.join([*now, f'in {duration(summary.seconds)}'])})."
    why = STOPPED.get(summary.stopped, "")
    if why and not summary.finished:
        return f"{text}{why}; `paperkit run-all` goes on from here."
    elsewhere = summary.count(RunState.RUNNING)
    if elsewhere:
        text += f" Another process works on {elsewhere}."
    return text + (" Next: paperkit build-pdf" if summary.finished else "")


def tell_plan(
    place: Workplace, plans: tuple[Plan, ...], resources: Resources, only: tuple[str, ...], refresh: bool
) -> None:
    """Nothing; what run-all would do with each run is on stdout."""
    from functools import partial

    from paper_kit.cli.workplace import fingerprint_of
    from paper_kit.core.status import statuses
    from paper_kit.core.store import RunState

    tell_idle(plans)
    rows = []
    for status in statuses(plans, place.store, partial(fingerprint_of, resources), only):
        stale = refresh and bool(status.stale)
        done = status.state is RunState.DONE and not stale
        verb = "skip" if done else "resume" if status.state is RunState.PARTIAL else "train"
        why = "; ".join(status.stale) if stale else f"{status.state} {status.note}".strip()
        rows.append((verb, status.run.id, status.label, why))
    typer.echo(columns(rows))
    trained = sum(row[0] != "skip" for row in rows)
    typer.echo(f"{trained} of {counted(len(rows), 'run')} would be trained.")
