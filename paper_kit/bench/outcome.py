"""What a finished training leaves behind: predictions, embeddings, weights, and the record, written last."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from paper_kit.bench import augment, mixing
from paper_kit.bench.checkpoint import save_weights
from paper_kit.bench.environment import environment
from paper_kit.bench.evaluate import embeddings, outputs, scores
from paper_kit.bench.examples import Examples, examples
from paper_kit.bench.explanation import write_gallery, write_saliency
from paper_kit.bench.joining import parallel
from paper_kit.bench.layers import layer_table
from paper_kit.bench.training import Training
from paper_kit.core import part
from paper_kit.core.files import write_npz
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import ENGINE, RunSpec
from paper_kit.core.store import Store
from paper_kit.data.dataset import Dataset
from paper_kit.data.split import stratified_subset
from paper_kit.stats.metrics import accuracy, confusion_matrix, macro_f1, probabilities

EMBEDDED = 2000  # test images whose embeddings are kept
EMBEDDED_SEED = 0
Logits = NDArray[np.float32]


def write_outcome(t: Training, dataset: Dataset, store: Store) -> None:
    """Nothing; the run's folder is complete. The test images are seen here, and nowhere before."""
    spec = t.spec
    test = examples(dataset.split("test"), len(dataset.classes), t.device)
    last = _outputs(t, test)
    weights = t.best.weights
    if t.best.epoch != t.epoch:
        t.evaluated.load_state_dict(weights)
    arrays = {
        "test_selected_VNK": _outputs(t, test) if t.best.epoch != t.epoch else last,
        "test_last_VNK": last,
        "validation_selected_VNK": _outputs(t, t.data.validation),
    }
    for name, split in (("test", test), ("validation", t.data.validation)):
        arrays |= _known(name, split, dataset.split(name).targets is not None)
    write_npz(store.file(spec.id, "predictions.npz"), **arrays)
    if spec.task == "emotion":
        _write_embeddings(t, test, store)
        write_saliency(store, spec, t.evaluated, t.data.prepare, test, dataset.classes)
        write_gallery(store, spec, t.data.prepare.normalisation)
    digest = ""
    if spec.keep_weights:
        digest = save_weights(store.file(spec.id, "weights.safetensors"), weights)
    store.write_record(_record(t, dataset, _metrics(spec, arrays, test), digest))


def _outputs(t: Training, split: Examples) -> Logits:
    return outputs(t.evaluated, split, t.data.prepare, t.spec.precision, t.spec.views)


def _known(name: str, split: Examples, soft: bool) -> dict[str, NDArray[Any]]:
    """What predictions are compared with: labels, ids, and targets where they say more than the labels."""
    arrays: dict[str, NDArray[Any]] = {
        f"{name}_labels_N": split.labels.cpu().numpy(),
        f"{name}_ids_N": split.ids,
    }
    if soft:
        arrays[f"{name}_targets_NK"] = split.targets.cpu().numpy()
    return arrays


def _write_embeddings(t: Training, test: Examples, store: Store) -> None:
    labels = test.labels.cpu().numpy()
    rows = stratified_subset(labels, min(EMBEDDED, len(labels)), EMBEDDED_SEED)
    features = embeddings(t.evaluated, test, t.data.prepare, t.spec.precision, rows)
    limit = np.finfo(np.float16).max
    write_npz(
        store.file(t.spec.id, "embeddings.npz"),
        features_ND=features.clip(-limit, limit).astype(np.float16),
        ids_N=test.ids[rows],
        labels_N=labels[rows],
    )


def _metrics(spec: RunSpec, arrays: dict[str, NDArray[Any]], test: Examples) -> dict[str, float]:
    """Scores of the selected and the last epoch on the test images: of the first view, and of all views."""
    found: dict[str, float] = {}
    for epoch in ("selected", "last"):
        logits_VNK = arrays[f"test_{epoch}_VNK"]
        if spec.task == "action_units":
            of_first = scores(logits_VNK[0], test, spec.task)
            found |= {f"test_{name}_{epoch}": value for name, value in of_first.items()}
            continue
        for views, read in (("first_view", logits_VNK[:1]), ("all_views", logits_VNK)):
            chances_NK = probabilities(read)
            counts_KK = confusion_matrix(arrays["test_labels_N"], chances_NK.argmax(1), chances_NK.shape[1])
            found[f"test_accuracy_{epoch}_{views}"] = accuracy(counts_KK)
            found[f"test_macro_f1_{epoch}_{views}"] = macro_f1(counts_KK)
    return found


def _record(t: Training, dataset: Dataset, metrics: dict[str, float], digest: str) -> RunRecord:
    spec = t.spec
    return RunRecord(
        id=spec.id,
        spec=spec.full(),
        engine=ENGINE,
        metrics=metrics,
        selected_epoch=t.best.epoch,
        epochs_run=t.epoch,
        parameters=sum(parameter.numel() for parameter in t.model.parameters()),
        classes=dataset.classes,
        card=dataset.card.as_dict(),
        data=_data(t, dataset),
        transforms=(
            *augment.sequence(spec.augment, t.data.prepare.normalisation),
            *mixing.sequence(spec.mixing),
        ),
        layers=tuple(layer_table(t.model, spec.image_size, spec.channels)),
        weights_sha256=digest,
        seconds=round(sum(row["seconds"] for row in t.history), 3),
        environment=environment(t.device, torch.get_num_threads()),
        code=part.code_hashes("model", spec.model.name) | part.code_hashes("dataset", spec.dataset.name),
        amp={
            "precision": spec.precision,
            "last_scale": t.history[-1]["amp_scale"],
            "skipped_steps": sum(row["skipped_steps"] for row in t.history),
            "nonfinite": sum(row["nonfinite"] for row in t.history),
        },
        deviations=t.deviations,
        parallel=parallel(t),
    )


def _data(t: Training, dataset: Dataset) -> dict[str, Any]:
    """Fingerprint, images by split and class as used (train_fraction applied), images left out."""
    counts = dict(dataset.counts)
    if t.spec.task == "emotion":
        used = np.bincount(t.data.train.labels.cpu().numpy(), minlength=len(dataset.classes))
        counts["train"] = dict(zip(dataset.classes, used.tolist(), strict=True))
    return {"fingerprint": dataset.fingerprint, "counts": counts, "dropped": dataset.dropped}
