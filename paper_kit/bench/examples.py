"""The images, labels and targets of one split, and the order in which an epoch sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paper_kit.bench.pixels import Pixels
from paper_kit.bench.randomness import Purpose, stream


class Arrays(Protocol):
    """A split as `data` gives it: images_NHW or images_NHWC uint8, labels_N, ids_N, targets_NK or None."""

    @property
    def images(self) -> NDArray[np.uint8]: ...
    @property
    def labels(self) -> NDArray[np.int64]: ...
    @property
    def ids(self) -> NDArray[np.str_]: ...
    @property
    def targets(self) -> NDArray[np.float32] | None: ...


@dataclass(frozen=True, eq=False)
class Examples:
    """A split on its device: labels (N,) int64, targets (N, K) one-hot, soft or of a regression, ids (N,)."""

    pixels: Pixels
    labels: Tensor
    targets: Tensor
    ids: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.pixels)


def examples(
    split: Arrays, classes: int, device: torch.device, subset: NDArray[np.int64] | None = None
) -> Examples:
    """The rows `subset` (default: all) of a split; labels become one-hot targets where it has no targets."""
    rows: Any = slice(None) if subset is None else subset
    labels = np.array(split.labels[rows], dtype=np.int64)
    if split.targets is None:
        targets = np.eye(classes, dtype=np.float32)[labels]
    else:
        targets = np.array(split.targets[rows], dtype=np.float32)
    return Examples(
        Pixels(split.images, device, subset),
        torch.from_numpy(labels).to(device),
        torch.from_numpy(targets).to(device),
        np.array(split.ids[rows]),
    )


def order(labels_N: NDArray[np.int64], sampler: str, seed: int, epoch: int) -> NDArray[np.int64]:
    """N indices in the order of an epoch: a permutation, or balanced draws with equally likely classes."""
    rng = stream(seed, epoch, 0, Purpose.ORDER)
    if sampler == "shuffle":
        return rng.permutation(len(labels_N))
    _, classes_N, counts_K = np.unique(labels_N, return_inverse=True, return_counts=True)
    chances_N = 1 / (len(counts_K) * counts_K[classes_N])
    return rng.choice(len(labels_N), size=len(labels_N), p=chances_N / chances_N.sum())


def drawn_labels(targets_NK: Tensor, seed: int, epoch: int) -> Tensor:
    """One-hot targets_NK, each label drawn anew from its soft target (Barsoum et al., ICMI 2016)."""
    uniform = stream(seed, epoch, 0, Purpose.LABELS).random((len(targets_NK), 1), dtype=np.float32)
    shares = targets_NK.cumsum(1)
    total = shares[:, -1:]
    drawn = (
        (shares <= torch.from_numpy(uniform).to(shares.device) * total).sum(1).clamp_max(shares.shape[1] - 1)
    )
    return torch.nn.functional.one_hot(drawn, shares.shape[1]).float()
