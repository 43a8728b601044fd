"""Views of a test image, recorded apart: as it is, mirrored, and five crops, each also mirrored."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

CROP_AREA = 0.875  # fraction of the image's area that a crop keeps


def view(images_NCHW: Tensor, name: str) -> Tensor:
    """images_NCHW of the same size, seen as `name` says: identity, flip, crop_center, crop_tl_flip …"""
    if name == "flip":
        return images_NCHW.flip(-1)
    crop, _, mirrored = name.removeprefix("crop_").partition("_")
    seen = images_NCHW if name == "identity" else _crop(images_NCHW, crop)
    return seen.flip(-1) if mirrored else seen


def _crop(images_NCHW: Tensor, place: str) -> Tensor:
    """The crop at `place` (center, or tl tr bl br: top or bottom, left or right), resized to the whole."""
    size = (images_NCHW.shape[-2], images_NCHW.shape[-1])
    kept = [round(side * math.sqrt(CROP_AREA)) for side in size]
    spare = [side - part for side, part in zip(size, kept, strict=True)]
    if place == "center":
        top, left = spare[0] // 2, spare[1] // 2
    else:
        top, left = spare[0] * (place[0] == "b"), spare[1] * (place[1] == "r")
    crop = images_NCHW[..., top : top + kept[0], left : left + kept[1]]
    return F.interpolate(crop, size=size, mode="bilinear", align_corners=False)
