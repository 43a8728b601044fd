"""Audits of runs: do their numbers agree with one another and with what was declared?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from paper_kit.analysis.audit_line import AuditLine, Piece, in_all, line, number
from paper_kit.analysis.literature import read_literature
from paper_kit.analysis.predictions import Predictions
from paper_kit.analysis.record_audits import (
    EXACT,
    finished,
    image_problems,
    metric_problems,
    tally,
    training_problems,
    where,
)
from paper_kit.analysis.results import Results
from paper_kit.core.experiment import AblationEntry
from paper_kit.core.plan import BASE, Row
from paper_kit.core.record import RunRecord

TEST_READINGS = {"test_selected_VNK", "test_last_VNK"}  # the selected epoch, and the last
FOLLOWS = {"transfer.source": ("transfer.run", "transfer.architecture", "transfer.weights_sha256")}


def recalls(results: Results, experiment: str) -> AuditLine:
    """Recall times support is the accuracy, recorded metrics come out again, all runs see the same images."""
    runs = finished(results, [experiment])
    every = finished(results, [plan.experiment.name for plan in results.plans])
    problems = [*metric_problems(results, runs), *image_problems(results, every)]
    checked = 0
    keys = dict.fromkeys((row.model_key, row.ablation_key) for row in results.plan(experiment).rows)
    for model, ablation in keys:
        measured = results.measured(model, ablation, experiment)
        rows = results.cells(model, ablation, experiment) if measured.complete else ()
        for row, one in zip(rows, measured.predictions, strict=False):
            checked += 1
            problems += recall_problems(results.record(results.reading(row).run), row, one)
    cells = number("cells", checked, "count", "results.rows")
    return line(
        "Recall times support is the accuracy", problems, checked or len(problems),
        *in_all(cells), ", on the same images; the metrics that runs recorded come out again",
    )  # fmt: skip


def recall_problems(record: RunRecord, row: Row, one: Predictions) -> list[str]:
    """How a reading's accuracy disagrees with its recalls, or with the data's counts."""
    counted = record.data.get("counts", {}).get("test", {})
    supports_K = np.array([counted.get(name, 0) for name in record.classes], dtype=np.float64)
    seen_K = one.counts_KK.sum(axis=1)
    if not np.array_equal(supports_K, seen_K):
        return [
            f"{where(row)}: predictions of {seen_K.tolist()} images by class, data of {supports_K.tolist()}"
        ]
    recall_K = one.counts_KK.diagonal() / np.maximum(seen_K, 1)
    sum_ = float((recall_K * supports_K).sum() / max(1.0, supports_K.sum()))
    accuracy = one.metrics["accuracy"]
    if abs(sum_ - accuracy) > EXACT:
        return [f"{where(row)}: recall times support gives {sum_:.4%}, the accuracy is {accuracy:.4%}"]
    return []


def ablations(results: Results, experiment: str) -> AuditLine:
    """Each ablated run differs from its base in the declared keys alone, as recorded when it was trained."""
    name, study = "Ablations differ as declared", results.plan(experiment).experiment
    if not study.ablation:
        return AuditLine(name, None, ("the study has no ablations",))
    problems: list[str] = []
    compared = 0
    for ablation in study.ablation:
        pairs = [
            pair for model in study.model for pair in _pairs(results, experiment, model.key, ablation.key)
        ]
        compared += len(pairs)
        problems += [each for pair in pairs for each in ablation_problems(results, ablation, *pair)]
    cells = number("ablated_cells", compared, "count", "record.spec")
    return line(
        name, problems, compared,
        *in_all(cells), " the recorded settings differ from the base's in the declared keys alone",
    )  # fmt: skip


def _pairs(results: Results, experiment: str, model: str, ablation: str) -> list[tuple[Row, Row]]:
    """The finished (ablated, base) cells of a model, one pair a seed."""
    bases = results.cells(model, BASE, experiment)
    pairs = zip(results.cells(model, ablation, experiment), bases, strict=True)
    return [pair for pair in pairs if all(results.done(row.reading.run) for row in pair)]


def ablation_problems(results: Results, ablation: AblationEntry, row: Row, base: Row) -> list[str]:
    """How a recorded ablated run differs from its base otherwise than declared."""
    where = f"{row.model_label}, {ablation.label}, seed {row.seed}"
    one, other = results.record(row.reading.run.id), results.record(base.reading.run.id)
    if not ablation.set and (one.id, one.weights_sha256) != (other.id, other.weights_sha256):
        return [
            f"{where}: changes only the reading, but is of the run {one.id} and not of the base {other.id}"
        ]
    declared = set(flat(ablation.set)) | {f"reading.{key}" for key in ablation.reading}
    declared |= {key for start, more in FOLLOWS.items() if start in declared for key in more}
    mine = flat(one.spec) | {f"reading.{key}": getattr(row.reading, key) for key in ("views", "average")}
    theirs = flat(other.spec) | {f"reading.{key}": getattr(base.reading, key) for key in ("views", "average")}
    differing = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
    undeclared = [key for key in differing if not _covered(key, declared)]
    problems = [f"{where}: {key} differs and was not declared" for key in undeclared]
    if one.data.get("fingerprint") != other.data.get("fingerprint"):
        problems.append(f"{where}: trained on other data than its base")
    if one.engine != other.engine or one.code != other.code:
        problems.append(f"{where}: trained by other code than its base")
    return problems


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of nested tables: {"loss": {"gamma": 0}} is {"loss.gamma": 0}."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= flat(item, f"{prefix}{key}.") if isinstance(item, Mapping) else {f"{prefix}{key}": item}
    return found


def _covered(key: str, declared: Iterable[str]) -> bool:
    """Whether a differing key is declared, itself or as part of a declared part such as `model`."""
    return any(key == name or key.startswith(f"{name.removesuffix('.name')}.") for name in declared)


def readings_of_test(results: Results, experiment: str) -> AuditLine:
    """Every run read the test images twice: for the epoch best on validation, and for the last."""
    rows = finished(results, [experiment])
    problems = training_problems(results, rows)
    for run_id, row in rows.items():
        found = tally(results, run_id).readings
        if found != TEST_READINGS:
            extra = ", ".join(sorted(found ^ TEST_READINGS))
            problems.append(f"{row.model_label}, {row.ablation_label.lower()} ({run_id}): {extra}")
        if row.reading.epoch != "selected":
            problems.append(f"{row.model_label}, {row.ablation_label.lower()}: reports the last epoch")
    runs = number("runs", len(rows), "count", "predictions.npz")
    each = number("test_readings", len(TEST_READINGS), "count", "predictions.npz")
    return line(
        "Readings of the test images", problems, len(rows), runs, f" {runs.plural('run')}, each read ", each,
        " times: with the epoch best on validation and with the last; none was chosen on the test images",
        *_published(results),
    )  # fmt: skip


def _published(results: Results) -> tuple[Piece, ...]:
    """How many of the published rows say that their epoch was chosen on the images that they report."""
    if results.literature is None or not results.literature.is_file():
        return ()
    rows = read_literature(results.literature)
    chosen = sum("test" in row.selection.lower() for row in rows)
    if not chosen:
        return ()
    count = number("chosen_on_test", chosen, "count", "literature.toml: selection")
    return ("; ", count, f" published {count.plural('row')} chose theirs on test images, as the row says")
