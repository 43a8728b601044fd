"""Where every printed number is from: facts by formula and runs, for the appendix and for provenance.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from paper_kit.analysis.facts import Fact
from paper_kit.analysis.predictions import RunReading
from paper_kit.render.legend import Legend, RunLabel
from paper_kit.render.printer import PrintedFact
from paper_kit.render.tex import Tex, escape, join

PROVENANCE = "provenance.json"
CLAIMS = "claims.json"
ATTACHED = {
    "main-results": "The results as printed",
    "ablation": "The ablations as printed",
}  # table -> words
LONGEST = 32  # signs of a printed text that the appendix repeats
FAMILIES = (  # (start of a field's name, what stands there)
    ("record.data.", "Counted in the images as they were used"),
    ("record.layers", "Counted in the layers of the trained network"),
    ("record.", "Kept by the runs themselves"),
    ("card.", "Stated by the dataset's card"),
    ("known.", "Known of the dataset from its source"),
    ("cost.", "Measured or counted by paperkit measure"),
    ("environment.", "Recorded with the runs"),
    ("literature.toml", "Published; templates/literature.toml names each source"),
    ("model.", "Written in the experiment file"),
    ("ablation.", "Written in the experiment file"),
    ("experiment.", "Written in the experiment file"),
    ("audit", "Found by an audit of the images"),
    ("", "Set in the experiment file, or its default"),
)
PLAN = "Read from the plan"
OF_SEEDS = "mean over seeds of "


@dataclass(frozen=True)
class Entry:
    """One value of a line: the numbers of its printed facts, its name, and how it is printed first."""

    numbers: tuple[int, ...]
    name: str
    text: str


@dataclass(frozen=True)
class Line:
    """Facts that share a formula, a way of reading and their runs."""

    number: int
    what: str
    how: str
    runs: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Provenance:
    """The lines of the provenance appendix, and the labels of all runs."""

    lines: tuple[Line, ...] = ()
    labels: Mapping[str, RunLabel] = field(default_factory=dict)

    @cached_property
    def legend(self) -> Legend:
        """The short names of the runs that lines name."""
        return Legend(self.labels, tuple(dict.fromkeys(run for line in self.lines for run in line.runs)))

    @cached_property
    def line_of(self) -> dict[int, Line]:
        """Number of a printed fact -> its line."""
        return {number: line for line in self.lines for entry in line.entries for number in entry.numbers}

    def words(self, line: Line) -> str:
        """What a line says, without its values: "Accuracy; test images, …; r3"."""
        return "; ".join(part for part in (line.what, line.how, self.legend.short(line.runs)) if part)


def provenance(facts: Sequence[PrintedFact], labels: Mapping[str, RunLabel]) -> Provenance:
    """The printed facts in lines, ordered by formula; equal facts in other words share an entry."""
    groups: dict[tuple[str, str], dict[tuple[str, ...], list[PrintedFact]]] = {}
    for fact in facts:
        runs = _runs(fact.fact)
        groups.setdefault(_group(fact.fact, labels), {}).setdefault(runs, []).append(fact)
    lines: list[Line] = []
    for (what, how), by_runs in groups.items():
        for runs, found in by_runs.items():
            lines.append(Line(len(lines) + 1, what, how, runs, _entries(found)))
    return Provenance(tuple(lines), labels)


def provenance_tex(found: Provenance, tables: Iterable[str] = ()) -> Tex:
    r"""The appendix: what the short names of runs mean, then each formula with its values, as \pkto targets.

    provenance.json and the tables of results among `tables` are attached.
    """
    rows = [
        Tex(rf"\pkattach{{{PROVENANCE}}}{{application/json}}{{Where each printed number is from}}"),
        Tex(rf"\pkattach{{{CLAIMS}}}{{application/json}}{{Each claim with its test}}"),
    ]
    for stem in sorted(set(tables) & set(ATTACHED)):
        rows.append(Tex(rf"\pkattach{{tables/{stem}.csv}}{{text/csv}}{{{ATTACHED[stem]}}}"))
    rows.append(Tex(r"\pkprovenance{%"))
    rows += [Tex(rf"\pkrun{{{escape(entry)}}}") for entry in found.legend.entries()]
    for head, lines in _by_head(found.lines).items():
        rows.append(Tex(rf"\pkline{{{escape(head)}.}}{{%"))
        rows += [_line(line, found.legend) for line in lines]
        rows.append(Tex("}"))
    return Tex("\n".join([*rows, Tex("}")]))


def provenance_json(
    found: Provenance, facts: Sequence[PrintedFact], more: Mapping[str, Any] | None = None
) -> bytes:
    """provenance.json: every printed fact with its exact value, rounding and origin; each line; each run."""
    value = {
        **(more or {}),
        "facts": [_detail(fact, found) for fact in facts],
        "lines": [_line_detail(line, found) for line in found.lines],
        "runs": {run: label.as_dict() for run, label in found.labels.items()},
    }
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _group(fact: Fact, labels: Mapping[str, RunLabel]) -> tuple[str, str]:
    """(what, how): the formula without names of models, ablations and classes, and the way of reading."""
    origin = fact.origin
    formula = _general(origin.formula, labels)
    if origin.readings:
        return formula or "Measured", _reading_words(origin.readings)
    family = next(
        (words for start, words in FAMILIES if origin.fields and origin.fields[0].startswith(start)), ""
    )
    return formula or family or PLAN, family if formula else ""


def _general(formula: str, labels: Mapping[str, RunLabel]) -> str:
    """The formula for all models, ablations and classes alike: "results.*.accuracy"."""
    keys = {key for label in labels.values() for key in (label.model_key, label.ablation_key) if key}
    text = re.sub(r"\b(recall)\.\w+", r"\1 of each class", formula)
    for key in sorted(keys, key=len, reverse=True):
        text = re.sub(rf"(?<=\.){re.escape(key)}(?=\.)", "*", text)
    parts = re.split(r", ", text)
    text = ", ".join(dict.fromkeys(parts))
    return text[:1].upper() + text[1:]


def _reading_words(readings: Iterable[RunReading]) -> str:
    """How the readings read their runs, each way once."""
    ways = sorted({reading[1:] for reading in readings})
    return " or ".join(
        f"{split} images, {epoch} epoch, "
        + (f"mean {average} of {' and '.join(views)}" if len(views) > 1 else views[0])
        for views, average, split, epoch in ways
    )


def _runs(fact: Fact) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*fact.origin.runs, *(reading.run for reading in fact.origin.readings))))


def _entries(facts: Sequence[PrintedFact]) -> tuple[Entry, ...]:
    found: dict[tuple[object, ...], Entry] = {}
    for fact in facts:
        own = Entry((fact.number,), _short_name(fact), _short(fact.text))
        key = (fact.fact.key, fact.fact.value) if fact.fact.key else (fact.number,)
        known = found.get(key)
        found[key] = replace(known, numbers=(*known.numbers, fact.number)) if known else own
    return tuple(found.values())


def _short_name(fact: PrintedFact) -> str:
    """The last step of the key, two where no run tells what it is of; the fields where there is no key."""
    steps = fact.fact.key.split(".")[1:]
    if not steps:
        return ", ".join(fact.fact.origin.fields)
    return ".".join(steps[-1:] if _runs(fact.fact) and not steps[-1].isdigit() else steps[-2:])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _by_head(lines: Iterable[Line]) -> dict[str, list[Line]]:
    heads: dict[str, list[Line]] = {}
    for line in lines:
        heads.setdefault("; ".join(part for part in (line.what, line.how) if part), []).append(line)
    return heads


def _line(line: Line, legend: Legend) -> Tex:
    runs = legend.short(line.runs)
    entries = join(map(_entry, line.entries), Tex("; "))
    return Tex(join([Tex(rf"\textbf{{{escape(runs)}:}} ") if runs else "", entries, Tex(". ")]))


def _entry(entry: Entry) -> Tex:
    named = entry.text.replace("\N{NO-BREAK SPACE}", " ").startswith(f"{entry.name} ")  # p = 0.013
    words = entry.text if named else f"{entry.name} {entry.text}".strip()
    return Tex(rf"\pkto{{{','.join(map(str, entry.numbers))}}}{{{escape(words)}}}")


def _line_detail(line: Line, found: Provenance) -> dict[str, Any]:
    numbers = [number for entry in line.entries for number in entry.numbers]
    return {"number": line.number, "text": found.words(line), "runs": list(line.runs), "facts": numbers}


def _detail(printed: PrintedFact, found: Provenance) -> dict[str, Any]:
    fact = printed.fact
    line = found.line_of.get(printed.number)
    return {
        "number": printed.number,
        "key": fact.key,
        "text": printed.text,
        "value": fact.value,
        "unit": fact.unit,
        "rounding": {"kind": fact.kind, "digits": fact.digits},
        "spread": fact.spread,
        "bounds": fact.bounds,
        "missing": fact.missing,
        "stale": printed.stale,
        "origin": {**asdict(fact.origin), "readings": [one._asdict() for one in fact.origin.readings]},
        "places": [str(place) for place in printed.places],
        "line": line.number if line else 0,
    }
