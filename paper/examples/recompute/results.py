"""Every number that follows from the logits of one study, under the key that provenance.json gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import combinations

import numpy as np
from chance import POWER
from curves import macro_ap, macro_auc, softened, temperature
from stored import Predicted
from study import BASE, Study, slug

METRICS = ("accuracy", "macro_f1", "balanced_accuracy", "mean_recall", "ece", "brier", "nll")
Value = float | int | str
Numbers = dict[str, Value]
PRINTED = " (of the printed numbers)"
SPREAD = " ±"  # behind a key: the standard deviation over seeds


def tenth(share: float) -> float:
    """A share as the paper prints it: in percent with one decimal, again as a share."""
    return float(f"{share * 100:.1f}") / 100


def spread_over(values: Iterable[float]) -> Numbers:
    """Under "" the mean of the seeds, and under SPREAD their standard deviation, where there are several."""
    each = np.array([*values], dtype=float)
    found: Numbers = {"": float(each.mean())}
    return found | ({SPREAD: float(each.std(ddof=1))} if len(each) > 1 else {})


def results(study: Study, *, main: bool = True) -> Numbers:
    """Key -> value; shares for percents and points, names for models, classes and ablations.

    Of a further study what is printed of it: each model's numbers, and those with an ablation.
    """
    found: Numbers = {}
    for model in study.models:
        found |= _of_model(study, model)
        for ablation in study.ablations:
            found |= _ablated(study, model, ablation)
    if not main:
        return found
    for model in study.models:
        found |= _softened(study, model)
    for ablation in study.ablations:
        changed = [model for model in study.models if study.applies(model, ablation)]
        changes = [found[f"results.{model}.without.{ablation}.change"] for model in changed]
        if changes:
            found[f"results.average.{ablation}.change"] = float(np.mean(changes))
    return found | _ranked(study, found) | _pooled(study) | _gained(study) | _counts(study)


def renamed(numbers: Numbers, topic: str, name: str) -> Numbers:
    """The numbers under the keys of a further study: "results of NAME.…" for results.…"""
    return {key.replace(f"{topic}.", f"{topic} of {name}.", 1): value for key, value in numbers.items()}


def _of_model(study: Study, model: str) -> Numbers:
    cell, name = study.cell(model), f"results.{model}"
    found: Numbers = {}

    def add(key: str, of: Callable[[Predicted], float]) -> None:
        told = spread_over(of(each) for each in cell.seeds)
        found.update({f"{name}.{key}{end}": value for end, value in told.items()})

    for metric in METRICS:
        add(metric, lambda each, metric=metric: each.metric(metric))
    add("macro_auc", macro_auc)
    add("macro_ap", macro_ap)
    for place, label in enumerate(study.classes):
        add(f"recall.{slug(label)}", lambda each, place=place: each.recall_K[place])
    return found


def _ablated(study: Study, model: str, ablation: str) -> Numbers:
    """Accuracy of each cell without a technique, and its difference as printed with its deviation."""
    name = f"results.{model}.without.{ablation}"
    base_R, without_R = (study.cell(model, each).values("accuracy") for each in (BASE, ablation))
    found = {f"{name}.accuracy{end}": value for end, value in spread_over(without_R).items()}
    deviation = {end: value for end, value in spread_over(without_R - base_R).items() if end}
    found |= {f"{name}.change{end}": value for end, value in deviation.items()}
    found[f"{name}.change"] = tenth(float(without_R.mean())) - tenth(float(base_R.mean()))
    return found


def _softened(study: Study, model: str) -> Numbers:
    """Temperatures of the seeds' networks and what they make of the calibration; the epochs selected."""
    cell, validation = study.cell(model), study.cell(model, split="validation")
    warmths = [temperature(each) for each in validation.seeds]
    pairs = zip(cell.seeds, warmths, strict=True)
    epochs = [_selected(study, run) for run, _ in cell.readings]
    return {
        f"results.{model}.temperature": float(np.mean(warmths)),
        f"results.{model}.ece_calibrated": float(np.mean([softened(*each).metric("ece") for each in pairs])),
        f"results.{model}.selected_epoch": float(np.mean(epochs)),
    }


def _selected(study: Study, run: str) -> int:
    """The epoch that was best on validation, the first of equal ones."""
    by = f"validation_{study.records.specs[run]['select']}"
    return int(max(study.records.history(run), key=lambda epoch: epoch[by])["epoch"])


def _ranked(study: Study, known: Numbers) -> Numbers:
    order = study.best_first
    accuracies = {model: float(known[f"results.{model}.accuracy"]) for model in order}
    named = {"best": order[0], "worst": order[-1], "baseline": next(iter(study.models))}
    found: Numbers = {f"results.{word}.model": study.models[model] for word, model in named.items()}
    found |= effects(study, known, "results.")
    for word, model in named.items():
        own = f"results.{model}."
        found |= {
            f"results.{word}.{key.removeprefix(own)}": known[key] for key in known if key.startswith(own)
        }
    gain, spread = (
        tenth(accuracies[order[0]]) - tenth(accuracies[each]) for each in (named["baseline"], order[-1])
    )
    found |= {"results.best.gain_over_baseline": gain, "results.spread": spread, "results.power": POWER}
    return found


def effects(study: Study, known: Numbers, prefix: str) -> Numbers:
    """The changes that are largest and smallest in size, unrounded, each with its model and ablation."""
    sizes = {
        pair: abs(study.cell(*pair).metric("accuracy") - study.cell(pair[0]).metric("accuracy"))
        for pair in study.changed
    }
    found: Numbers = {}
    for word, choose in (("largest", max), ("smallest", min)) if sizes else ():
        model, ablation = choose(sizes, key=lambda each: sizes[each])
        found[f"{prefix}{word}_effect.model"] = study.models[model]
        found[f"{prefix}{word}_effect.ablation"] = study.ablations[ablation]
        found[f"{prefix}{word}_effect.change"] = known[f"results.{model}.without.{ablation}.change"]
    return found


def _pooled(study: Study) -> Numbers:
    """Recalls over all models, the class recognised best and worst, the two pairs confused most often."""
    rates_KK = study.pooled_KK() / study.pooled_KK().sum(axis=1, keepdims=True)
    classes, recalls = study.classes, np.diag(rates_KK)
    found: Numbers = {f"results.recall.{slug(label)}": recalls[at] for at, label in enumerate(classes)}
    for word, at in (("best", int(recalls.argmax())), ("worst", int(recalls.argmin()))):
        found[f"results.{word}_class"] = classes[at]
        found[f"results.{word}_class_recall"] = recalls[at]
    pairs = [
        max((a, b), (b, a), key=lambda pair: rates_KK[pair]) for a, b in combinations(range(len(classes)), 2)
    ]
    pairs.sort(key=lambda pair: -rates_KK[pair])
    for word, pair in zip(("confused", "confused2"), pairs, strict=False):
        found[f"results.{word}.true"], found[f"results.{word}.predicted"] = (classes[at] for at in pair)
        found[f"results.{word}.rate"] = rates_KK[pair]
    cells = ((i, j) for i in range(len(classes)) for j in range(len(classes)) if i != j)
    return found | {f"results.confusion.{i}.{j}": rates_KK[i, j] for i, j in cells}


def _gained(study: Study) -> Numbers:
    """The class and the ablation with the lowest change of the recall over the models that it changes."""
    changes: dict[tuple[int, str], float] = {}
    for ablation in dict.fromkeys(ablation for _, ablation in study.changed):
        models = [model for model in study.models if study.applies(model, ablation)]
        without_K, base_K = (_recalls(study.pooled_KK(each, models)) for each in (ablation, BASE))
        changes |= {(at, ablation): float(change) for at, change in enumerate(without_K - base_K)}
    if not changes:
        return {}
    at, ablation = min(changes, key=lambda each: changes[each])
    return {
        "results.gained.class": study.classes[at],
        "results.gained.ablation": study.ablations[ablation],
        "results.gained.change": changes[at, ablation],
    }


def _recalls(counts_KK: np.ndarray) -> np.ndarray:
    return np.diag(counts_KK) / counts_KK.sum(axis=1)


def _counts(study: Study) -> Numbers:
    trainings, sources = len(study.trainings), len(study.sources)
    return {
        "counts.models": len(study.models),
        "counts.ablations": len(study.ablations),
        "counts.classes": len(study.classes),
        "counts.seeds": len(study.seeds),
        "counts.trainings": trainings,
        "counts.source_runs": sources,
        "counts.runs": trainings + sources,
    }


def value_of(expression: str, known: Numbers) -> Value:
    """The value of a key, of abs(key), or of a difference of two keys as printed; KeyError for others."""
    inner = expression.replace(PRINTED, "")
    if wrapped := re.fullmatch(r"abs\(\(?(.*?)\)?\)", inner):
        return abs(float(value_of(wrapped[1], known)))
    left, minus, right = inner.partition(" - ")
    if minus and right != "0":
        return tenth(float(known[left])) - tenth(float(known[right]))
    return known[left]
