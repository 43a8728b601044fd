"""Made-up studies that tell a chosen story: what helps, who wins and which class is best."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from paper_kit.analysis.results import Results, collect
from paper_kit.core.files import write_npz, write_text
from paper_kit.core.paper import Paper
from paper_kit.core.plan import plan
from paper_kit.core.store import Store
from paper_kit.render.manuscript import Typeset, load_manuscript, typeset
from paper_kit.render.material import material
from paper_kit.render.seal import Stamp, stamped
from paper_kit.render.venue import load_venue
from tests.analysis.fabricated import CLASSES, _accuracy, _history, _record, cost, experiment
from tests.render.small import TEMPLATES, drawn

EACH = 900  # test images of a class
EFFECTS = {"harm": -0.08, "gain": 0.08, "noise": 0.0, "nothing": 0.0}


def study(
    root: Path,
    *,
    seeds: int,
    removal: str = "harm",
    even: bool = False,
    margin: float = 1.0,
    lean: float = 0.0,
    counted: str = "holds",
) -> Results:
    """The results of a study in which removing any technique does harm, gains, is noise, or changes nothing.

    `even`: the models, the classes and the errors are all alike; else each differs clearly from the next.
    `lean` is what EmotionViT changes further without transfer; `counted` what becomes of claims on counts.
    """
    plans, store = (plan(experiment(seeds=range(seeds))),), Store(root)
    models = [entry.key for entry in plans[0].experiment.model]
    for row in plans[0].rows:
        if row.ablation_key == "no_tta":
            continue
        place = models.index(row.model_key)
        base = 0.5 + (0.0 if even else 0.1 * (place - 1))
        change = 0.0 if row.ablation_key == "base" else EFFECTS[removal]
        change += lean * ((row.model_key, row.ablation_key) == ("emotion_vit", "no_transfer"))
        removed = "" if row.ablation_key == "base" or removal == "nothing" else row.ablation_key
        _write(store, row.reading.run, base + change, change_of_view(removal), even, removed, removal)
    for place, row in enumerate(row for row in plans[0].rows if row.ablation_key == "base" and row.seed == 0):
        update = {"saved_amp_mib": {"holds": 70.0, "reversed": 150.0, "undecided": 120.0}[counted]}
        update |= {"macs": 30e6} if counted == "undecided" else {}
        store.write_cost(cost(row.reading.run, place, len(CLASSES)).model_copy(update=update))
    return collect(plans, store, margin_points=margin)


def change_of_view(removal: str) -> float:
    """What reading the plain image alone changes."""
    return EFFECTS[removal]


def printed(results: Results, paper: Paper | None = None) -> Typeset:
    """The shipped manuscript with these results."""
    venue = load_venue(TEMPLATES, "ieeetran")
    made = replace(material(results, venue.figure_style()), figure=lambda _name, _options: drawn())
    made = stamped(made, Stamp("0" * 16))
    shipped = load_manuscript(TEMPLATES, paper or Paper())
    words = {**shipped.templates, "sections/appendix/provenance.tex": ""}
    return typeset(replace(shipped, templates=words), made, venue)


def _write(
    store: Store, spec, accuracy: float, view_change: float, even: bool, removed: str, removal: str
) -> None:
    labels = np.repeat(np.arange(len(CLASSES)), EACH)
    ids = np.array([f"test/{n:05d}" for n in range(len(labels))])
    # One order of difficulty for all networks, stirred by the seed and, for noise, by what was removed.
    stir = 0.05 if removal == "noise" else 0.002
    random = np.random.default_rng([spec.seed, sum(map(ord, removed))])
    difficulty = np.tile(np.linspace(0.005, 0.995, EACH), len(CLASSES))
    if removed or removal == "noise":
        difficulty = difficulty + random.normal(scale=stir, size=len(labels))
    difficulty = difficulty + np.random.default_rng([spec.seed, 99]).normal(scale=0.002, size=len(labels))
    wanted = accuracy + (0 if even else 0.12 * (labels - 3))
    base = _predicted(labels, difficulty < wanted, even)
    noisy = difficulty + (random.normal(scale=stir, size=len(labels)) if removal == "noise" else 0)
    plain = base if removal == "nothing" else _predicted(labels, noisy < wanted + view_change, even)
    logits = np.stack([_logits(plain, 1.0), _logits(base, 12.0)]).astype(np.float32)
    arrays = {f"{name}_labels_N": labels for name in ("test", "validation")}
    arrays |= {f"{name}_ids_N": ids for name in ("test", "validation")}
    arrays |= {f"{name}_VNK": logits for name in ("test_selected", "test_last", "validation_selected")}
    store.begin(spec)
    write_npz(store.file(spec.id, "predictions.npz"), **arrays)
    features = np.random.default_rng(1).normal(size=(len(labels), 16)).astype(np.float16)
    write_npz(store.file(spec.id, "embeddings.npz"), features_ND=features, ids_N=ids, labels_N=labels)
    write_text(
        store.file(spec.id, "history.jsonl"),
        "".join(json.dumps(row) + "\n" for row in _history(spec, 1.5, _accuracy(arrays))),
    )
    store.write_record(_record(spec, CLASSES, len(labels), None))


def _predicted(labels: np.ndarray, right: np.ndarray, even: bool) -> np.ndarray:
    """The label where right; else another class: each in turn, or mostly the next one of class 0."""
    shift = 1 + np.arange(len(labels)) % (len(CLASSES) - 1)
    if not even:
        shift = np.where((labels == 0) & (np.arange(len(labels)) % 8 > 0), 1, shift)
    return np.where(right, labels, (labels + shift) % len(CLASSES))


def _logits(predicted: np.ndarray, size: float) -> np.ndarray:
    return size * np.eye(len(CLASSES))[predicted]
