"""Made-up saliency maps and galleries beside fabricated runs, as a run and `paperkit explain` leave them."""

from __future__ import annotations

import json
from functools import cache

import numpy as np

from paper_kit.core.files import write_npz
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import GALLERY, SALIENCY, Store
from paper_kit.data.drawn import drawn_faces, fingerprint
from paper_kit.data.sources.synthetic_faces import CARD

SEED = 11
STEPS = ("rotate", "flip", "erase")

faces_of = cache(drawn_faces)


def write_pictures(
    store: Store, spec: RunSpec, labels_N: np.ndarray, ids_N: np.ndarray, classes: tuple[str, ...]
) -> None:
    """Nothing; the run has maps of two test images a class and of drawn faces, and a gallery."""
    random = np.random.default_rng(int(spec.id, 16))
    rollout = spec.model.name == "emotion_vit"
    chosen = np.concatenate([np.flatnonzero(labels_N == k)[:2] for k in range(len(classes))])
    faces = faces_of(classes, 1, SEED)
    drawn = np.array([label for label, found in enumerate(faces) if found], dtype=np.int64)

    def maps(count: int) -> np.ndarray:
        return random.random((count, 1 if rollout else 2, 4, 4)).astype(np.float16)

    write_npz(
        store.file(spec.id, SALIENCY),
        ids_N=ids_N[chosen], labels_N=labels_N[chosen], maps_NThw=maps(len(chosen)),
        predicted_N=(labels_N[chosen] + np.arange(len(chosen)) % 2) % len(classes),
        method=np.array("attention rollout" if rollout else "Grad-CAM"), layer=np.array("fusion"),
        targets_T=np.array(["any"] if rollout else ["predicted", "label"]),
        covers_4=np.array([0.0, 0.0, 1.0, 1.0]),
        drawn_labels_N=drawn, drawn_maps_NThw=maps(len(drawn)), drawn_predicted_N=drawn,
        drawn_seed=np.array(SEED), drawn_fingerprint=np.array(fingerprint(faces)), reason=np.array(""),
    )  # fmt: skip
    write_npz(store.file(spec.id, GALLERY), **gallery())


def gallery() -> dict[str, np.ndarray]:
    """A gallery of two faces, three steps, and one mixture of each kind."""
    pictures = np.stack([found[0] for found in faces_of(("happy", "surprise", "sad"), 1, SEED)])
    steps = [{"name": name, "probability": 0.5, "parameters": {}} for name in STEPS]
    mixes = [
        {"name": name, "probability": 0.25, "parameters": {"alpha": 1.0}} for name in ("mixup", "cutmix")
    ]
    weights = np.zeros((2, 7), np.float32)
    weights[:, CARD.classes.index("happy")], weights[:, CARD.classes.index("sad")] = 0.63, 0.37
    return {
        "steps_RSHW": np.repeat(pictures[:2, None], 4, axis=1),
        "steps_S": np.array(["original", *STEPS]),
        "faces_R": np.array(["happy", "surprise"]),
        "settings": np.array(json.dumps([*steps, *mixes])),
        "pair_2HW": pictures[[0, 2]],
        "pair_2": np.array(["happy", "sad"]),
        "mixed_MHW": pictures[:2],
        "weights_MK": weights,
        "mixed_M": np.array(["mixup", "cutmix"]),
        "classes_K": np.array(CARD.classes),
        "visible_2": np.array([0.2, 0.8]),
    }
