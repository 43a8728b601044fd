"""Where every printed number is from: facts by formula and runs, for the appendix and for provenance.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from paper_kit.analysis.facts import Fact
from paper_kit.render.legend import Legend, RunLabel
from paper_kit.render.printer import PrintedFact
from paper_kit.render.tex import Tex, escape, join
from paper_kit.render.wording import Names, formula_words, source

PROVENANCE = "provenance.json"
CLAIMS = "claims.json"
ATTACHED = {
    "main-results": "The results as printed",
    "ablation": "The ablations as printed",
}  # table -> words
LONGEST = 90  # signs of a printed text that the appendix repeats
Way = tuple[Any, ...]  # how a reading reads its run: views, average, split, epoch


@dataclass(frozen=True)
class Entry:
    """One value of a line: the numbers of its printed facts, whose it is, what of theirs, and its text."""

    numbers: tuple[int, ...]
    whose: str
    what: str
    text: str


@dataclass(frozen=True)
class Line:
    """Facts that share a formula, ways of reading and their runs, or the place where they were read."""

    number: int
    what: str
    ways: tuple[Way, ...]
    runs: tuple[str, ...]
    entries: tuple[Entry, ...]
    listed: bool = True  # whether the appendix lists the values


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

    @cached_property
    def usual(self) -> Way:
        """The way of reading that most lines share; empty where no line reads a run in one way alone."""
        alone = Counter(line.ways[0] for line in self.lines if len(line.ways) == 1)
        return alone.most_common(1)[0][0] if alone else ()

    def words(self, line: Line) -> str:
        """What a line says, without its values: "Accuracy: …; test images, …; r3"."""
        how = " and ".join(map(_way_words, line.ways))
        return "; ".join(part for part in (line.what, how, self.legend.short(line.runs)) if part)

    def head(self, line: Line) -> str:
        """What a line says before its runs: the formula, and how it reads them where that is unusual."""
        others = [", ".join(_way_parts(way, self.usual)) for way in line.ways if way != self.usual]
        word = "also read with" if self.usual in line.ways else "read with"
        return f"{line.what}; {word} {' and '.join(others)}" if others else line.what


def provenance(facts: Sequence[PrintedFact], labels: Mapping[str, RunLabel]) -> Provenance:
    """The printed facts in lines, computed ones first; equal facts in other words share an entry."""
    groups: dict[tuple[bool, str, tuple[Way, ...], bool], dict[tuple[str, ...], list[PrintedFact]]] = {}
    for printed in facts:
        group, runs = _group(printed.fact), _runs(printed.fact)
        groups.setdefault(group, {}).setdefault(() if group[0] else runs, []).append(printed)
    names = Names.of(labels)
    lines: list[Line] = []
    for (read, what, ways, listed), by_runs in sorted(groups.items(), key=lambda each: each[0][0]):
        for runs, found in by_runs.items():
            if read:  # one line for each place where values were read
                runs = tuple(dict.fromkeys(run for each in found for run in _runs(each.fact)))
            lines.append(Line(len(lines) + 1, what, ways, runs, _entries(found, names), listed))
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
    if found.usual:
        usual = escape(f"Unless a line says otherwise: {_way_words(found.usual)}.")
        rows.append(Tex(rf"\pkline{{How networks were read.}}{{{usual}}}"))
    for head, lines in _by_head(found).items():
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


def _group(fact: Fact) -> tuple[bool, str, tuple[Way, ...], bool]:
    """(whether it was read and not computed from runs, words, ways of reading, whether values are listed)."""
    origin = fact.origin
    ways = tuple(sorted({reading[1:] for reading in origin.readings}))
    place = None if ways else source(fact.key, origin.fields)
    if place:
        return True, place.words, (), place.listed
    return False, formula_words(origin.formula) or "Measured", ways, True


def _way_words(way: Way) -> str:
    return ", ".join(_way_parts(way))


def _way_parts(way: Way, usual: Way = ()) -> Iterable[str]:
    """The parts of a way of reading that differ from the usual one."""
    views, average, split, epoch = way
    seen = f"the {views[0]} view alone"
    if len(views) > 1:
        seen = f"mean {average} of the {' and '.join(views)} views"
    parts = (((views, average), seen), (split, f"{split} images"), (epoch, f"{epoch} epoch"))
    known = {(usual[0], usual[1]), *usual[2:]} if usual else set()
    return [words for part, words in reversed(parts) if part not in known]


def _runs(fact: Fact) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*fact.origin.runs, *(reading.run for reading in fact.origin.readings))))


def _entries(facts: Sequence[PrintedFact], names: Names) -> tuple[Entry, ...]:
    found: dict[tuple[object, ...], Entry] = {}
    for printed in facts:
        fact = printed.fact
        key = (fact.key, fact.value) if fact.key else (fact.origin, fact.text)
        known = found.get(key)
        if known is None:
            found[key] = Entry((printed.number,), *_subject(fact, names), _short(fact.text))
            continue
        text = _short(fact.text) if fact.bounds else known.text  # with its interval, if it has one anywhere
        found[key] = replace(known, numbers=(*known.numbers, printed.number), text=text)
    return tuple(found.values())


def _subject(fact: Fact, names: Names) -> tuple[str, str]:
    """Whose value a fact is, and which of theirs; models of its formula where its key names none."""
    whose, what = names.subject(fact.key)
    if fact.key.startswith("literature.") and fact.origin.fields:
        return "", fact.origin.fields[0].partition(": ")[2]
    computed = " - " in fact.origin.formula and fact.origin.readings
    if not fact.key or (computed and not whose):
        whose, _ = names.subject(fact.origin.formula)
    return whose, what


def _short(text: str) -> str:
    """The text to the last word that fits."""
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rpartition(" ")[0].rstrip(",;:") + " \N{HORIZONTAL ELLIPSIS}"


def _by_head(found: Provenance) -> dict[str, list[Line]]:
    heads: dict[str, list[Line]] = {}
    for line in found.lines:
        heads.setdefault(found.head(line), []).append(line)
    return heads


def _line(line: Line, legend: Legend) -> Tex:
    runs = legend.short(line.runs)
    start = Tex(rf"\textbf{{{escape(runs)}:}} ") if runs else Tex("")
    if not line.listed:
        numbers = [number for entry in line.entries for number in entry.numbers]
        count = len(line.entries)
        return Tex(join([start, _target(numbers, f"{count} value{'s' if count > 1 else ''}"), Tex(". ")]))
    entries: list[Tex] = []
    whose = ""
    for entry in line.entries:
        shown = replace(entry, whose="") if entry.whose == whose else entry
        alone = bool(entry.whose) or len(line.entries) == 1
        if alone and entry.what.casefold() in line.what.casefold():  # the formula tells what it is
            shown = replace(shown, what="")
        entries.append(_target(entry.numbers, _words(shown)))
        whose = entry.whose
    return Tex(join([start, join(entries, Tex("; ")), Tex(". ")]))


def _words(entry: Entry) -> str:
    """A value behind its name: "EmotionViT, w/o focal loss 46.9 %", "class: happy", "p = 0.013"."""
    text = entry.text.replace("\N{NO-BREAK SPACE}", " ")
    what = "" if text.startswith(f"{entry.what} ") else entry.what
    name = ", ".join(part for part in (entry.whose, what) if part)
    colon = ":" if name and text[:1].isalpha() and not text.startswith("p ") else ""
    return f"{name}{colon} {entry.text}".strip()


def _target(numbers: Iterable[int], words: str) -> Tex:
    return Tex(rf"\pkto{{{','.join(map(str, numbers))}}}{{{escape(words)}}}")


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
