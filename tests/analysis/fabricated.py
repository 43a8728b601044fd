"""A Store with made-up runs, written through the core's own classes: for tests that need no training."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from paper_kit.core.experiment import Experiment
from paper_kit.core.files import write_npz, write_text
from paper_kit.core.part import Part
from paper_kit.core.plan import Plan, plan
from paper_kit.core.record import (
    PROTOCOL,
    AuditedImage,
    AuditRecord,
    CostRecord,
    Latency,
    LayerRow,
    NearCopy,
    RunRecord,
)
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store
from paper_kit.data.card import Card
from tests.analysis.pictured import write_pictures

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FINGERPRINT = "f" * 16
NASTY = ("50% & _weird_ #1 \\input{x}", "$x$ ^ ~ <b>", "{", "Ärger", "a|b", "100 %", "neutral")
MODELS = {
    "resemotenet": ("ResEmoteNet", {"name": "resemotenet", "width": 16}, 1.1),
    "advanced_emotenet": ("AdvancedEmoteNet", {"name": "advanced_emotenet"}, 1.9),
    "emotion_vit": ("EmotionViT", {"name": "emotion_vit"}, 1.5),
}
MANY = {  # nine more, so that a study can have twelve
    f"variant_{place}": (
        f"ResEmoteNet variant {place}",
        {"name": "resemotenet", "width": 16 + 8 * place},
        0.8 + 0.1 * place,
    )
    for place in range(1, 10)
}
MANY_CLASSES = (  # thirty expressions, some with long names, as compound emotions have them
    *CLASSES, "contempt", "happily surprised", "happily disgusted", "sadly fearful", "sadly angry",
    "sadly surprised", "sadly disgusted", "fearfully angry", "fearfully surprised", "fearfully disgusted",
    "angrily surprised", "angrily disgusted", "disgustedly surprised", "appalled", "hatred", "awed", "bored",
    "confused", "amused", "embarrassed", "proud", "relieved", "ashamed",
)  # fmt: skip
ABLATIONS = [
    {"key": "no_transfer", "label": "w/o transfer learning", "set": {"optim.layer_decay": 0.9}},
    {"key": "no_mixing", "label": "w/o mixup/CutMix", "set": {"mixing.probability": 0.0}},
    {"key": "no_focal", "label": "w/o focal loss", "set": {"loss.gamma": 0.0}},
    {"key": "no_tta", "label": "w/o TTA", "reading": {"views": ["identity"]}},
]


def experiment(*, seeds: Iterable[int] = (0,), models: int = 3, name: str = "fabricated") -> Experiment:
    """An experiment of the first `models` models with the four ablations of the outline."""
    entries = [
        {"key": k, "label": label, "part": part}
        for k, (label, part, _) in list((MODELS | MANY).items())[:models]
    ]
    entries[0] = {**entries[0], "set": {"optim.lr": 0.0005}}
    base = {
        "dataset": "synthetic_faces",
        "epochs": 6,
        "mixing": {"mixup_alpha": 0.2, "cutmix_alpha": 1.0, "probability": 0.5},
        "loss": {"gamma": 2.0},
        "augment": {"flip": 0.5},
    }
    return Experiment.model_validate(
        {
            "name": name,
            "question": "Does it work?",
            "seeds": list(seeds),
            "base": base,
            "reading": {"views": ["identity", "flip"]},
            "model": entries,
            "ablation": ABLATIONS,
        }
    )


def fabricate(
    root: Path,
    *,
    seeds: Iterable[int] = (0,),
    models: int = 3,
    images: int = 200,
    classes: tuple[str, ...] = CLASSES,
    absent: int | None = None,
    not_finite: bool = False,
    finished: bool = True,
    costs: bool = True,
    audited: bool = True,
) -> tuple[tuple[Plan, ...], Store]:
    """A plan and its Store; `absent` is a class without test images, `not_finite` losses that are NaN."""
    plans, store = (plan(experiment(seeds=seeds, models=models)),), Store(root)
    for spec in plans[0].runs if finished else ():
        write_run(store, spec, images=images, classes=classes, absent=absent, not_finite=not_finite)
    if costs and finished:
        for place, entry in enumerate(plans[0].experiment.model):
            spec = next(row.reading.run for row in plans[0].rows if row.model_key == entry.key)
            store.write_cost(cost(spec, place, len(classes)))
    if audited and finished:
        store.write_audit(audit(exact=(0, 3), near=(3, 7), images=images))
    return plans, store


def write_run(
    store: Store,
    spec: RunSpec,
    *,
    images: int,
    classes: tuple[str, ...] = CLASSES,
    absent: int | None = None,
    not_finite: bool = False,
) -> None:
    """Nothing; the Store holds a finished run whose accuracy depends on its model and ablation."""
    random = np.random.default_rng(int(spec.id, 16))
    strength = _strength(spec.model)
    strength -= 0.25 * (spec.mixing.probability == 0) + 0.4 * (spec.optim.layer_decay < 1)
    test, validation = (
        _split(images, len(classes), absent, "test"),
        _split(images // 2, len(classes), absent, "val"),
    )
    arrays = {}
    for name, (labels, ids) in (("test", test), ("validation", validation)):
        arrays |= {f"{name}_labels_N": labels, f"{name}_ids_N": ids}
        for epoch in ("selected", "last") if name == "test" else ("selected",):
            arrays[f"{name}_{epoch}_VNK"] = _logits(random, labels, len(classes), strength, len(spec.views))
    store.begin(spec)
    write_npz(store.file(spec.id, "predictions.npz"), **arrays)
    features = arrays["test_selected_VNK"][0] @ np.random.default_rng(1).normal(size=(len(classes), 16))
    write_npz(
        store.file(spec.id, "embeddings.npz"),
        features_ND=features.astype(np.float16),
        ids_N=test[1],
        labels_N=test[0],
    )
    history = _history(spec, strength, _accuracy(arrays))
    if not_finite:
        history[1]["train_loss"] = history[-1]["validation_loss"] = float("nan")
    write_text(store.file(spec.id, "history.jsonl"), "".join(json.dumps(row) + "\n" for row in history))
    write_pictures(store, spec, *test, classes)
    store.write_record(_record(spec, classes, images, absent))


def _strength(model: Part) -> float:
    """How well a model does: that of its own entry, else that of the entry with its name."""
    own = [s for _, part, s in MANY.values() if part["width"] == model.arguments.get("width")]
    named = {part["name"]: s for _, part, s in MODELS.values()}[model.name]
    return own[0] if own else named


def cost(spec: RunSpec, place: int, classes: int) -> CostRecord:
    """A made-up cost of the model at this place of the study."""
    size = (0.41e6, 5.29e6, 2.7e6)[place] if place < 3 else 0.3e6 * 1.35**place
    return CostRecord(
        model=spec.model, image_size=spec.image_size, channels=spec.channels, classes=classes,
        batch_size=spec.batch_size, precision=spec.precision, views=spec.views, device="Test CPU", threads=2,
        torch="2.9.0", parameters=int(size), file_mb=size * 4 / 1e6, flops=size * 60, macs=size * 30,
        epoch_images=2000, epoch_seconds=3.1 * (place + 1), epoch_steps_timed=20, peak_train_mb=410.0 + place,
        peak_inference_mb=220.0, memory_meter="rss", latency_p50_ms=2.31 * (place + 1),
        latency_p95_ms=3.02 * (place + 1), latency_tta_p50_ms=4.4 * (place + 1),
        latency_tta_p95_ms=5.2 * (place + 1),
        throughput_64=1250.0 / (place + 1), environment={"device_name": "Test CPU"},
        saved_fp32_mib=120.0, saved_amp_mib=70.0,
        step_fp32_ms=30.0, step_amp_ms=20.0, step_amp_format="bf16", steps_compared=9,
        protocol=PROTOCOL, warm_up=3, alone=True, busy_share=0.011, energy_meter="rapl",
        energy_inference_j=3.2 * (place + 1), energy_epoch_j=410.0 * (place + 1),
        latencies=latencies(spec, place),
    )  # fmt: skip


def latencies(spec: RunSpec, place: int) -> tuple[Latency, ...]:
    """Made-up timings of one image and of a batch, in FP32 and under AMP, with TTA and without."""
    return tuple(
        Latency(batch=batch, precision=precision, tta=tta, p50_ms=ms, p95_ms=1.3 * ms, calls=20 + place)
        for batch in (1, 64)
        for precision, slower in (("fp32", 1.0), ("bf16", 1.4))
        for tta in ((False, True) if len(spec.views) > 1 else (False,))
        for ms in [2.31 * (place + 1) * slower * (1.9 if tta else 1.0) * (1 + batch / 3)]
    )


def audit(exact: Iterable[int] = (), near: Iterable[int] = (), images: int = 200) -> AuditRecord:
    """A made-up audit: test images at the places `exact` stand in train too, those at `near` nearly."""

    def image(split: str, place: int) -> AuditedImage:
        return AuditedImage(split=split, id=f"{split}/{place:05d}", label="angry")

    return AuditRecord(
        dataset=Part(name="synthetic_faces"),
        fingerprint=FINGERPRINT,
        counts={"train": {"angry": 10}, "validation": {"angry": 5}, "test": {"angry": images}},
        blank=(image("test", images - 1),),
        copies=tuple((image("train", place), image("test", place)) for place in exact),
        conflicts=(),
        near=tuple(NearCopy(image=image("test", n), partner=image("train", n), score=0.99) for n in near),
    )


def _split(images: int, classes: int, absent: int | None, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    present = [k for k in range(classes) if k != absent]
    turns = [7 * n if len(present) > 10 else n * n + n // 3 for n in range(images)]  # all of many classes
    labels = np.array([present[turn % len(present)] for turn in turns], dtype=np.int64)
    return labels, np.array([f"{prefix}/{n:05d}" for n in range(images)])


def _logits(
    random: np.random.Generator, labels: np.ndarray, classes: int, strength: float, views: int
) -> np.ndarray:
    shared = random.normal(size=(len(labels), classes))
    shared[np.arange(len(labels)), labels] += strength
    shared[np.arange(len(labels)), (labels + 2) % classes] += 0.4 * (labels % 3 == 0)
    noise = random.normal(scale=0.4, size=(views, *shared.shape))
    return (2 * (shared + noise)).astype(np.float32)


def _accuracy(arrays: dict[str, np.ndarray]) -> float:
    """What the first view of the selected epoch reaches on validation."""
    return float((arrays["validation_selected_VNK"][0].argmax(1) == arrays["validation_labels_N"]).mean())


def _history(spec: RunSpec, strength: float, reached: float) -> list[dict[str, float]]:
    """A row an epoch; the last but one, which _record calls selected, is the best and reaches `reached`."""
    rows = []
    best = 1 - np.exp(-(spec.epochs - 1) * strength / 4)
    for epoch in range(1, spec.epochs + 1):
        gain = 1 - np.exp(-epoch * strength / 4)
        wobble = 0.01 * np.sin(7 * epoch + spec.seed)
        rows.append(
            {
                "epoch": epoch, "lr": 1e-3, "train_loss": 2 - gain, "train_accuracy": 0.15 + 0.6 * gain,
                "validation_loss": 2.05 - 0.8 * gain + wobble,
                "validation_accuracy": min(reached, reached * gain / best) - 0.02 * (epoch == spec.epochs),
                "validation_macro_f1": 0.1 + 0.5 * gain, "seconds": 1.5, "images_per_second": 900.0,
                "trainable_parameters": 1000,
            }
        )  # fmt: skip
    return rows


def _record(spec: RunSpec, classes: tuple[str, ...], images: int, absent: int | None) -> RunRecord:
    card = Card(
        name="synthetic_faces", title="Synthetic Faces", classes=classes, protocol="train, validation, test",
        licence="MIT", redistributable=True, synthetic=True,
    )  # fmt: skip
    counts = {
        split: {name: size + 10 * k for k, name in enumerate(classes)}
        for split, size in (("train", 300), ("validation", 40))
    }
    labels, _ = _split(images, len(classes), absent, "test")
    counts["test"] = {name: int((labels == k).sum()) for k, name in enumerate(classes)}
    layers = (
        LayerRow(
            name="stem",
            operation="3x3 conv, BN, ReLU",
            output=(16, 48, 48),
            parameters=176,
            macs=331776,
            stage="stem",
        ),
        LayerRow(
            name="pool", operation="global average pool", output=(16,), parameters=0, macs=0, stage="head"
        ),
        LayerRow(
            name="head",
            operation="linear",
            output=(len(classes),),
            parameters=409_824,
            macs=112,
            stage="head",
        ),
    )
    return RunRecord(
        id=spec.id, spec=spec.full(), engine=1, metrics={}, selected_epoch=spec.epochs - 1,
        epochs_run=spec.epochs,
        parameters=sum(layer.parameters for layer in layers), classes=classes, card=card.as_dict(),
        data={"fingerprint": FINGERPRINT, "counts": counts, "dropped": 0},
        transforms=({"name": "flip", "probability": 0.5, "parameters": {}},), layers=layers,
        weights_sha256="0" * 64, seconds=61.5,
        environment={
            "python": "3.11.7", "torch": "2.9.0", "device": "cpu", "device_name": "Test CPU", "threads": 2,
            "platform_os": "Linux", "packages": {"timm": "1.0.20", "paper_kit": "0.1.0", "numpy": "2.0"},
        },
    )  # fmt: skip
