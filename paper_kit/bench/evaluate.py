"""What a model says of a split: logits of each view, embeddings, and the scores of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from paper_kit.bench.examples import Examples
from paper_kit.bench.pixels import Preparation
from paper_kit.bench.ranks import ALONE, Ranks
from paper_kit.bench.tta import view
from paper_kit.stats.metrics import accuracy, confusion_matrix, macro_f1

LARGEST_BATCH = {"cpu": 64, "cuda": 512}  # more is slower on a CPU: the maps leave its cache
BATCH_PIXELS = 512 * 112 * 112  # so many places at most, so that large images fit into memory
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which a forward pass of this precision runs."""
    return torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32")


@torch.no_grad()
def outputs(
    model: nn.Module,
    data: Examples,
    prepare: Preparation,
    precision: str,
    views: Sequence[str] = ("identity",),
    ranks: Ranks = ALONE,
) -> NDArray[np.float32]:
    """Float32 logits_VNK (or regression outputs) of V views of N images; leaves the model evaluating.

    With others, each of n processes passes every n-th batch, and all get all logits.
    """

    def seen(images_NCHW: Tensor) -> Tensor:
        return torch.stack([model(view(images_NCHW, name)).float() for name in views], dim=1)

    logits_NVK = _in_batches(model, data, prepare, precision, seen, ranks=ranks)
    return np.ascontiguousarray(logits_NVK.transpose(1, 0, 2))


@torch.no_grad()
def embeddings(
    model: nn.Module, data: Examples, prepare: Preparation, precision: str, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Float32 features_ND of the images `rows`."""
    features: Callable[[Tensor], Tensor] = model.features  # type: ignore[assignment]
    return _in_batches(model, data, prepare, precision, features, rows)


def scores(logits_NK: NDArray[np.float32], data: Examples, task: str) -> dict[str, float]:
    """Loss, accuracy and macro F1 of an epoch; for the regression task, squared error and R squared."""
    if task == "action_units":
        targets = data.targets.cpu().numpy()
        error = float(np.mean((logits_NK - targets) ** 2, dtype=np.float64))
        spread = float(np.mean((targets - targets.mean(0)) ** 2, dtype=np.float64))
        return {"loss": error, "r2": 1 - error / spread if spread else 0.0}
    labels = data.labels.cpu().numpy()
    counts = confusion_matrix(labels, logits_NK.argmax(1), logits_NK.shape[1])
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(logits_NK), torch.from_numpy(labels))
    return {"loss": float(loss), "accuracy": accuracy(counts), "macro_f1": macro_f1(counts)}


def _in_batches(
    model: nn.Module,
    data: Examples,
    prepare: Preparation,
    precision: str,
    function: Callable[..., Tensor],
    rows: NDArray[np.int64] | None = None,
    ranks: Ranks = ALONE,
) -> NDArray[np.float32]:
    model.eval()
    indices = np.arange(len(data)) if rows is None else rows
    size = max(1, min(LARGEST_BATCH[data.pixels.device.type], BATCH_PIXELS // prepare.image_size**2))
    parts: list[Any] = []
    with autocast(data.pixels.device, precision):
        for first in ranks.mine(range(0, len(indices), size)):
            images = prepare(data.pixels.rows(indices[first : first + size]))
            parts.append(function(images).float())
    result: NDArray[np.float32] = torch.cat(ranks.gathered(parts)).cpu().numpy()
    return result
