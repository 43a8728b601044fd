"""Whether the record, the history and the predictions of a run are of one and the same training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from paper_kit.analysis.predictions import check_arrays
from paper_kit.analysis.results import Results
from paper_kit.core.arrays import damaged_predictions, read_npz
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file, sha256_text
from paper_kit.core.plan import Row
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import RunSpec
from paper_kit.stats.metrics import Integers, accuracy, confusion_matrix, macro_f1, softmax

EXACT = 1e-9  # of a fraction: what sums of floats may differ by, far below one image
AGAIN = 0.005  # of a fraction: what one network's validation accuracy differs by from pass to pass on a GPU

MOST_RUNS = 1 << 16  # whose predictions are remembered, boiled down to a kilobyte each


@dataclass(frozen=True)
class Tally:
    """What a run's predictions come to: names of the test logits, epoch -> views -> counts_KK (None where
    logits are not finite), a digest of test ids and labels, the accuracy of the first view on validation.
    """

    readings: frozenset[str]
    counts: Mapping[str, Mapping[str, Integers] | None]
    images: str
    validation: float | None


def finished(results: Results, experiments: Sequence[str]) -> dict[str, Row]:
    """Run id -> the first row that it fills, of the finished runs of these experiments."""
    found: dict[str, Row] = {}
    for row in (row for name in experiments for row in results.plan(name).rows):
        if results.done(row.reading.run):
            found.setdefault(results.reading(row).run, row)
    return found


def where(row: Row) -> str:
    """The cell of a row in words: model, ablation, seed."""
    return f"{row.model_label}, {row.ablation_label.lower()}, seed {row.seed}"


def metric_problems(results: Results, rows: Mapping[str, Row]) -> list[str]:
    """Where the metrics that a run recorded, as far as it did, are not those of its predictions."""
    return [
        f"{where(row)}: {problem}"
        for run, row in rows.items()
        for problem in _metrics(results.record(run), tally(results, run))
    ]


def _metrics(record: RunRecord, found: Tally) -> Iterator[str]:
    for epoch, counts in found.counts.items():
        if counts is None:
            yield f"the predictions of the {epoch} epoch are not finite"
            continue
        for views, counts_KK in counts.items():
            yield from _told(record, counts_KK, f"{epoch}_{views}")


def _told(record: RunRecord, counts_KK: Integers, reading: str) -> Iterator[str]:
    """Where accuracy and macro F1, as recorded for one reading, are not those of its confusion matrix."""
    for name, value in (("accuracy", accuracy(counts_KK)), ("macro_f1", macro_f1(counts_KK))):
        key = f"test_{name}_{reading}"
        told = record.metrics.get(key, value)
        if not abs(told - value) <= EXACT:  # a recorded nan differs too
            yield f"the run recorded {told:.4%} as {key}, its predictions give {value:.4%}"


def image_problems(results: Results, rows: Mapping[str, Row]) -> list[str]:
    """Runs whose test images or labels are not those of the other runs on the same data."""
    seen: dict[str, dict[str, str]] = defaultdict(dict)
    for run in rows:
        fingerprint = str(results.record(run).data.get("fingerprint", ""))
        seen[fingerprint][run] = tally(results, run).images
    problems = []
    for digests in seen.values():
        usual, _ = Counter(digests.values()).most_common(1)[0]
        model = next(run for run, digest in digests.items() if digest == usual)
        problems += [
            f"{where(rows[run])} ({run}): its test images, or their order or labels, are not those of {model}"
            for run, digest in digests.items()
            if digest != usual
        ]
    return problems


def training_problems(results: Results, rows: Mapping[str, Row]) -> list[str]:
    """Where a record is not of the run that it stands for, of its history, its weights or its layers."""
    return [
        f"{where(row)} ({run}): {problem}"
        for run, row in rows.items()
        for problem in (
            *_identity(results, run),
            *_epochs(results, run),
            *_parts(results, run),
        )
    ]


def _identity(results: Results, run: str) -> Iterator[str]:
    record = results.record(run)
    if record.id != run:
        yield f"its record is that of the run {record.id}"
    try:
        told = RunSpec.model_validate(record.spec).id
    except (ValidationError, InputError):
        yield "its recorded settings are not those of a run"
        return
    if told != run:
        yield f"its recorded settings are those of the run {told}"


def _epochs(results: Results, run: str) -> Iterator[str]:
    """Whether the history is whole, the selected epoch its best, and the predictions those of that epoch."""
    record, rows = results.record(run), results.store.history(run)
    if [row.get("epoch") for row in rows] != list(range(1, record.epochs_run + 1)):
        yield f"its history has {len(rows)} epochs of {record.epochs_run}"
        return
    column = f"validation_{record.spec.get('select', 'accuracy')}"
    values = [row.get(column) for row in rows]
    if not values or any(value is None for value in values):
        yield f"its history lacks {column}"
        return
    best = 1 + int(np.argmax(np.array(values, dtype=np.float64)))  # the first, as in training
    if best != record.selected_epoch:
        yield f"epoch {best} was best on validation, {record.selected_epoch} is recorded as selected"
        return
    again = tally(results, run).validation
    if record.spec.get("views", ("identity",))[0] == "identity" and again is not None:
        told = rows[best - 1]
        if not abs(again - told.get("validation_accuracy", again)) <= AGAIN:
            yield (
                f"its history tells {told['validation_accuracy']:.2%} on validation for epoch {best}, its "
                f"predictions give {again:.2%}"
            )


def _parts(results: Results, run: str) -> Iterator[str]:
    """Whether the weights, where they are kept, and the parameters are those that were recorded."""
    record, weights = results.record(run), results.store.file(run, "weights.safetensors")
    if weights.is_file() and sha256_file(weights) != record.weights_sha256:
        yield "weights.safetensors is not the file that was recorded"
    layers = sum(layer.parameters for layer in record.layers)
    if record.layers and layers != record.parameters:
        yield f"{record.parameters:,} parameters are recorded, its layers have {layers:,}"


def tally(results: Results, run: str) -> Tally:
    """What a run's predictions come to, each file read once; InputError where it is damaged."""
    path = results.store.file(run, "predictions.npz")
    try:
        known = path.stat()
        return _tally(path, known.st_mtime_ns, known.st_size)
    except (OSError, ValueError) as error:
        raise damaged_predictions(path, error) from None


@lru_cache(maxsize=MOST_RUNS)
def _tally(path: Path, _changed_ns: int, _size: int) -> Tally:
    found = read_npz(path)
    for name in ("test_labels_N", "test_ids_N"):
        if name not in found:
            raise ValueError(f"it has no array {name!r}")
    check_arrays(found)
    labels_N: Integers = found["test_labels_N"].astype(np.int64)
    validation = None
    if "validation_selected_VNK" in found:
        predicted_N = found["validation_selected_VNK"][0].argmax(1)
        validation = float((predicted_N == found["validation_labels_N"]).mean())
    told = [*map(str, found["test_ids_N"].tolist()), *map(str, labels_N.tolist())]
    return Tally(
        readings=frozenset(name for name in found if name.startswith("test_") and name.endswith("_VNK")),
        counts={
            epoch: _counts(found[f"test_{epoch}_VNK"], labels_N)
            for epoch in ("selected", "last")
            if f"test_{epoch}_VNK" in found
        },
        images=sha256_text("\n".join(told)),
        validation=validation,
    )


def _counts(logits_VNK: NDArray[Any], labels_N: Integers) -> dict[str, Integers] | None:
    """The confusion matrix of the first view, and of all; None where logits are not finite."""
    if not np.isfinite(logits_VNK).all():
        return None
    if not len(logits_VNK):
        return {}
    readings = {"first_view": logits_VNK[0], "all_views": softmax(logits_VNK).mean(axis=0)}
    return {
        views: confusion_matrix(labels_N, values_NK.argmax(1), values_NK.shape[1])
        for views, values_NK in readings.items()
    }
