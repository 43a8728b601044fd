"""paperkit verify: whether a paper is what it was sealed as, and whether its numbers come out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import Data, Device, DeviceName, Named, Runs, Venue
from paper_kit.cli.text import columns, counted, duration, say

if TYPE_CHECKING:
    from paper_kit.analysis.repeats import Repeat
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.plan import Row
    from paper_kit.core.spec import Resources
    from paper_kit.core.store import Store
    from paper_kit.render.verify import Check

NOTHING = 3  # the exit code where no check could be made

Paper = Annotated[
    Path | None,
    typer.Argument(
        metavar="PDF", help="The paper; by default the last one built for the venue.", show_default=False
    ),
]
NoRebuild = Annotated[bool, typer.Option("--no-rebuild", help="Compare hashes only; build nothing.")]
Rerun = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, help="Train N cells of the study again and compare.", show_default=False
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0, help="Draw the cells with this seed; without it the cheapest are taken.", show_default=False
    ),
]


def verify(
    pdf: Paper = None,
    venue: Venue = "",
    experiment: Named = None,
    no_rebuild: NoRebuild = False,
    rerun: Rerun = 0,
    seed: Seed = None,
    runs: Runs = None,
    data: Data = None,
    device: Device = DeviceName.AUTO,
) -> None:
    """Check a paper against its seal: the file, what it was built from, and that it builds the same again.

    With --rerun, and no PDF named, it only trains cells again and compares their accuracies. Ends with
    code 1 where something differs, and 3 where nothing could be checked.
    """
    from paper_kit.cli.workplace import workplace

    place = workplace(experiment)
    resources = place.resources(data, device=device.value)
    holds, verified = True, bool(rerun)
    if pdf is not None or not rerun:
        checks = checked(place, pdf, venue, experiment, runs, resources, rebuild=not no_rebuild)
        tell(checks)
        holds = all(check.verdict != "differs" for check in checks)
        verified = verified or any(check.verdict == "ok" for check in checks)
    if rerun:
        holds = again(place, rerun, seed, runs, resources) and holds
    if not holds:
        raise typer.Exit(1)
    if not verified:
        typer.echo("nothing was verified")
        raise typer.Exit(NOTHING)


def checked(
    place: Workplace,
    pdf: Path | None,
    venue: str,
    experiments: list[str] | None,
    runs: Path | None,
    resources: Resources,
    *,
    rebuild: bool,
) -> tuple[Check, ...]:
    """The checks of the paper at a path, or of the last one built for the venue."""
    from functools import partial

    from paper_kit.cli.workplace import fingerprint_of
    from paper_kit.core.paper import load_paper
    from paper_kit.render.request import Request
    from paper_kit.render.verify import verify as checks_of

    built = place.root / "paper" / "build" / (venue or load_paper(place.root).venue) / "paper.pdf"
    request = Request(venue=venue, experiments=tuple(experiments or ()), runs=runs, resources=resources)
    if rebuild:
        say("Building the paper again in a temporary folder; --no-rebuild skips this")
    known = partial(fingerprint_of, resources)
    return checks_of(pdf or built, request, place.root, rebuild=rebuild, fingerprint=known)


def tell(checks: tuple[Check, ...]) -> None:
    """Nothing; one line a check is on stdout, with what differs below it."""
    lines = columns([(check.name, str(check.verdict), check.told) for check in checks]).splitlines()
    for line, check in zip(lines, checks, strict=True):
        typer.echo(line)
        for detail in check.details:
            typer.echo(f"    {detail}")


def again(place: Workplace, number: int, seed: int | None, runs: Path | None, resources: Resources) -> bool:
    """Whether every chosen cell came out as before when it was trained again in a temporary Store."""
    import tempfile

    from paper_kit.analysis.repeats import repeated
    from paper_kit.analysis.results import collect
    from paper_kit.bench.repeat import pick
    from paper_kit.core.store import Store

    plans, store = place.plans(), Store(runs) if runs else place.store
    rows = pick(plans, store, number, seed)
    with tempfile.TemporaryDirectory(prefix="paperkit-rerun-") as folder:
        fresh = Store(Path(folder))
        labels = train(rows, place, store, fresh, resources)
        results = collect(plans, store, resources=resources)
        trained = [row for row in rows if fresh.file(row.reading.run.id, "record.json").is_file()]
        found = {row.reading.run.id: repeated(results, row, fresh) for row in trained}
        for row in rows:
            run = row.reading.run.id
            typer.echo(outcome(labels[run], found.get(run), fresh.reason(run)))
    return len(found) == len(rows) and all(one.holds for one in found.values())


def train(
    rows: tuple[Row, ...], place: Workplace, store: Store, fresh: Store, resources: Resources
) -> dict[str, str]:
    """Run id -> label; the runs of the rows lie in `fresh`, after it was told how long that may take."""
    from paper_kit.bench.repeat import needed, train_again
    from paper_kit.bench.schedule import Pace
    from paper_kit.cli.board import Board
    from paper_kit.cli.display import shown
    from paper_kit.core.plan import run_labels

    labels = run_labels(place.plans())
    todo = needed(tuple(row.reading.run for row in rows), store)
    seconds = sum(store.record(run.id).seconds for run in todo)
    say(f"Training {counted(len(todo), 'run')} again, which took {duration(seconds)} before:")
    for run in todo:
        say(f"  {labels.get(run.id, run.id)}")
    with shown(Board(todo, labels, 0, Pace())) as report:
        train_again(todo, store, fresh, resources, report)
    return labels


def outcome(label: str, repeat: Repeat | None, reason: str) -> str:
    """One line on a cell: both accuracies, and whether the second is the first within the noise."""
    if repeat is None:
        return f"{label}: failed: {reason or 'it did not finish'}"
    before, now = f"{repeat.before:.2%}", f"{repeat.again:.2%}"
    if repeat.identical:
        return f"{label}: ok, {before} again, bit for bit"
    verdict = "ok" if repeat.holds else "differs"
    points = f"{100 * repeat.change:+.2f} points, {repeat.noise} ±{100 * repeat.tolerance:.2f}"
    paired = "" if repeat.p != repeat.p else f", McNemar p = {repeat.p:.2g}"
    return f"{label}: {verdict}, {before} → {now} ({points}{paired})"
