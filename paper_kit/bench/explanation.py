"""What a run leaves beside its predictions to be looked at: saliency maps and a gallery of its transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from paper_kit.bench.examples import Examples
from paper_kit.bench.gallery import gallery
from paper_kit.bench.pixels import Normalisation, Preparation
from paper_kit.bench.saliency import NoMap, Saliency, saliency
from paper_kit.core.files import write_npz
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import GALLERY, SALIENCY, Store
from paper_kit.data.drawn import drawn_faces, fingerprint

SEED = 0  # test images are chosen by their labels and this, the same for all models and seeds
DRAWN_SEED = 11
MOST_FACES = 128
MOST_PER_CLASS = 16


def write_saliency(
    store: Store,
    spec: RunSpec,
    model: nn.Module,
    prepare: Preparation,
    test: Examples,
    classes: tuple[str, ...],
) -> str:
    """Why the model has no maps, which its saliency.npz then says; "" where the file holds them."""
    rows = chosen(test.labels.cpu().numpy(), len(classes))
    arrays: dict[str, NDArray[Any]] = {
        "ids_N": test.ids[rows],
        "labels_N": test.labels.cpu().numpy()[rows],
    }
    reason = ""
    try:
        found = saliency(model, prepare(test.pixels.rows(rows)), arrays["labels_N"])
        arrays |= _kept(found, "") | _of_drawn_faces(model, prepare, test, classes)
    except NoMap as why:
        reason = str(why)
    except RuntimeError as error:  # a user's model may do what hooks or gradients cannot follow
        reason = f"not recorded: {str(error).partition(chr(10))[0]}"
    write_npz(store.file(spec.id, SALIENCY), **arrays, reason=np.array(reason))
    return reason


def write_gallery(store: Store, spec: RunSpec, normalisation: Normalisation) -> None:
    """Nothing; gallery.npz holds drawn faces under the run's transforms."""
    write_npz(store.file(spec.id, GALLERY), **gallery(spec, normalisation))


def chosen(labels_N: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Rows of the test images that maps are made of: equally many of each class, by chance."""
    each = max(1, min(MOST_PER_CLASS, MOST_FACES // classes))
    rng = np.random.default_rng(SEED)
    return np.concatenate([rng.permutation(np.flatnonzero(labels_N == k))[:each] for k in range(classes)])


def _kept(found: Saliency, prefix: str) -> dict[str, NDArray[Any]]:
    """The maps in half precision with what was predicted, and, once, how they were made."""
    arrays: dict[str, NDArray[Any]] = {
        f"{prefix}maps_NThw": found.maps.astype(np.float16),
        f"{prefix}predicted_N": found.logits.argmax(1),
    }
    if not prefix:
        arrays |= {
            "method": np.array(found.method),
            "layer": np.array(found.layer),
            "targets_T": np.array(found.targets),
            "covers_4": np.array(found.covers),
        }
    return arrays


def _of_drawn_faces(
    model: nn.Module, prepare: Preparation, test: Examples, classes: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    """Maps of one drawn face of each class that the drawings know, for papers that may show no other."""
    faces = drawn_faces(classes, 1, DRAWN_SEED)
    labels = np.array([label for label, found in enumerate(faces) if found], dtype=np.int64)
    if not len(labels):
        return {}
    images = torch.from_numpy(np.stack([found[0] for found in faces if found]))[:, None]
    found = saliency(model, prepare(images.to(test.pixels.device)), labels)
    return _kept(found, "drawn_") | {
        "drawn_labels_N": labels,
        "drawn_seed": np.array(DRAWN_SEED),
        "drawn_fingerprint": np.array(fingerprint(faces)),
    }
