"""Numbers that figures print and no link covers: changes with their ends, calibration, areas, mistakes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from averaged import NOUGHT
from judge import EXACT, OPEN, Finding, Judge
from pages import LINE_PT, Pdf, Word
from printed import numbers
from results import SPREAD
from study import Study

CHANGE = re.compile(r"([+−]?\d+\.\d) (\[[+−]?\d+\.\d, [+−]?\d+\.\d\])")
ECE = re.compile(r"ECE (\d+\.\d) → (\d+\.\d) %")
AREA = re.compile(r"AUC (\d\.\d{3})(?: ± (\d\.\d{3}))?")
MISTAKE = re.compile(r"…?(\S+) (\S+) (\S+) (\d+\.\d) %")
EFFECTS = "against the base (points)"  # the axis below the changes
NEAR = 0.05 + 1e-6  # of one decimal


def of_panels(pdf: Pdf, judge: Judge, printed: Collection[str]) -> Iterator[Finding]:
    """Each such number of the figures that the paper has, by the facts that their notes print."""
    lines, study = free_lines(pdf), judge.trials.studies.main
    if pages := {line[0].page for line in lines if EFFECTS in _text(line)}:
        yield from _effects([line for line in lines if line[0].page in pages], judge, study)
    if "figure.bins" in printed:
        yield from _calibrated(lines, judge, study)
    if any(key.endswith(".macro_auc") for key in printed):
        yield from _areas(lines, judge, study)
    if "mistakes.images" in printed:
        yield from _mistakes(lines, study, int(judge.fields.constant("figure.mistakes", "images")))


def free_lines(pdf: Pdf) -> list[list[Word]]:
    """The words that no link covers, line by line across each page, from its top."""
    linked = {word for link in pdf.links for word in pdf.under(link)}
    lines: list[list[Word]] = []
    for word in sorted((w for w in pdf.words if w not in linked), key=lambda w: (w.page, w.middle)):
        before = lines[-1][0] if lines else None
        if before and before.page == word.page and word.middle - before.middle < LINE_PT:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.left) for line in lines]


def _effects(lines: Sequence[Sequence[Word]], judge: Judge, study: Study) -> Iterator[Finding]:
    """Each change of accuracy with its interval; of an ablation one below the other, by model."""
    for ablation, label in study.ablations.items():
        models = [model for model in study.models if study.applies(model, ablation)]
        found = []
        for line in lines:
            _, told, rest = _text(line).partition(f"{label} ")
            if told and (match := CHANGE.match(rest)):
                found.append((line[0].page, *match.groups()))
        if len(found) != len(models):
            yield Finding(OPEN, 0, f"effects of {ablation}", "", f"{len(found)} on the pages", False)
            continue
        for model, (page, value, ends) in zip(models, found, strict=True):
            key = f"results.{model}.without.{ablation}.change"
            low, high = judge.trials.estimate(key, NOUGHT).ends(1 - judge.trials.alpha)
            own = [100 * float(judge.known[key]), 100 * low, 100 * high]
            yield _finding(
                page, f"effect.{key}", f"{value} {ends}", [*numbers(value), *numbers(ends)], own, NEAR
            )


def _calibrated(lines: Sequence[Sequence[Word]], judge: Judge, study: Study) -> Iterator[Finding]:
    """The calibration error of each model as trained and with its temperature."""
    found = [(line[0].page, match) for line in lines for match in ECE.finditer(_text(line))]
    if len(found) != len(study.models):
        yield Finding(OPEN, 0, "reliability diagrams", "", f"{len(found)} on the pages", False)
        return
    for model, (page, match) in zip(study.models, found, strict=True):
        own = [100 * float(judge.known[f"results.{model}.{key}"]) for key in ("ece", "ece_calibrated")]
        yield _finding(page, f"reliability.{model}", match[0], [*map(float, match.groups())], own, NEAR)


def _areas(lines: Sequence[Sequence[Word]], judge: Judge, study: Study) -> Iterator[Finding]:
    """The mean area under the curves of each model, with its deviation over seeds."""
    found = [(line[0].page, match) for line in lines for match in AREA.finditer(_text(line))]
    if len(found) != len(study.models):
        yield Finding(OPEN, 0, "areas under curves", "", f"{len(found)} on the pages", False)
        return
    for model, (page, match) in zip(study.models, found, strict=True):
        keys = [f"results.{model}.macro_auc{end}" for end in ("", SPREAD)]
        own = [float(judge.known[key]) for key in keys if key in judge.known]
        told = [float(each) for each in match.groups() if each]
        yield _finding(page, f"roc.{model}", match[0], told, own, NEAR / 100)


def _mistakes(lines: Sequence[Sequence[Word]], study: Study, most: int) -> Iterator[Finding]:
    """The images that each model's first network was surest of and got wrong, with what it said."""
    wanted = Counter(row for model in study.models for row in surest_mistakes(study, model, most))
    known = {row[0] for row in wanted}
    for line in lines:
        for match in MISTAKE.finditer(_text(line)):
            if match[1] in known:
                row = (match[1], match[2], match[3], match[4])
                yield Finding(EXACT, line[0].page, f"mistakes.{row[0]}", match[0], "as told", wanted[row] > 0)
                wanted[row] -= 1
    for row in wanted.elements():
        yield Finding(OPEN, 0, f"mistakes.{row[0]}", "", " ".join(row), False)


def surest_mistakes(study: Study, model: str, most: int) -> list[tuple[str, str, str, str]]:
    """(id, label, prediction, confidence in percent) of a model's surest mistakes; equal ones by id."""
    first = study.cell(model).first
    wrong, sure_N = np.flatnonzero(first.right_N == 0), first.probabilities.max(axis=1)
    order = sorted(wrong, key=lambda at: (-sure_N[at], str(first.ids[at])))[:most]
    names = [name.replace(" ", "") for name in study.classes]
    return [
        (str(first.ids[at]), names[first.labels[at]], names[first.chosen_N[at]], f"{100 * sure_N[at]:.1f}")
        for at in order
    ]


def _text(line: Sequence[Word]) -> str:
    return " ".join(word.text for word in line)


def _finding(
    page: int, key: str, text: str, told: Sequence[float], own: Sequence[float], near: float
) -> Finding:
    agrees = len(told) == len(own) and all(abs(a - b) <= near for a, b in zip(told, own, strict=True))
    return Finding(EXACT, page, key, text, ", ".join(f"{value:.5g}" for value in own), agrees)
