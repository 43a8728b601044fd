"""The dataset table: images by class and split, as the runs used them."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Column, Line, Note, Table
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.facts.data import SPLITS, counts_of
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import data_key, number, waiting

HEADERS = {"train": "Training", "validation": "Validation", "test": "Test"}
FIELD = "record.data.counts"


def make(results: Results, *, experiment: str = "") -> Table:
    """A row a class and a last row of totals; a column a split."""
    columns = (Column("Class", "l"), *(Column(HEADERS[split]) for split in SPLITS), Column("Total"))
    record = results.any_record(experiment)
    counts = counts_of(record)
    if record is None or not counts:
        return Table("dataset", columns, (waiting(columns),))
    lines = {name: [int(counts.get(split, {}).get(name, 0)) for split in SPLITS] for name in record.classes}
    sums = [sum(sizes) for sizes in zip(*lines.values(), strict=True)]
    steps = (*(f".{step}" for step in slugs(record.classes)), "")
    rows: list[Line] = []
    for (name, sizes), step in zip((*lines.items(), ("Total", sums)), steps, strict=True):
        keys = [f"count.{split}{step}" if step else split for split in (*SPLITS, "total")]
        values = zip(keys, (*sizes, sum(sizes)), strict=True)
        cells = (number(data_key(results, key, experiment), size, "count", FIELD) for key, size in values)
        rows.append((name, *cells))
    return Table("dataset", columns, tuple(rows), frozenset({len(rows) - 1}), _notes(results, experiment))


def _notes(results: Results, experiment: str) -> tuple[Note, ...]:
    record, spec = results.any_record(experiment), results.plan(experiment).rows[0].reading.run
    notes = []
    if spec.train_fraction < 1:
        part = number("settings.train_fraction", spec.train_fraction, "percent", "train_fraction", digits=0)
        notes.append(Note("Training: the stratified ", part, " that the runs used."))
    dropped = int(record.data.get("dropped", 0)) if record else 0
    if dropped:
        count = number("data.dropped", dropped, "count", "record.data.dropped")
        notes.append(Note(count, " unreadable ", count.plural("image"), " left out."))
    return tuple(notes)
