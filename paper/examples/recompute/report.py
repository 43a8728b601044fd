"""All findings about a paper: its records, its pages, each number, each confusion matrix, each claim."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits import audited
from claimed import of_claims, of_family
from drawn import gains, of_figures
from fields import Fields
from further import of_further
from judge import EXACT, FIELD, OPEN, Finding, Judge
from pages import Pdf, opened
from panels import of_panels
from printed import Printing, confusion, gain_cells, numbers, printings, row_names, shows
from results import results
from stored import Records
from study import Studies, Study, read_studies, slug
from trials import Test, Trials, family_of

ROOT = Path(__file__).resolve().parents[3]
MAPS = "figures/tsne.csv"  # the maps of t-SNE, which only the build folder has
SHOWN = "shown on its page"
ROW = "in the row of its name"


@dataclass(frozen=True)
class Report:
    """All findings about a paper, and how many numbers in it are typed and meant."""

    findings: tuple[Finding, ...]
    literals: int

    @property
    def wrong(self) -> list[Finding]:
        """Numbers that disagree, and numbers that could not be checked."""
        return [each for each in self.findings if not each.agrees or each.kind == OPEN]


def report(paper: Path, packed: Path, root: Path = ROOT) -> Report:
    """Everything found about the numbers of a PDF; ValueError where it does not say what they are."""
    pdf, records = opened(paper), Records(packed)
    provenance = _beside(pdf, "provenance.json")
    if provenance is None:
        raise ValueError(
            f"{paper}: no provenance.json is attached or beside it; build it without --camera-ready"
        )
    names = list(dict.fromkeys(label["experiment"] for label in provenance["runs"].values()))
    studies = read_studies(root, names, records)
    claims = _claims(pdf)
    family, manifest = family_of(claims["family"]), _beside(pdf, "manifest.json") or {}
    found = [*_of_records(studies, provenance)]
    if any(study.problems for study in studies.by_name.values()):
        return Report(tuple(found), 0)  # of a study that is not whole, no number can be held against anything
    judge = _judge(Fields(studies, root), family, manifest, (_bytes(pdf, MAPS) or b"").decode())
    printed = {fact["key"] for fact in provenance["facts"] if fact["places"]}
    found += [
        *_of_facts(pdf, judge, provenance["facts"]),
        *_of_confusion(pdf, studies.main),
        *_of_gains(pdf, judge, printed),
        *of_panels(pdf, judge, printed),
        *of_family(judge.trials),
        *of_claims(judge.trials, claims["claims"]),
    ]
    return Report(tuple(found), sum(link.target == "pk.literal" for link in pdf.links))


def _beside(pdf: Pdf, name: str) -> Any:
    """A JSON file that is attached to the PDF, or beside it in the build folder; None where there is none."""
    found = _bytes(pdf, name)
    return None if found is None else json.loads(found)


def _bytes(pdf: Pdf, name: str) -> bytes | None:
    """A file that is attached to the PDF, or beside it; None where there is none."""
    attached, place = pdf.attachment(name), pdf.path.parent / name
    return place.read_bytes() if attached is None and place.is_file() else attached


def _claims(pdf: Pdf) -> Any:
    """What claims.json holds; ValueError where it is not there, or does not hold the tests."""
    found = _beside(pdf, "claims.json")
    if not isinstance(found, dict) or not {"claims", "family"} <= set(found):
        what = "no claims.json is" if found is None else "a claims.json without the family of tests is"
        raise ValueError(
            f"{pdf.path}: {what} attached or beside it; build the paper again: paperkit build-pdf"
        )
    return found


def _judge(fields: Fields, family: Sequence[Test], manifest: Mapping[str, Any], map_csv: str = "") -> Judge:
    studies = fields.studies
    known = results(studies.main) | audited(studies.main, fields.root) | of_further(studies, fields.root)
    known |= {"counts.experiments": len(studies.by_name)}
    level, margin = float(fields.paper["alpha"]), float(fields.paper["equivalence_margin"]) / 100
    trials = Trials(studies, known, family, level, margin)
    return Judge(known | of_figures(fields, trials, map_csv), trials, fields, manifest)


def _of_records(studies: Studies, provenance: Mapping[str, Any]) -> Iterator[Finding]:
    """Records that are damaged or cannot be told apart, and runs that provenance.json calls otherwise."""
    problems = [problem for study in studies.by_name.values() for problem in study.problems]
    damaged = [f"{name}: not the packed file" for name in studies.main.records.damaged]
    for problem in (*problems, *damaged):
        yield Finding(OPEN, 0, "records.zip", "", problem, False)
    for run, label in provenance["runs"].items():
        if label["ablation_key"]:
            cell = label["model_key"], label["ablation_key"], label["seed"]
            own = studies.by_name[label["experiment"]].runs.get(cell)
            told = f"its settings are those of {own}"
            yield Finding(FIELD, 0, f"run {run}", label["label"], told, own == run)


def _of_facts(pdf: Pdf, judge: Judge, facts: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Each place of each fact on the pages; what is found of it once where all places say the same."""
    by_number, seen = {fact["number"]: fact for fact in facts}, set[tuple[object, ...]]()
    for place in printings(pdf, {number: fact["text"] for number, fact in by_number.items()}):
        fact = by_number.get(place.number)
        if fact is None:
            yield Finding(
                OPEN, place.page, f"number {place.number}", place.shown, "not in provenance.json", False
            )
            continue
        yield Finding(SHOWN, place.page, fact["key"], place.shown, fact["text"], shows(place, fact["text"]))
        yield from _in_row(judge.trials.studies, fact, place)
        for found in judge.findings(fact, place.page, place.rows[0]):
            name = (fact["number"], found.kind, found.own, found.agrees)
            if name not in seen:
                seen.add(name)
                yield found
    printed = {name[0] for name in seen}
    for fact in facts:
        if fact["places"] and fact["number"] not in printed:
            yield Finding(SHOWN, 0, fact["key"], "", fact["text"], False)


def _in_row(studies: Studies, fact: Mapping[str, Any], place: Printing) -> Iterator[Finding]:
    """Whether a number of a model or a class stands in the row of a table that begins with its name.

    Where two studies have a model of one name, the title of the study is behind it, in brackets.
    """
    study, key = studies.of_key(fact["key"])
    steps = key.split(".")
    own = {study.models[step] for step in steps[1:2] if step in study.models}
    own |= {f"{name} ({study.title})" for name in own}
    every = {(label, each.title) for each in studies.by_name.values() for label in each.models.values()}
    every = {name for label, title in every for name in (label, f"{label} ({title})")}
    classes = {name for name in study.classes if slug(name) in steps}
    for mine, names in ((own, every), (classes, {*study.classes})):
        for name in row_names(place, names) if mine else ():
            yield Finding(ROW, place.page, fact["key"], fact["text"], f"in the row {name}", name in mine)


def _of_confusion(pdf: Pdf, study: Study) -> Iterator[Finding]:
    """Each cell of the printed confusion matrices: the share of its row in whole percent."""
    rows = list(confusion(pdf, study.classes, len(study.models)))
    if sorted(name for _, name, _ in rows) != sorted(study.classes):
        yield Finding(OPEN, 0, "confusion matrices", "", f"{len(rows)} rows on the pages", False)
    for word, name, cells in rows:
        at, place = study.classes.index(name), iter(cells)
        for model in study.models:
            counts_K = study.cell(model).counts_KK[at]
            for chosen, count in zip(study.classes, counts_K, strict=True):
                cell, own = next(place).text, f"{100 * count / counts_K.sum():.0f}"
                yield Finding(EXACT, word.page, f"confusion.{model}.{name}.{chosen}", cell, own, cell == own)


def _of_gains(pdf: Pdf, judge: Judge, printed: set[str]) -> Iterator[Finding]:
    """Each cell of the map of gains: points to one decimal, and half of its interval below."""
    study, own = judge.trials.studies.main, gains(judge.trials)
    ablations = list(dict.fromkeys(ablation for ablation, _ in own))
    rows = list(gain_cells(pdf, study.classes, len(ablations))) if "figure.gains" in printed else []
    if "figure.gains" in printed and sorted(row[0].text for row in rows) != sorted(study.classes):
        yield Finding(OPEN, 0, "map of gains", "", f"{len(rows)} rows on the pages", False)
    for label, values, halves in rows:
        for ablation, value, half in zip(ablations, values, halves, strict=True):
            gain, told = own[ablation, label.text], [*numbers(value.text), *numbers(half.text)]
            mine = [100 * gain.value, 50 * (gain.ends[1] - gain.ends[0])]
            agrees = all(abs(a - b) <= 0.05 + 1e-6 for a, b in zip(told, mine, strict=True))
            text, key = f"{value.text} {half.text}", f"gain.{ablation}.{label.text}"
            yield Finding(EXACT, label.page, key, text, f"{mine[0]:+.3f} ±{mine[1]:.3f}", agrees)
