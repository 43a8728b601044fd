"""paperkit tune: learning rate, augmentation and weight decay, found on validation images."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import Data, Device, DeviceName, Jobs, SkipBad, Threads
from paper_kit.cli.text import columns, complain, counted, seconds_of
from paper_kit.cli.tune_speed import tune_speed

if TYPE_CHECKING:
    from paper_kit.bench.search import Search
    from paper_kit.bench.space import Budget
    from paper_kit.bench.stopping import Why
    from paper_kit.bench.tuning import Place
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.plan import Plan
    from paper_kit.core.spec import Resources
    from paper_kit.core.tuning import SearchRecord

UNTOLD = {"jobs", "threads", "device", "data", "out", "time_limit", "skip_bad"}  # change no trial

Experiment = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="A name in experiments/ or the path of a TOML file.")
]
Model = Annotated[
    list[str] | None,
    typer.Option(help="Only this model, by its key; may be repeated.", show_default=False),
]
Trials = Annotated[int, typer.Option(min=2, help="Trainings of each model, with the file's own settings.")]
Epochs = Annotated[
    int, typer.Option(min=0, help="Epochs of a trial; 0: those of the file.", show_default=False)
]
Fraction = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Part of the training images of a trial; 0: that of the file.",
        show_default=False,
    ),
]
TimeLimit = Annotated[
    str, typer.Option(metavar="9m", help="Stop cleanly after so long; it goes on later.", show_default=False)
]
SearchFields = Annotated[str, typer.Option("--search", metavar="FIELD,FIELD", help="What is searched.")]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD=A,B,C",
        help="These values and no search, such as optim.weight_decay=0.005,0.05,0.5; may be repeated.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the search; trainings have the experiment's first.")]
OutFile = Annotated[
    Path | None,
    typer.Option(help="The file to write; by default experiments/<name>_tuned.toml.", show_default=False),
]
TakeBest = Annotated[
    bool, typer.Option("--take-best", help="Set the best values also where they may be luck.")
]
Speed = Annotated[
    bool,
    typer.Option("--speed", help="Measure memory format, precision and compilation, and set the fastest."),
]
Dry = Annotated[bool, typer.Option("--dry", help="With --speed: measure, and write nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="With --speed: write also where runs are done already.")]


def tune(
    context: typer.Context,
    experiment: Experiment,
    model: Model = None,
    trials: Trials = 20,
    epochs: Epochs = 0,
    train_fraction: Fraction = 0.0,
    time_limit: TimeLimit = "",
    search: SearchFields = "optim.lr,augment,optim.weight_decay",
    grid: Grid = None,
    seed: Seed = 0,
    jobs: Jobs = 0,
    threads: Threads = 0,
    device: Device = DeviceName.AUTO,
    out: OutFile = None,
    take_best: TakeBest = False,
    skip_bad: SkipBad = False,
    data: Data = None,
    speed: Speed = False,
    dry: Dry = False,
    yes: Yes = False,
) -> None:
    """Find learning rate, augmentation strength and weight decay on the validation images.

    The file's own settings are the first trial of each model. The test images are never read. What is found
    stands in a new experiment file; a second call goes on where the first was stopped. With --speed nothing
    is trained: what makes this machine fastest is measured and set in the experiment file itself.
    """
    from paper_kit.bench.space import Budget
    from paper_kit.cli.workplace import workplace

    study = workplace([experiment])
    budget, limit = Budget(epochs, train_fraction), seconds_of(time_limit)
    choices = {"jobs": jobs, "threads": threads, "device": device.value, "skip_bad": skip_bad}
    resources = study.resources(data, time_limit_s=limit, **choices)
    if speed:
        tune_speed(study, resources, dry=dry, yes=yes)
        return
    find(study, Asked(model, search, grid, budget, trials, seed), resources, out, typed(context), take_best)


@dataclass(frozen=True)
class Asked:
    """What was asked for with the command's options."""

    models: list[str] | None
    search: str
    grid: list[str] | None
    budget: Budget
    trials: int
    seed: int


def find(
    study: Workplace, asked: Asked, resources: Resources, out: Path | None, command: str, take_best: bool
) -> None:
    """Nothing; the searches are done or stopped, and what they found is written and said."""
    from paper_kit.bench.space import grid_of, known_fields
    from paper_kit.bench.tuned import default_out, free_place
    from paper_kit.bench.tuning import Place, questions, searching

    source, (plan,) = study.files[0], study.plans()
    what = known_fields(asked.search), grid_of(asked.grid or ())
    todo = questions(plan, tuple(asked.models or ()), *what, asked.budget, asked.trials, asked.seed)
    files = Files(source, out or default_out(source, study.root / "experiments"))
    free_place(source, files.target)
    place = Place(study.store, study.root / "experiments" / "tuning", resources)
    with searching(todo, place) as searches:
        why = work(plan, searches, place)
        records = write(searches, place, files, command, take_best)
    conclude(searches, records, why, files.target)


@dataclass(frozen=True)
class Files:
    """The experiment and the file that is written."""

    source: Path
    target: Path

    @property
    def log(self) -> Path:
        """Where each question and its answer is noted."""
        return self.target.parent / "LOG.md"


def work(plan: Plan, searches: tuple[Search, ...], place: Place) -> Why:
    """Why the searches were stopped, "" where all their trials have ended; shown while they work."""
    from paper_kit.bench.schedule import Pace
    from paper_kit.bench.stopping import stopping
    from paper_kit.bench.tuning import train_sources, tune
    from paper_kit.cli.board import Board
    from paper_kit.cli.display import shown
    from paper_kit.core.plan import run_labels

    board = Board((), run_labels((plan,)), sum(search.begun for search in searches), Pace())
    board.total = sum(search.question.planned for search in searches)
    specs = [search.question.spec for search in searches]
    with stopping(place.resources.time_limit_s) as stop, shown(board) as report:
        train_sources(plan, specs, place, report, stop)
        tune(searches, place, report, stop)
        return stop.why


def write(
    searches: tuple[Search, ...], place: Place, files: Files, command: str, take_best: bool
) -> dict[str, SearchRecord]:
    """The searches by model; records, file and log are written, and a row for each model is on stdout."""
    from paper_kit.bench.tuned import append_log, keep_record, search_record, write_tuned

    labels = {search.question.model: search.question.label for search in searches}
    records: dict[str, SearchRecord] = {}
    finished: dict[str, SearchRecord] = {}
    for search in searches:
        record = search_record(search, take_best=take_best, command=command)
        if record is None:
            continue
        keep_record(search, record, place.store)
        records[search.question.model] = record
        if search.complete and search.ended:
            finished[search.question.model] = record
    if finished:
        append_log(files.log, searches[0].question.experiment, labels, finished)
    if records:
        write_tuned(files.source, files.target, records, command)
        tell(records, labels)
    return records


def tell(records: dict[str, SearchRecord], labels: dict[str, str]) -> None:
    """Nothing; a row for each model is on stdout."""
    from paper_kit.bench.tuned import percent, written

    rows = [("model", "trials", "own", "best", "with", "verdict")]
    for key, record in records.items():
        best = record.best
        rows.append(
            (
                labels[key],
                f"{record.finished}/{record.trials_planned}",
                percent(record.own),
                percent(best),
                written(best.params) if best else "",
                record.verdict,
            )
        )
    typer.echo(columns(rows))


def conclude(searches: tuple[Search, ...], records: dict[str, SearchRecord], why: Why, target: Path) -> None:
    """Nothing; what to type next is on stdout. Exits with 1 where trials failed, 130 after Ctrl-C."""
    broken = [f"{search.question.label}: {search.broken}" for search in searches if search.broken]
    left = sum(search.left for search in searches if not search.broken)
    if records:
        changed = any(record.chosen for record in records.values())
        typer.echo(f"Written: {target}" + ("" if changed else " (its settings are those of the experiment)"))
    if left:
        reason = "Stopped at the time limit" if why == "time" else "Stopped"
        typer.echo(f"{reason} with {counted(left, 'trial')} to go; the same command goes on from here.")
    elif not broken:
        typer.echo(f"Next: paperkit run-all {target}")
    complain(broken)
    if why == "interrupt":
        raise typer.Exit(130)
    if broken:
        raise typer.Exit(1)


def typed(context: typer.Context) -> str:
    """The command as typed, without what does not change its answer."""
    words = ["paperkit", context.command.name or "tune"]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name in UNTOLD or source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[name] if name != "experiment" else Path(context.params[name]).stem
        option = [] if name == "experiment" else [parameter.opts[0]]
        for item in value if isinstance(value, list) else [value]:
            words += option if item is True else [*option, str(item)]
    return shlex.join(words)
