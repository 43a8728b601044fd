"""A made-up store of the example's five experiments: the shipped files, records and predictions by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from paper_kit.core.files import write_npz, write_text
from paper_kit.core.part import Part
from paper_kit.core.plan import BASE, Plan, load_plans
from paper_kit.core.record import AuditedImage, AuditRecord, LayerRow, NearCopy, RunRecord
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord
from paper_kit.data.card import Card
from tests.analysis.fabricated import _accuracy, _history, cost
from tests.analysis.pictured import gallery, write_pictures

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("fer2013_small", "ferplus_small", "published_small", "fer2013_ablations", "fer2013_cpu")
SPLITS = {"train": 900, "validation": 150, "test": 600}  # images
CLASSES = {
    "fer2013": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "ferplus": ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    "synthetic_action_units": ("AU1", "AU2", "yaw"),
}
FIRST = {"fer2013": 0, "ferplus": 20, "synthetic_action_units": 0}  # number of the first image
TITLES = {"fer2013": "FER2013", "ferplus": "FER+", "synthetic_action_units": "Synthetic Action Units"}
STRENGTH = {  # how well a network does, by its part
    "resemotenet": 1.3, "advanced_emotenet": 1.9, "emotion_vit": 1.6, "mini_xception": 1.2,
    "resemotenet_paper": 1.0,
}  # fmt: skip
LOST = 0.45  # of the strength, where the first weights are by chance


def plans() -> tuple[Plan, ...]:
    """The plans of the five experiments, the main one first."""
    return load_plans(tuple(ROOT / "experiments" / f"{name}.toml" for name in NAMES))


def made_up(root: Path) -> Store:
    """The Store with all runs, costs of the main study's models and of another, audits and searches."""
    store, found = Store(root), plans()
    pictured = {row.reading.run.id for plan in found for row in plan.rows if row.ablation_key == BASE}
    runs = {run.id: run for plan in found for run in plan.runs}
    for place, spec in enumerate(runs.values()):
        _write(store, spec, place, pictured=spec.id in pictured and spec.seed == 0)
    for plan in (found[0], found[4]):
        for place, entry in enumerate(plan.experiment.model):
            spec = next(row.reading.run for row in plan.rows if row.model_key == entry.key)
            store.write_cost(_cost(spec, place))
    for name in ("fer2013", "ferplus"):
        store.write_audit(_audit(name))
    for place, entry in enumerate(found[0].experiment.model):
        spec = next(row.reading.run for row in found[0].rows if row.model_key == entry.key)
        store.write_tuning(_tuning(spec, entry.key, place))
    return store


def _write(store: Store, spec: RunSpec, place: int, *, pictured: bool) -> None:
    """Nothing; the Store holds a finished run."""
    random = np.random.default_rng(int(spec.id, 16))
    classes = CLASSES[spec.dataset.name]
    labels = {name: _labels(spec.dataset.name, name) for name in ("validation", "test")}
    arrays: dict[str, Any] = {}
    for name, labels_N in labels.items():
        ids_N = np.array([f"{name}/{n + FIRST[spec.dataset.name]:05d}" for n in range(len(labels_N))])
        arrays |= {f"{name}_labels_N": labels_N, f"{name}_ids_N": ids_N}
        arrays[f"{name}_selected_VNK"] = _logits(random, spec, labels_N)
    last = spec.seed == 0  # was selected, of the runs of the first seed
    arrays["test_last_VNK"] = arrays["test_selected_VNK"] if last else _logits(random, spec, labels["test"])
    store.begin(spec)
    write_npz(store.file(spec.id, "predictions.npz"), **arrays)
    if spec.task == "emotion":
        mixed = np.random.default_rng(1).normal(size=(len(classes), 16))
        features_ND = (arrays["test_selected_VNK"][0] @ mixed).astype(np.float16)
        found = {"ids_N": arrays["test_ids_N"], "labels_N": labels["test"]}
        write_npz(store.file(spec.id, "embeddings.npz"), features_ND=features_ND, **found)
    if pictured:
        write_pictures(store, spec, labels["test"], arrays["test_ids_N"], classes)
    history = _history(spec, _strength(spec), _accuracy(arrays))
    best = history[_selected(spec) - 1]
    history[spec.epochs - 2]["validation_accuracy"] -= 0.01
    best["validation_accuracy"] = _accuracy(arrays)
    write_text(store.file(spec.id, "history.jsonl"), "".join(json.dumps(row) + "\n" for row in history))
    store.write_record(_record(spec, place))


def _selected(spec: RunSpec) -> int:
    """The epoch that validation selected: another for each seed."""
    return spec.epochs - spec.seed % 2


def _strength(spec: RunSpec) -> float:
    strength = STRENGTH.get(spec.model.name, 1.0) - LOST * (spec.transfer.source == "none")
    return strength + 0.1 * (spec.mixing.probability == 0) + 0.03 * spec.seed


def _labels(dataset: str, split: str) -> np.ndarray:
    """Labels of a split, the classes in uneven shares."""
    shares_K = np.linspace(1.0, 3.0, len(CLASSES[dataset]))
    cycle = np.repeat(np.arange(len(shares_K)), np.round(4 * shares_K).astype(int))
    order = np.random.default_rng(len(cycle)).permutation(cycle)
    return np.resize(order, SPLITS[split]).astype(np.int64)


def _logits(random: np.random.Generator, spec: RunSpec, labels_N: np.ndarray) -> np.ndarray:
    """(V, N, K); images are hard for all networks of one dataset alike."""
    classes, views = len(CLASSES[spec.dataset.name]), len(spec.views)
    hard_NK = np.random.default_rng(len(labels_N) + classes).normal(size=(len(labels_N), classes))
    own_NK = 0.95 * hard_NK + 0.3 * random.normal(size=hard_NK.shape)
    own_NK[np.arange(len(labels_N)), labels_N] += _strength(spec)
    own_NK[np.arange(len(labels_N)), (labels_N + 2) % classes] += 0.5 * (labels_N % 3 == 0)
    noise_VNK = random.normal(scale=0.4, size=(views, *own_NK.shape))
    return (2 * (own_NK + noise_VNK)).astype(np.float32)


def _counts(dataset: str) -> dict[str, dict[str, int]]:
    classes = CLASSES[dataset]
    found = {split: np.bincount(_labels(dataset, split), minlength=len(classes)) for split in SPLITS}
    return {split: dict(zip(classes, map(int, each), strict=True)) for split, each in found.items()}


def _card(dataset: str) -> Card:
    return Card(
        name=dataset, title=TITLES[dataset], classes=CLASSES[dataset], licence=f"made up, of {dataset}",
        protocol="train on some images, select on others, report on test images",
        citation={"fer2013": "goodfellow2015challenges", "ferplus": "barsoum2016training"}.get(dataset, ""),
        ceiling=0.65 if dataset == "fer2013" else None, ceiling_source="accuracy of people",
        official_counts=_counts(dataset) if dataset != "synthetic_action_units" else None,
    )  # fmt: skip


def _fingerprint(dataset: str) -> str:
    return {"fer2013": "f", "ferplus": "e", "synthetic_action_units": "d"}[dataset] * 16


def _layers(spec: RunSpec) -> tuple[LayerRow, ...]:
    size = 11 + sum(map(ord, spec.model.name)) % 89  # each architecture has its own
    output = (7 if spec.dataset.name == "fer2013" else 8,)
    return (
        LayerRow(name="Stem", operation="3×3 conv, BN, ReLU", output=(16, 48, 48), parameters=176,
                 macs=331776, stage="stem"),
        LayerRow(name="Block 1", operation="1 × residual block, stride 1", output=(32, 24, 24),
                 parameters=900 * size, macs=80_000 * size, stage="trunk"),
        LayerRow(name="Block 2", operation="2 × residual block, stride 1", output=(32, 24, 24),
                 parameters=1700 * size, macs=70_000 * size, stage="trunk"),
        LayerRow(name="Pooling", operation="global average pooling", output=(32, 1, 1), parameters=0, macs=0,
                 stage="head"),
        LayerRow(name="Classifier", operation="linear", output=output, parameters=231, macs=224,
                 stage="head"),
    )  # fmt: skip


def _cost(spec: RunSpec, place: int) -> Any:
    """A made-up cost whose sizes are those of the layers."""
    layers = _layers(spec)
    parameters, macs = sum(row.parameters for row in layers), sum(row.macs for row in layers)
    made = cost(spec, place, 7)
    return made.model_copy(update={"parameters": parameters, "macs": float(macs), "flops": 2.0 * macs})


def _record(spec: RunSpec, place: int) -> RunRecord:
    dataset, layers = spec.dataset.name, _layers(spec)
    made = [*json.loads(str(gallery()["settings"]))]
    packages = {"timm": "1.0.20", "paper_kit": "0.1.0", "numpy": "2.0"}
    return RunRecord(
        id=spec.id, spec=spec.full(), engine=1, metrics={}, selected_epoch=_selected(spec),
        epochs_run=spec.epochs, parameters=sum(row.parameters for row in layers), classes=CLASSES[dataset],
        card=_card(dataset).as_dict(), transforms=tuple(made), layers=layers, weights_sha256="0" * 64,
        data={"fingerprint": _fingerprint(dataset), "counts": _counts(dataset), "dropped": 0},
        seconds=61.5 + 17 * place,
        environment={
            "python": "3.11.7", "torch": "2.9.0", "device": "cpu", "device_name": "Test CPU",
            "threads": 1 + place % 2, "platform_os": "Linux", "packages": packages,
        },
    )  # fmt: skip


def _audit(dataset: str) -> AuditRecord:
    """Copies of some test images, exact and near, and a conflict of labels."""

    def image(split: str, place: int, label: str = "fear") -> AuditedImage:
        return AuditedImage(split=split, id=f"{split}/{place + FIRST[dataset]:05d}", label=label)

    conflict = (image("train", 5), image("test", 5, "disgust"))
    return AuditRecord(
        dataset=Part(name=dataset), fingerprint=_fingerprint(dataset), counts=_counts(dataset),
        blank=(image("test", 99),),
        copies=(*((image("train", n), image("test", n)) for n in range(4)), conflict), conflicts=(conflict,),
        near=tuple(NearCopy(image=image("test", n), partner=image("train", n), score=0.99) for n in (3, 7)),
    )  # fmt: skip


def _tuning(spec: RunSpec, model: str, place: int) -> TuningRecord:
    """A grid over the learning rate, of another for each model, and one over the weight decay."""
    rates = tuple(spec.optim.lr * factor for factor in (1.0, 0.5, 2.0))
    searches = (_search("optim.lr", rates, place), _search("optim.weight_decay", (0.05, 0.005, 0.5), place))
    return TuningRecord(
        experiment="fer2013_small", model=model, spec=spec.full(), parameters=9, searches=searches
    )


def _search(field: str, values: tuple[float, ...], place: int) -> SearchRecord:
    """A grid whose first value is the file's own."""
    trials = tuple(
        TrialRow(
            number=number, params={field: value}, settings={field: value} if number else {},
            own=not number, state="complete", value=reached, accuracy=reached, epochs=3, seconds=1.0,
        )
        for number, value in enumerate(values)
        for reached in [0.5 + 0.03 * place - 0.01 * number]
    )  # fmt: skip
    own = trials[0].accuracy or 0.0
    noise = 1.959963984540054 * (own * (1 - own) / SPLITS["validation"]) ** 0.5
    return SearchRecord(
        kind="grid", fields=(field,), grid={field: values}, trials_planned=3, epochs=3, train_fraction=0.5,
        seed=0, sampler_seed=0, select="accuracy", validation_images=SPLITS["validation"], trials=trials,
        noise=noise, verdict="kept", command="paperkit tune", ended_at="2026-01-02T03:04:05+00:00",
        fingerprint=_fingerprint("fer2013"),
    )  # fmt: skip
