"""Images as uint8 rows, and what turns a batch of them into a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from paper_kit.bench.placing import placed

STATISTICS_IMAGES = 4096  # mean and deviation of at most so many images, evenly spaced
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"
DEVICE_SHARE = 0.25  # of the free memory of an accelerator that one split's images may take


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of grey levels in [0, 1]; all channels share them."""

    mean: float
    std: float


def normalisation_of(images: NDArray[np.uint8]) -> Normalisation:
    """Mean and deviation of the training images, from exact counts of their grey levels."""
    step = max(1, -(-len(images) // STATISTICS_IMAGES))
    counts = np.zeros(256, dtype=np.int64)
    for first in range(0, len(images), 256 * step):
        counts += np.bincount(np.ravel(images[first : first + 256 * step : step]), minlength=256)
    levels = np.arange(256) / 255
    mean = float((counts * levels).sum() / counts.sum())
    std = float(np.sqrt((counts * (levels - mean) ** 2).sum() / counts.sum()))
    return Normalisation(round(mean, 6), round(std, 6) or 1.0)


@dataclass(frozen=True)
class Preparation:
    """The last step before the model, the same in training and testing: resize, channels, normalise."""

    image_size: int
    channels: int
    normalisation: Normalisation
    channels_last: bool = True

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        """Normalised float images_NCHW of the model's size, from uint8 or float images in [0, 255]."""
        images = _channels(images_NCHW.float(), self.channels)
        size = (self.image_size, self.image_size)
        if images.shape[-2:] != size:
            images = F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
        scale = 1 / self.normalisation.std
        images = (images * (scale / 255)).sub_(self.normalisation.mean * scale)
        images = images.expand(-1, self.channels, -1, -1)
        return images.contiguous(
            memory_format=torch.channels_last if self.channels_last else torch.contiguous_format
        )


def _channels(images: Tensor, channels: int) -> Tensor:
    """Grey images where the model takes grey. Where it takes colour, grey ones are repeated last of all."""
    if images.shape[1] == 3 and channels == 1:
        luma = placed({"luma": np.array(LUMA, dtype=np.float32)}, images.device)["luma"]
        return (images * luma.view(1, 3, 1, 1)).sum(1, keepdim=True)
    return images


class Pixels:
    """The uint8 images of a split: on an accelerator where they fit, else memory-mapped."""

    def __init__(
        self, images: NDArray[np.uint8], device: torch.device, subset: NDArray[np.int64] | None = None
    ) -> None:
        self._images = np.asarray(images)  # a view: rows of a memory map as such would be copied twice
        self._subset = subset
        self.device = device
        self._resident = _resident(images, subset, device)

    def __len__(self) -> int:
        return len(self._images if self._subset is None else self._subset)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self._images.shape[1:3]
        return height, width

    def rows(self, indices_N: NDArray[np.integer[Any]], placed_N: Tensor | None = None) -> Tensor:
        """uint8 images_NCHW on the device; `placed_N` are the same indices, where they lie there already."""
        if self._resident is not None:
            if placed_N is None:
                placed_N = placed({"rows": indices_N}, self.device)["rows"]
            chosen = self._resident.index_select(0, placed_N)
        else:
            rows = indices_N if self._subset is None else self._subset[indices_N]
            chosen = torch.from_numpy(self._images[rows])
            if self.device.type == "cuda":
                chosen = chosen.pin_memory().to(self.device, non_blocking=True)
        return chosen.unsqueeze(1) if chosen.ndim == 3 else chosen.permute(0, 3, 1, 2)


def _resident(
    images: NDArray[np.uint8], subset: NDArray[np.int64] | None, device: torch.device
) -> Tensor | None:
    if device.type != "cuda":
        return None
    share = 1.0 if subset is None else len(subset) / len(images)
    free, _ = torch.cuda.mem_get_info(device)
    if images.nbytes * share > free * DEVICE_SHARE:
        return None
    return torch.from_numpy(np.array(images if subset is None else images[subset])).to(device)
