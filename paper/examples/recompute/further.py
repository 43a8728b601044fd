"""The studies that a paper reports beside its main one: what they are, and what came of them."""

from __future__ import annotations

from pathlib import Path

from audits import audited
from results import Numbers, effects, renamed, results
from settings import listed
from study import Studies, Study, slug

METRICS = ("accuracy", "macro_f1", "accuracy_deduplicated")
STEPS = ((1e9, 1e-9, "G"), (1e6, 1e-6, "M"), (1e3, 1e-3, "k"))  # from so many on, by what, behind it


def of_further(studies: Studies, root: Path) -> Numbers:
    """What came of each study but the main one: further.<step>.…, and its numbers under "… of NAME." keys."""
    found: Numbers = {}
    for step, study in studies.further.items():
        known = results(study, main=False) | audited(study, root)
        found |= {f"further.{step}.{key}": value for key, value in _reached(study, known).items()}
        for topic in ("results", "audit"):
            own = {key: value for key, value in known.items() if key.startswith(f"{topic}.")}
            found |= renamed(own, topic, study.name)
        found |= _counted(study)
    return found


def said(study: Study) -> Numbers:
    """What its file and records say of a study: name, question, dataset, images, models, trainings, seeds."""
    record = study.record(next(iter(study.models)))
    sizes = [study.record(model)["parameters"] for model in study.models]
    layers = [sum(row["parameters"] for row in study.record(model)["layers"]) for model in study.models]
    if sizes != layers:
        raise ValueError(f"{study.name}: {sizes} parameters are recorded, the layers have {layers}")
    images = {split: sum(counts.values()) for split, counts in record["data"]["counts"].items()}
    return {
        "name": study.title,
        "question": str(study.experiment["question"]),
        "dataset": str(record["card"]["title"]),
        "licence": str(record["card"]["licence"]),
        "classes": len(study.classes),
        "trainings": len(study.trainings),
        "seed_count": len(study.seeds),
        "ablations": len(study.ablations),
        "seeds": listed([*map(str, study.seeds)]),
        "models": listed([*study.models.values()]),
        "parameters": listed([sized(size) for size in sizes]),
        "training_time": _training_time(study),
        **images,
    }


def _reached(study: Study, known: Numbers) -> Numbers:
    """The first and the last model by accuracy, all with their numbers, and the change that is largest."""
    order, found = study.best_first, effects(study, known, "")
    for metric in METRICS:
        topic = "audit" if metric == METRICS[-1] else "results"
        own = {model: known.get(f"{topic}.{model}.{metric}") for model in study.models}
        ranked = {"best": own[order[0]], "worst": own[order[-1]]}
        each = {**own, **ranked}.items()
        found |= {f"{whose}.{metric}": value for whose, value in each if value is not None}
    found |= {"best.model": study.models[order[0]], "worst.model": study.models[order[-1]]}
    if "audit.test_leaked" in known:
        found["test_leaked"] = known["audit.test_leaked"]
    return found


def _counted(study: Study) -> Numbers:
    """What tables count of the study: seeds, classes, and test images by class, as they are labelled."""
    labels, name = study.cell(next(iter(study.models))).labels, study.name
    found: Numbers = {
        f"counts of {name}.seeds": len(study.seeds),
        f"counts of {name}.classes": len(study.classes),
        f"data of {name}.test": len(labels),
    }
    for place, label in enumerate(study.classes):
        found[f"data of {name}.count.test.{slug(label)}"] = int((labels == place).sum())
    return found


def _training_time(study: Study) -> float:
    """The seconds of all runs added up: in hours, or in minutes where there are less than two hours."""
    runs = (*study.trainings, *study.sources)
    seconds = sum(float(study.records.records[run]["seconds"]) for run in runs)
    return seconds / (3600 if seconds >= 7200 else 60)


def sized(size: int) -> str:
    """Three digits of a number of parameters, with k, M or G; a small number is whole."""
    for least, scale, unit in STEPS:
        if size >= 0.9995 * least:
            before = len(str(int(float(f"{size * scale:.2e}"))))
            return f"{size * scale:,.{max(0, 3 - before)}f} {unit}"
    return f"{size:,}"
