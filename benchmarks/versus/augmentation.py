"""The product's standard augmentation (paper_kit/bench/augment.py) as torchvision transforms of one image.

Equal probabilities and ranges, each transform with its own coin, bilinear, in the same order: rotate, shift,
scale, flip, brightness, contrast, and, after normalising, erase. Images are PIL's: a grey one of 48 px took
0.20 ms by v2, 0.18 ms by the older transforms, 0.46 ms as a tensor, and 0.07 ms by `quick` (one thread).
"""

from __future__ import annotations

from typing import Any

import torch
from timm.data.random_erasing import RandomErasing
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F2

from paper_kit.bench.augment import NARROWEST_ERASED, SMALLEST_ERASED
from paper_kit.core.spec import Augment

Transform = Any  # torchvision's transforms are callables that share no public type over v1 and v2
ASPECTS = (NARROWEST_ERASED, 1 / NARROWEST_ERASED)


def stock(augment: Augment, of: Any = v2) -> list[Transform]:
    """torchvision's own transforms, chained as its guide does; `of`: v2 or the older ones."""
    a, bilinear = augment, {"interpolation": InterpolationMode.BILINEAR}
    whole = (
        (a.rotate_p, of.RandomAffine(a.rotate_degrees, **bilinear)),
        (a.shift_p, of.RandomAffine(0, translate=(a.shift, a.shift), **bilinear)),
        (a.scale_p, of.RandomAffine(0, scale=(1 - a.scale, 1 + a.scale), **bilinear)),
    )
    light = (
        (a.brightness_p, of.ColorJitter(brightness=a.brightness)),
        (a.contrast_p, of.ColorJitter(contrast=a.contrast)),
    )
    return [
        *(of.RandomApply([one], p) for p, one in whole if p),
        of.RandomHorizontalFlip(a.flip),
        *(of.RandomApply([one], p) for p, one in light if p),
    ]


def quick(augment: Augment) -> list[Transform]:
    """The same, rewritten by hand: one resampling, one draw of random numbers. No library comes with it."""
    return [OneAffine(augment), v2.RandomHorizontalFlip(augment.flip), Relit(augment)]


def erasing(augment: Augment) -> list[Transform]:
    """Random erasing of a normalised image: 0 is the mean grey."""
    a = augment
    area = (min(SMALLEST_ERASED, a.erase_area), a.erase_area)
    return [v2.RandomErasing(a.erase_p, scale=area, ratio=ASPECTS, value=0)] if a.erase_p else []


def erasing_of_batches(augment: Augment, device: torch.device) -> RandomErasing:
    """timm's random erasing of a normalised batch, each image with its own coin."""
    a = augment
    smallest = min(SMALLEST_ERASED, a.erase_area)
    return RandomErasing(
        a.erase_p,
        min_area=smallest,
        max_area=a.erase_area,
        min_aspect=NARROWEST_ERASED,
        mode="const",
        max_count=1,
        device=str(device),
    )


class OneAffine(torch.nn.Module):
    """Rotation, shift and scale, each with its coin, of a PIL image or a tensor in one resampling."""

    def __init__(self, augment: Augment) -> None:
        super().__init__()
        self.augment = augment

    def forward(self, image: Any) -> Any:
        a = self.augment
        c = torch.rand(7).tolist()
        rotated, shifted, scaled = c[0] < a.rotate_p, c[1] < a.shift_p, c[2] < a.scale_p
        if not (rotated or shifted or scaled):
            return image
        width = F2.get_size(image)[1]
        return F2.affine(
            image,
            angle=_signed(c[3]) * a.rotate_degrees * rotated,
            translate=[_signed(one) * a.shift * width * shifted for one in c[4:6]],
            scale=1 + _signed(c[6]) * a.scale * scaled,
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )


class Relit(torch.nn.Module):
    """Brightness and contrast, each with its coin."""

    def __init__(self, augment: Augment) -> None:
        super().__init__()
        self.augment = augment

    def forward(self, image: Any) -> Any:
        a = self.augment
        c = torch.rand(4).tolist()
        if c[0] < a.brightness_p:
            image = F2.adjust_brightness(image, 1 + _signed(c[1]) * a.brightness)
        if c[2] < a.contrast_p:
            image = F2.adjust_contrast(image, 1 + _signed(c[3]) * a.contrast)
        return image


def _signed(uniform: float) -> float:
    return uniform * 2 - 1
