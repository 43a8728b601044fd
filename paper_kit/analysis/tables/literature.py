"""The comparison with the literature: published accuracies with their protocols, and the study's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.literature import UNKNOWN, Published, read_literature
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import counts_key, distinct, metric_fact, number, setting_key, waiting
from paper_kit.core.config import study_root
from paper_kit.core.experiment import ModelEntry
from paper_kit.core.plan import Plan

DATASETS = {"fer2013": "FER2013", "ferplus": "FER+", "rafdb": "RAF-DB", "affectnet": "AffectNet"}
UNVERIFIED = "\N{DAGGER}"
MOST_VIEWS = 2  # views beside the plain image that a cell names
OURS, MEASURED = "ours", "measured here"  # the main study's networks, and those of other experiments
COLUMNS = (
    Column("Method", "l"),
    Column("Dataset", "l"),
    Column("Classes"),
    Column("Test split", "l"),
    Column("Extra data", "l", wrap_in=1.1),
    Column("TTA", "l"),
    Column("Epoch chosen by", "l"),
    Column("Accuracy", unit="%"),
)


@dataclass(frozen=True, eq=False)
class Line:
    """A row of the table: its dataset, protocol (None: not known), value and cells before the value."""

    dataset: str
    protocol: tuple[str, ...] | None
    value: Fact
    cells: tuple[Cell | str | Fact, ...]
    mark: str = ""
    own: bool = False


def make(results: Results, *, datasets: tuple[str, ...] = (), path: str = "", own: bool = True) -> Table:
    """Published rows of these datasets (of all for none), grouped by dataset, the study's own below."""
    published = read_literature(Path(path) if path else results.literature or _default())
    chosen = [row for row in published if not datasets or row.dataset in tuple(datasets)]
    names = list(dict.fromkeys(row.dataset for row in chosen))
    kept = sorted(chosen, key=lambda row: (names.index(row.dataset), row.classes, row.value))
    remarks = list(dict.fromkeys(row.note for row in kept if row.note))
    lines: list[Line] = []
    rules: set[int] = set()
    for name in names:
        rules.add(len(lines))
        of_dataset = [row for row in kept if row.dataset == name]
        lines += [_published(row, number, remarks) for number, row in enumerate(of_dataset)]
        rules.add(len(lines))
        lines += _own(results, name) if own else []
    if not lines:
        return Table("literature", COLUMNS, (waiting(COLUMNS),), notes=_notes(lines, remarks, False))
    best = _best(lines)
    told = _constant(lines)
    left = [n for n in range(len(COLUMNS) - 1) if n not in told]
    rows = tuple(
        (*(line.cells[n] for n in left), Cell(line.value, bold=n in best, mark=line.mark))
        for n, line in enumerate(lines)
    )
    notes = (*_in_every_row(lines, told), *_ours(results, lines), *_notes(lines, remarks, bool(best)))
    columns = (*(COLUMNS[n] for n in left), COLUMNS[-1])
    return Table("literature", columns, rows, frozenset(n for n in rules if 0 < n < len(rows)), notes)


def _constant(lines: Sequence[Line]) -> list[int]:
    """Places of the columns between name and value that say the same in all of several rows."""
    texts = [[_cell(entry).text(COLUMNS[n]) for n, entry in enumerate(line.cells)] for line in lines]
    places = range(1, len(COLUMNS) - 1)
    return [n for n in places if len(texts) > 1 and len({row[n] for row in texts}) == 1]


def _in_every_row(lines: Sequence[Line], places: Sequence[int]) -> tuple[Note, ...]:
    """What all rows have in common, instead of a column that repeats it."""
    parts: list[str | Fact] = []
    for place in places:
        contents = [_cell(line.cells[place]).content for line in lines]
        content = next((each for each in contents if isinstance(each, Fact)), contents[0])
        if isinstance(content, str) and content.isdigit():
            content = number("literature.classes", int(content), "count", "literature.toml: classes")
        header = COLUMNS[place].header
        parts += ["; " if parts else "", f"{header if header.isupper() else header.lower()}: "]
        parts.append("not said" if content is None else content)
    return (Note("The same in every row: ", *parts, "."),) if parts else ()


def _ours(results: Results, lines: Sequence[Line]) -> tuple[Note, ...]:
    """Of how little the rows measured here speak, where they do: a part of the training images, one seed."""
    named = {line.dataset for line in lines if line.own}
    plans = [plan for plan in distinct(results) if plan.rows[0].dataset in named]
    told = [_trained(results, plan) for plan in plans]
    notes = []
    for place, (plan, note) in enumerate(zip(plans, told, strict=True)):
        if note in told[:place]:
            continue
        who = OURS if plan.experiment.name == results.main.name else f"{MEASURED} ({plan.experiment.called})"
        whose = who if len(set(told)) > 1 or place else " and ".join(_words_of_rows(results, plans))
        notes.append(Note(f"{whose[:1].upper()}{whose[1:]}: ", *note.parts))
    return tuple(notes)


def _words_of_rows(results: Results, plans: Sequence[Plan]) -> tuple[str, ...]:
    """What the rows of these experiments have in brackets, each once."""
    words = (OURS if plan.experiment.name == results.main.name else MEASURED for plan in plans)
    return tuple(dict.fromkeys(words))


def _trained(results: Results, plan: Plan) -> Note:
    """On which part of the training images, with how many seeds."""
    fraction, name = plan.rows[0].reading.run.train_fraction, plan.experiment.name
    seeds = number(counts_key(results, "seeds", name), len(plan.experiment.seeds), "count", "seeds")
    key = setting_key(results, "train_fraction", name)
    part = number(key, fraction, "percent", "train_fraction", digits=0)
    learned = ("trained on ", part, " of the training images, ") if fraction < 1 else ()
    if len(plan.experiment.seeds) == 1:
        return Note(*learned, seeds, " seed.")
    return Note(*learned, "mean ± standard deviation over ", seeds, " seeds.")


def _cell(entry: Cell | str | Fact) -> Cell:
    return entry if isinstance(entry, Cell) else Cell(entry)


def _default() -> Path:
    return study_root() / "templates" / "literature.toml"


def _published(row: Published, place: int, remarks: Sequence[str]) -> Line:
    letter = _letter(remarks.index(row.note)) if row.note else ""
    digits = max(1, len(repr(row.value).partition(".")[2]))
    value = number(
        f"literature.{row.dataset}.{place}",
        row.value / 100,
        "percent",
        f"literature.toml: {row.name}",
        digits=digits,
    )
    cells: tuple[Cell | str, ...] = (
        Cell(row.name, cite=row.cite),
        DATASETS.get(row.dataset, row.dataset),
        str(row.classes),
        *(_told(text) for text in (row.split, row.extra_data, row.tta, row.selection)),
    )
    return Line(row.dataset, row.protocol, value, cells, ("" if row.verified else UNVERIFIED) + letter)


def _told(text: str) -> Cell:
    """What the source says, or nothing where it does not."""
    return Cell(None if text.strip().lower() in UNKNOWN else text)


def _own(results: Results, dataset: str) -> list[Line]:
    """The base of each model of each experiment on this dataset; of one name, with that of the experiment."""
    plans = [plan for plan in distinct(results) if plan.rows[0].dataset == dataset]
    labels = [model.label for plan in plans for model in plan.experiment.model]
    return [
        _own_line(results, plan, model, labels.count(model.label) > 1)
        for plan in plans
        for model in plan.experiment.model
    ]


def _own_line(results: Results, plan: Plan, model: ModelEntry, shared: bool) -> Line:
    name = plan.experiment.name
    whose = (
        OURS if name == results.main.name else f"{MEASURED}, {plan.experiment.called}" if shared else MEASURED
    )
    spec, card = results.spec(model.key, experiment=name), results.card(name)
    classes = str(len(results.classes(name)) or "")
    split = card.protocol.rpartition("report on ")[2] if card and "report on " in card.protocol else "test"
    extra = {"none": "none", "run": "source task", "hub": "pretrained weights", "file": "pretrained weights"}
    views = [view.replace("_", " ") for view in plan.experiment.reading.views if view != "identity"]
    selection = "validation images"
    texts = (split, extra[spec.transfer.source], ", ".join(views) or "none", selection)
    value = metric_fact(results, model.key, "accuracy", name)
    title = DATASETS.get(plan.rows[0].dataset, card.title if card else plan.rows[0].dataset)
    key = counts_key(results, "classes", name)
    count = number(key, int(classes), "count", "record.classes") if classes else ""
    shown = (*texts[:2], _views(setting_key(results, "views", name), views, texts[2]), selection)
    cells = (f"{model.label} ({whose})", title, count, *shown)
    return Line(plan.rows[0].dataset, (plan.rows[0].dataset, classes, *texts), value, cells, own=True)


def _views(key: str, views: Sequence[str], text: str) -> str | Fact:
    """The views beside the plain image, or how many there are with it, where their names would be long."""
    if len(views) <= MOST_VIEWS:
        return text
    origin = Origin(fields=("reading.views",))
    return Fact(key, f"{len(views) + 1} views", "text", origin=origin)


def _best(lines: Sequence[Line]) -> set[int]:
    """Places of the highest value among the rows of one protocol, unless all of them are this study's."""
    best: set[int] = set()
    for protocol in {line.protocol for line in lines if line.protocol}:
        places = [n for n, line in enumerate(lines) if line.protocol == protocol]
        values = [lines[n].value.printed_value for n in places]
        known = [value for value in values if value is not None]
        published = any(not lines[n].own for n in places)
        if published and len(places) > 1 and len(known) == len(places):
            best |= {n for n, value in zip(places, values, strict=True) if value == max(known)}
    return best


def _notes(lines: Iterable[Line], remarks: Sequence[str], bold: bool) -> tuple[Note, ...]:
    dashes = any(isinstance(cell, Cell) and cell.content is None for line in lines for cell in line.cells)
    notes = [Note("A dash: the sources read do not say.")] if dashes else []
    if bold:
        notes.append(Note("Bold: the highest value among rows of one protocol."))
    if any(UNVERIFIED in line.mark for line in lines):
        notes.append(Note(f"{UNVERIFIED} taken from a secondary source."))
    return (*notes, *(Note(f"{_letter(n)} {remark}.") for n, remark in enumerate(remarks)))


def _letter(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place % 26]
