"""A study of any number of finished runs, made up: the quick study's models, ablations and source runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit
from numpy.typing import NDArray

from paper_kit.core.files import write_npz
from paper_kit.core.part import code_hashes
from paper_kit.core.plan import Plan, load_plans
from paper_kit.core.record import CostRecord, LayerRow, RunRecord
from paper_kit.core.spec import ENGINE, RunSpec
from paper_kit.core.store import Store
from paper_kit.data.card import Card

REPOSITORY = Path(__file__).resolve().parents[1]
NAME = "many"
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
EMBEDDED = 2000  # images, as a run keeps them
STRENGTH = {"resemotenet": 1.5, "advanced_emotenet": 2.0, "emotion_vit": 1.7}  # of the label's logit
RUNS_A_SEED = 15  # of the quick study: three models, each a source run, the base and three ablations
Arrays = dict[str, NDArray[Any]]


def study(folder: Path, runs: int, images: int, *, predictions: bool = True) -> Plan:
    """The plan of a study in `folder` whose at least `runs` runs are done; the test set has `images` images.

    Without `predictions` the runs have specs, histories and records only.
    """
    for name in ("paper", "templates"):
        ignored = shutil.ignore_patterns("examples", "build")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    file = folder / "experiments" / f"{NAME}.toml"
    file.parent.mkdir()
    file.write_text(experiment(-(-runs // RUNS_A_SEED), images), encoding="utf-8")
    (plan,) = load_plans((file,))
    store = Store(folder / "experiments" / "runs")
    templates: dict[str, RunRecord] = {}
    for run in plan.runs:
        reached = write_arrays(store, run, images) if predictions else 0.6
        write_run(store, run, images, templates, reached)
    for place, model in enumerate(plan.experiment.model):
        store.write_cost(
            cost(next(row.reading.run for row in plan.rows if row.model_key == model.key), place)
        )
    return plan


def experiment(seeds: int, images: int) -> str:
    """The quick study's file with so many seeds and test images."""
    told = tomlkit.parse((REPOSITORY / "experiments" / "quick.toml").read_text(encoding="utf-8"))
    told["seeds"] = list(range(seeds))
    told["base"]["dataset"]["test"] = images  # type: ignore[index]
    return tomlkit.dumps(told)


def write_run(
    store: Store, run: RunSpec, images: int, templates: dict[str, RunRecord], reached: float
) -> None:
    """Nothing; spec, history and record lie in the run's folder, as large as real ones.

    `reached` is the accuracy on validation of the selected epoch. The files are not synced to the disk one
    by one, which real runs, hours apart, do not feel.
    """
    folder, spec = store.folder(run.id), run.full()
    folder.mkdir(parents=True, exist_ok=True)
    kind = f"{run.task} {run.model.name}"
    if kind not in templates:
        templates[kind] = record(run, images)
    made = templates[kind].model_dump(mode="json") | {"id": run.id, "spec": spec}
    lines = "".join(json.dumps(row) + "\n" for row in history(run, reached))
    for name, text in (("spec.json", _json(spec)), ("history.jsonl", lines), ("record.json", _json(made))):
        (folder / name).write_text(text, encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def record(run: RunSpec, images: int) -> RunRecord:
    """The record of a run, with as many layers, transforms and files of code as a real one has."""
    card = Card(
        name="synthetic_faces", title="Synthetic Faces", classes=CLASSES, protocol="train, validation, test",
        licence="MIT", redistributable=True, synthetic=True,
    )  # fmt: skip
    sizes = {"train": 2400, "validation": images // 2}
    counts = {split: dict.fromkeys(CLASSES, size // len(CLASSES)) for split, size in sizes.items()}
    labels_N = labels(images)
    counts["test"] = {name: int((labels_N == k).sum()) for k, name in enumerate(CLASSES)}
    stages = [(f"Stage {n}", "2 x residual block, 3x3, batch norm, ReLU", 24_000 + n) for n in range(12)]
    layers = tuple(
        LayerRow(name=n, operation=o, output=(16, 24, 24), parameters=p, macs=9 * p, stage="body")
        for n, o, p in stages
    )
    return RunRecord(
        id=run.id, spec=run.full(), engine=ENGINE, metrics={}, selected_epoch=run.epochs,
        epochs_run=run.epochs, parameters=sum(layer.parameters for layer in layers), classes=CLASSES,
        card=card.as_dict(), data={"fingerprint": "f" * 16, "counts": counts, "dropped": 0},
        transforms=tuple(
            {"name": name, "probability": 0.5, "parameters": {"fraction": 0.1}}
            for name in ("rotate", "shift", "scale", "flip", "brightness", "contrast", "erase", "mixup")
        ),
        layers=layers, weights_sha256="0" * 64, seconds=61.5,
        environment={
            "python": "3.11.7", "torch": "2.9.0", "device": "cpu", "device_name": "Made up", "threads": 1,
            "platform_os": "Linux", "packages": {"timm": "1.0.20", "numpy": "2.0", "pydantic": "2.14"},
        },
        code=code_hashes("model", run.model.name) | code_hashes("dataset", run.dataset.name),
    )  # fmt: skip


def history(run: RunSpec, reached: float) -> list[dict[str, float]]:
    """A row an epoch; the last one is the best and reaches that accuracy on validation."""
    random = np.random.default_rng([int(run.id, 16), 1])
    rows = []
    for epoch in range(1, run.epochs + 1):
        gain = 1 - np.exp(-4 * epoch / run.epochs)
        noise = float(random.normal(scale=0.002))
        rows.append(
            {
                "epoch": epoch, "lr": 1e-3, "train_loss": 2 - gain + noise,
                "train_accuracy": 0.15 + 0.6 * gain,
                "seconds": 1.5, "images_per_second": 900.0, "trainable_parameters": 1000, "amp_scale": 1.0,
                "skipped_steps": 0, "nonfinite": 0, "validation_loss": 2.05 - 0.8 * gain + noise,
                "validation_accuracy": reached * epoch / run.epochs,
                "validation_macro_f1": 0.1 + 0.5 * gain,
            }
        )  # fmt: skip
    return rows


def labels(images: int) -> NDArray[np.int64]:
    """Labels of as many images."""
    return np.array([(n * n + n // 3) % len(CLASSES) for n in range(images)], dtype=np.int64)


def write_arrays(store: Store, run: RunSpec, images: int) -> float:
    """The accuracy on validation; the run has predictions, and embeddings if its seed is the first."""
    random = np.random.default_rng(int(run.id, 16))
    strength = STRENGTH[run.model.name] - 0.25 * (not run.mixing.probability) - 0.1 * (not run.loss.gamma)
    strength -= 0.4 * (run.transfer.source == "none")
    arrays: Arrays = {}
    for split, size in (("test", images), ("validation", images // 2)):
        labels_N = labels(size)
        arrays |= {
            f"{split}_labels_N": labels_N,
            f"{split}_ids_N": np.array([f"{n:05d}" for n in range(size)]),
        }
        for epoch in ("selected", "last") if split == "test" else ("selected",):
            arrays[f"{split}_{epoch}_VNK"] = logits(random, labels_N, strength, len(run.views))
    write_npz(store.file(run.id, "predictions.npz"), **arrays)
    if run.seed == 0 and run.task == "emotion":
        kept = slice(min(EMBEDDED, images))
        mixed_DK = np.random.default_rng(1).normal(size=(64, len(CLASSES)))
        features_ND = (arrays["test_selected_VNK"][0] @ mixed_DK.T)[kept].astype(np.float16)
        known = {f"{name}_N": arrays[f"test_{name}_N"][kept] for name in ("ids", "labels")}
        write_npz(store.file(run.id, "embeddings.npz"), features_ND=features_ND, **known)
    right_N = arrays["validation_selected_VNK"][0].argmax(axis=1) == arrays["validation_labels_N"]
    return float(right_N.mean())


def logits(
    random: np.random.Generator, labels_N: NDArray[np.int64], strength: float, views: int
) -> NDArray[np.float32]:
    """Logits VNK that are right the more often the larger `strength` is."""
    shape = (views, len(labels_N), len(CLASSES))
    logits_VNK = random.normal(size=shape[1:]) + random.normal(scale=0.4, size=shape)
    logits_VNK[:, np.arange(len(labels_N)), labels_N] += strength
    return (2 * logits_VNK).astype(np.float32)


def cost(run: RunSpec, place: int) -> CostRecord:
    """A made-up cost of the model at this place of the study."""
    times = dict.fromkeys(
        ("latency_p50_ms", "latency_p95_ms", "latency_tta_p50_ms", "latency_tta_p95_ms"), 2.3 * (place + 1)
    )
    return CostRecord(
        model=run.model, image_size=run.image_size, channels=run.channels, classes=len(CLASSES),
        batch_size=run.batch_size, precision=run.precision, views=run.views, device="Made up", threads=1,
        torch="2.9.0", parameters=288_000, file_mb=1.2, flops=2e7 * (place + 1), macs=1e7 * (place + 1),
        epoch_images=2400, epoch_seconds=1.5, epoch_steps_timed=20, peak_train_mb=400.0,
        peak_inference_mb=200.0, memory_meter="rss", throughput_64=1000.0, **times,
    )  # fmt: skip
