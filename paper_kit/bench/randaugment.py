"""RandAugment (Cubuk et al., 2020) of whole uint8 batches: images that drew one operation share a call."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as V

MAGNITUDES = 30  # the highest magnitude; the ranges below are torchvision's, and so the original's
SIGNED = (
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "contrast",
    "sharpness",
    "colour",
)
UNSIGNED = ("identity", "posterize", "solarize", "autocontrast", "equalize")

Groups = list[tuple[str, int, int]]  # operation, sign, how many images


def randaugment(images_NCHW: Tensor, ops: int, magnitude: int, rng: np.random.Generator) -> Tensor:
    """uint8 images_NCHW after `ops` random operations each, all of one magnitude (0 to 30)."""
    groups, order_ON = grouped(draw(len(images_NCHW), ops, rng))
    return applied(images_NCHW, groups, torch.from_numpy(order_ON).to(images_NCHW.device), magnitude)


def draw(count: int, ops: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each of `ops` rounds and each image, the index of its operation and its sign: chosen_ON2."""
    names = len(SIGNED) + len(UNSIGNED)
    rounds = [(rng.integers(names, size=count), np.where(rng.random(count) < 0.5, -1, 1)) for _ in range(ops)]
    return np.array(rounds, dtype=np.int64).transpose(0, 2, 1)


def grouped(chosen_ON2: NDArray[np.int64]) -> tuple[list[Groups], NDArray[np.int64]]:
    """For each round: who draws what, and order_ON, the images in the order of those groups."""
    names = (*SIGNED, *UNSIGNED)
    rounds: list[Groups] = []
    order_ON = np.empty(chosen_ON2.shape[:2], dtype=np.int64)
    for order, (chosen_N, sign_N) in zip(order_ON, chosen_ON2.transpose(0, 2, 1), strict=True):
        found = sorted({(int(i), int(s)) for i, s in zip(chosen_N, sign_N, strict=True)})
        rows = [np.flatnonzero((chosen_N == index) & (sign_N == sign)) for index, sign in found]
        order[:] = np.concatenate(rows)
        rounds.append([(names[i], s, len(r)) for (i, s), r in zip(found, rows, strict=True)])
    return rounds, order_ON


def applied(images_NCHW: Tensor, rounds: list[Groups], order_ON: Tensor, magnitude: int) -> Tensor:
    """uint8 images_NCHW after the rounds that were drawn."""
    for groups, order_N in zip(rounds, order_ON, strict=True):
        result = images_NCHW.clone()
        pieces = order_N.split([number for _, _, number in groups])
        for (name, sign, _), rows in zip(groups, pieces, strict=True):
            result[rows] = operation(images_NCHW[rows], name, sign * magnitude / MAGNITUDES)
        images_NCHW = result
    return images_NCHW


def operation(images_NCHW: Tensor, name: str, level: float) -> Tensor:
    """uint8 images_NCHW after one operation; `level` in [-1, 1], whose sign only those in SIGNED heed."""
    strength = abs(level)
    changed: Tensor = images_NCHW
    match name:
        case "shear_x" | "shear_y" | "translate_x" | "translate_y":
            changed = _sheared_or_shifted(images_NCHW, name, level)
        case "rotate":
            changed = V.rotate(images_NCHW, angle=30.0 * level)
        case "brightness":
            changed = V.adjust_brightness(images_NCHW, 1 + 0.9 * level)
        case "contrast":
            changed = V.adjust_contrast(images_NCHW, 1 + 0.9 * level)
        case "sharpness":
            changed = V.adjust_sharpness(images_NCHW, 1 + 0.9 * level)
        case "colour":
            changed = V.adjust_saturation(images_NCHW, 1 + 0.9 * level)
        case "posterize":
            changed = V.posterize(images_NCHW, bits=round(8 - 4 * strength))
        case "solarize":
            changed = V.solarize(images_NCHW, threshold=255.0 * (1 - strength))
        case "autocontrast":
            changed = V.autocontrast(images_NCHW)
        case "equalize":
            changed = V.equalize(images_NCHW)
    return changed


def _sheared_or_shifted(images_NCHW: Tensor, name: str, level: float) -> Tensor:
    degrees = math.degrees(math.atan(0.3 * level)) if name.startswith("shear") else 0.0
    side = images_NCHW.shape[-1 if name.endswith("x") else -2]
    pixels = int(150 / 331 * side * level) if name.startswith("translate") else 0
    across = name.endswith("x")
    moved: Tensor = V.affine(
        images_NCHW,
        angle=0.0,
        scale=1.0,
        translate=[pixels, 0] if across else [0, pixels],
        shear=[degrees, 0.0] if across else [0.0, degrees],
        center=[0, 0] if degrees else None,
    )
    return moved
