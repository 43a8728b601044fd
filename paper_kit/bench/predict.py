"""What a finished run says of images that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from paper_kit.bench.checkpoint import load_weights
from paper_kit.bench.environment import choose_device
from paper_kit.bench.evaluate import autocast
from paper_kit.bench.pixels import Normalisation, Preparation
from paper_kit.bench.run import first_model
from paper_kit.bench.tta import view
from paper_kit.core.config import study_root
from paper_kit.core.errors import InputError
from paper_kit.core.named import named_in, refuse_unnamed
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store
from paper_kit.stats.metrics import probabilities


@torch.no_grad()
def predict(
    store: Store, run_id: str, images: Sequence[NDArray[np.uint8]], device: str = "cpu"
) -> NDArray[np.float64]:
    """Probabilities_NK of uint8 images (H, W) or (H, W, 3) of any size, averaged over the run's views."""
    place = choose_device(device)
    model, prepare, spec = finished_model(store, run_id, place)
    logits: list[list[NDArray[Any]]] = []
    for image in images:
        batch = torch.from_numpy(np.array(image)).to(place)
        batch = batch[None, None] if batch.ndim == 2 else batch.permute(2, 0, 1)[None]
        with autocast(place, spec.precision):
            logits.append([model(view(prepare(batch), name))[0].float().cpu().numpy() for name in spec.views])
    return probabilities(np.array(logits).transpose(1, 0, 2))


def finished_model(store: Store, run_id: str, device: torch.device) -> tuple[nn.Module, Preparation, RunSpec]:
    """A finished run's model with its kept weights, evaluating; what prepares its images; its spec.

    InputError where the weights are not here, or no longer fit the model's code.
    """
    record = store.record(run_id)
    spec = RunSpec.model_validate(record.spec)
    path = store.file(run_id, "weights.safetensors")
    if not path.is_file():
        raise InputError(
            f"{path}: the run's weights are not here. Unpack them, or train it with keep_weights = true."
        )
    refuse_unnamed("model", spec.model.name, named_in(study_root()))
    model = first_model(spec, len(record.classes), device)
    try:
        model.load_state_dict(load_weights(path))
    except RuntimeError:
        raise InputError(
            f"{path}: these weights do not fit the model {spec.model.name!r}, whose code has changed since. "
            "Type `paperkit run-all --refresh` to train the run again."
        ) from None
    model.eval()
    return model, Preparation(spec.image_size, spec.channels, normalisation(record), spec.channels_last), spec


def normalisation(record: RunRecord) -> Normalisation:
    """The normalisation that a run was trained with."""
    step = next(step for step in record.transforms if step["name"] == "normalise")
    return Normalisation(**step["parameters"])
