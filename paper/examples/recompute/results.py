"""Every number that follows from the logits, under the key that provenance.json gives it."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
from chance import POWER
from curves import macro_ap, macro_auc, softened, temperature
from stored import BASE, Study

METRICS = ("accuracy", "macro_f1", "balanced_accuracy", "mean_recall", "ece", "brier", "nll")
Value = float | int | str
PRINTED = " (of the printed numbers)"


def tenth(share: float) -> float:
    """A share as the paper prints it: in percent with one decimal, again as a share."""
    return float(f"{share * 100:.1f}") / 100


def results(study: Study) -> dict[str, Value]:
    """Key -> value; shares for percents and points, names for models, classes and ablations."""
    found: dict[str, Value] = {}
    for model in study.models:
        found |= _of_model(study, model)
    for ablation in study.ablations:
        changes = [found[f"results.{model}.without.{ablation}.change"] for model in study.models]
        found[f"results.average.{ablation}.change"] = float(np.mean(changes))
    return found | _ranked(study, found) | _pooled(study) | _gained(study) | _counts(study) | _clean(study)


def _of_model(study: Study, model: str) -> dict[str, Value]:
    cell, name = study.cell(model), f"results.{model}"
    found: dict[str, Value] = {f"{name}.{metric}": cell.metric(metric) for metric in METRICS}
    warmth = temperature(study.cell(model, split="validation"))
    found |= {f"{name}.temperature": warmth, f"{name}.ece_calibrated": softened(cell, warmth).metric("ece")}
    found |= {f"{name}.macro_auc": macro_auc(cell), f"{name}.macro_ap": macro_ap(cell)}
    recalls = np.diag(cell.counts_KK) / cell.counts_KK.sum(axis=1)
    found |= {f"{name}.recall.{label}": value for label, value in zip(study.classes, recalls, strict=True)}
    for ablation in study.ablations:
        without = study.cell(model, ablation).metric("accuracy")
        found[f"{name}.without.{ablation}.accuracy"] = without
        found[f"{name}.without.{ablation}.change"] = tenth(without) - tenth(cell.metric("accuracy"))
    history = study.records.history(study.runs[model, BASE])
    by = f"validation_{study.spec(model)['select']}"
    found[f"{name}.selected_epoch"] = max(history, key=lambda epoch: epoch[by])["epoch"]
    return found


def _ranked(study: Study, known: dict[str, Value]) -> dict[str, Value]:
    order = study.best_first
    accuracies = {model: float(known[f"results.{model}.accuracy"]) for model in order}
    sizes = {
        (model, ablation): abs(study.cell(model, ablation).metric("accuracy") - accuracies[model])
        for model in study.models
        for ablation in study.ablations
    }
    named = {"best": order[0], "worst": order[-1], "baseline": next(iter(study.models))}
    found: dict[str, Value] = {f"results.{word}.model": study.models[model] for word, model in named.items()}
    for word, choose in (("largest", max), ("smallest", min)):
        model, ablation = choose(sizes, key=lambda each: sizes[each])
        found[f"results.{word}_effect.model"] = study.models[model]
        found[f"results.{word}_effect.ablation"] = study.ablations[ablation]
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


def _pooled(study: Study) -> dict[str, Value]:
    """Recalls over all models, the class recognised best and worst, the two pairs confused most often."""
    rates_KK = study.pooled_KK() / study.pooled_KK().sum(axis=1, keepdims=True)
    classes, recalls = study.classes, np.diag(rates_KK)
    found: dict[str, Value] = {f"results.recall.{label}": recalls[at] for at, label in enumerate(classes)}
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


def _gained(study: Study) -> dict[str, Value]:
    """The class and the ablation with the lowest change of the recall over all models."""

    def recalls(ablation: str) -> np.ndarray:
        counts_KK = study.pooled_KK(ablation)
        return np.diag(counts_KK) / counts_KK.sum(axis=1)

    changes = {
        (at, ablation): float(change)
        for ablation in study.ablations
        for at, change in enumerate(recalls(ablation) - recalls(BASE))
    }
    at, ablation = min(changes, key=lambda each: changes[each])
    return {
        "results.gained.class": study.classes[at],
        "results.gained.ablation": study.ablations[ablation],
        "results.gained.change": changes[at, ablation],
    }


def _counts(study: Study) -> dict[str, Value]:
    return {
        "counts.models": len(study.models),
        "counts.ablations": len(study.ablations),
        "counts.classes": len(study.classes),
        "counts.seeds": len(study.experiment["seeds"]),
        "counts.trainings": len(study.runs),
        "counts.source_runs": len(study.sources),
        "counts.runs": len(study.runs) + len(study.sources),
    }


def _clean(study: Study) -> dict[str, Value]:
    """What the audit of the images found, and accuracies without images that leaked, where it is packed."""
    model = next(iter(study.models))
    fingerprint = study.record(model)["data"]["fingerprint"]
    audit = next((each for each in study.records.audits if each["fingerprint"] == fingerprint), None)
    if audit is None:
        return {}
    exact = {
        image["id"]
        for group in audit["copies"]
        for image in group
        if image["split"] == "test" and any(other["split"] != "test" for other in group)
    }
    near = {
        pair["image"]["id"]
        for pair in audit["near"]
        if pair["image"]["split"] == "test" and pair["partner"]["split"] != "test"
    }
    found: dict[str, Value] = {
        "audit.duplicates.exact": len(exact),
        "audit.duplicates.near": len(near - exact),
        "audit.duplicates.groups": len(audit["copies"]),
        "audit.duplicates.conflicting": len(audit["conflicts"]),
        "audit.duplicates.conflicting_images": sum(len(group) for group in audit["conflicts"]),
        "audit.duplicates.blank": len(audit["blank"]),
        "audit.test_leaked": len(near | exact),
        "audit.images": sum(sum(counts.values()) for counts in audit["counts"].values()),
        "audit.test_deduplicated": len(study.cell(model).ids) - len(near | exact),
    }
    for model in study.models:
        cell = study.cell(model)
        kept_N = ~np.isin(cell.ids, sorted(near | exact))
        clean, full = float(cell.right_N[kept_N].mean()), cell.metric("accuracy")
        found[f"audit.{model}.accuracy_deduplicated"] = clean
        found[f"audit.{model}.deduplicated_change"] = tenth(clean) - tenth(full)
    return found


def value_of(expression: str, known: dict[str, Value]) -> Value:
    """The value of a key, of abs(key), or of a difference of two keys as printed; KeyError for others."""
    inner = expression.replace(PRINTED, "")
    if wrapped := re.fullmatch(r"abs\(\(?(.*?)\)?\)", inner):
        return abs(float(value_of(wrapped[1], known)))
    left, minus, right = inner.partition(" - ")
    if minus and right != "0":
        return tenth(float(known[left])) - tenth(float(known[right]))
    return known[left]
