"""Mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019), with one lambda a batch as in timm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from paper_kit.core.spec import Mixing

Box = tuple[int, int, int, int]  # top, bottom, left, right


@dataclass(frozen=True)
class Mix:
    """How a batch is mixed: `share` (lambda) of an image is its own, the rest, in `box`, its partner's."""

    share: float = 1.0
    box: Box | None = None

    def images(self, images_NCHW: Tensor) -> Tensor:
        """The mixed images_NCHW; the partner of image i is image N - 1 - i."""
        if self.share == 1.0:
            return images_NCHW
        if self.box is None:
            return images_NCHW.lerp(images_NCHW.flip(0), 1 - self.share)
        top, bottom, left, right = self.box
        mixed = images_NCHW.clone()
        mixed[:, :, top:bottom, left:right] = images_NCHW[:, :, top:bottom, left:right].flip(0)
        return mixed

    def targets(self, targets_NK: Tensor) -> Tensor:
        """The mixed targets_NK: lambda of the own one-hot or soft label, the rest of the partner's."""
        return targets_NK if self.share == 1.0 else targets_NK.lerp(targets_NK.flip(0), 1 - self.share)

    def correct(self, predicted_N: Tensor, labels_N: Tensor) -> Tensor:
        """Accuracy of each mixed image: lambda [predicted = own] + (1 - lambda) [predicted = partner's]."""
        own = (predicted_N == labels_N).float()
        if self.share == 1.0:
            return own
        return own.lerp((predicted_N == labels_N.flip(0)).float(), 1 - self.share)


def draw(mixing: Mixing, height: int, width: int, rng: np.random.Generator) -> Mix:
    """A batch's Mix, by timm's rules: whether, which of the two, lambda ~ Beta(alpha, alpha), and the box."""
    cutmix, mixup = mixing.cutmix_alpha > 0, mixing.mixup_alpha > 0
    if not (cutmix or mixup) or rng.random() >= mixing.probability:
        return Mix()
    if cutmix and mixup:
        cutmix = rng.random() < mixing.switch_probability
    alpha = mixing.cutmix_alpha if cutmix else mixing.mixup_alpha
    share = float(rng.beta(alpha, alpha))
    if not cutmix:
        return Mix(share)
    centre = int(rng.integers(height)), int(rng.integers(width))
    return boxed(share, height, width, *centre)


def boxed(share: float, height: int, width: int, row: int, column: int) -> Mix:
    """CutMix with a box of area 1 - `share` about (row, column), cut at the border; lambda follows."""
    side = math.sqrt(1 - share)
    tall, wide = int(height * side), int(width * side)
    top, bottom = max(row - tall // 2, 0), min(row + (tall + 1) // 2, height)
    left, right = max(column - wide // 2, 0), min(column + (wide + 1) // 2, width)
    return Mix(1 - (bottom - top) * (right - left) / (height * width), (top, bottom, left, right))


def sequence(mixing: Mixing) -> list[dict[str, Any]]:
    """The steps that mix a batch, each with the probability that a batch meets it, for the record."""
    cutmix, mixup = mixing.cutmix_alpha > 0, mixing.mixup_alpha > 0
    switch = mixing.switch_probability if cutmix and mixup else float(cutmix)
    steps = [("mixup", 1 - switch, mixing.mixup_alpha), ("cutmix", switch, mixing.cutmix_alpha)]
    return [
        {"name": name, "probability": mixing.probability * part, "parameters": {"alpha": alpha}}
        for name, part, alpha in steps
        if alpha > 0 and mixing.probability * part > 0
    ]
