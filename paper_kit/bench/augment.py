"""Standard transforms of whole batches, each image with its own coin, and the sequence that is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from paper_kit.bench.pixels import Normalisation
from paper_kit.core.spec import Augment

Draws = Mapping[str, NDArray[np.float32]]  # name -> one uniform number in [0, 1) for each image
DRAWS = (
    "flip", "rotate", "angle", "shift", "shift_x", "shift_y", "scale", "factor", "brightness", "level",
    "contrast", "strength", "erase", "area", "aspect", "row", "column",
)  # fmt: skip
SMALLEST_ERASED = 0.02  # fraction of the image; this and the aspect as in Zhong et al., AAAI 2020
NARROWEST_ERASED = 0.3


def draw(count: int, rng: np.random.Generator) -> Draws:
    """Uniform numbers for `count` images, all of them always: a transform that is off changes no other's."""
    uniform = rng.random((len(DRAWS), count), dtype=np.float32)
    return dict(zip(DRAWS, uniform, strict=True))


def standard(images_NCHW: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Float images_NCHW in [0, 255]: rotated, shifted and scaled in one resampling, flipped, relit."""
    images = images_NCHW.to(torch.float32, copy=True)
    theta_N23, moved_N = _affine(augment, draws, images.shape[-2] / images.shape[-1])
    moved = _rows(moved_N, images)
    if len(moved):
        images[moved] = _resample(images[moved], torch.from_numpy(theta_N23[moved_N]).to(images.device))
    flipped = _rows(draws["flip"] < augment.flip, images)
    if len(flipped):
        images[flipped] = images[flipped].flip(-1)
    return _relit(images, augment, draws)


def erase(images_NCHW: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Normalised images_NCHW, in place: one rectangle is 0, the mean grey, where the image's coin says so."""
    if not augment.erase_p:
        return images_NCHW
    height, width = images_NCHW.shape[-2:]
    smallest = min(SMALLEST_ERASED, augment.erase_area)
    area = _between(draws["area"], smallest, augment.erase_area) * (draws["erase"] < augment.erase_p)
    aspect = np.exp(_signed(draws["aspect"]) * np.log(NARROWEST_ERASED))
    tall = np.minimum(np.rint(np.sqrt(area * aspect) * height), height)
    wide = np.minimum(np.rint(np.sqrt(area / aspect) * width), width)
    top = np.floor(draws["row"] * (height - tall + 1))
    left = np.floor(draws["column"] * (width - wide + 1))
    edges = torch.from_numpy(np.stack([top, top + tall, left, left + wide])).to(images_NCHW.device)[..., None]
    rows = torch.arange(height, device=images_NCHW.device)
    columns = torch.arange(width, device=images_NCHW.device)
    inside = ((rows >= edges[0]) & (rows < edges[1])).unsqueeze(2)
    inside = inside & ((columns >= edges[2]) & (columns < edges[3])).unsqueeze(1)
    return images_NCHW.masked_fill_(inside.unsqueeze(1), 0.0)


def sequence(augment: Augment, normalisation: Normalisation) -> list[dict[str, Any]]:
    """What is done to a training image, in order: name, probability and parameters of each step."""
    a = augment
    steps: list[tuple[str, float, dict[str, Any]]] = [
        (
            "randaugment",
            float(a.randaugment_ops > 0),
            {"ops": a.randaugment_ops, "magnitude": a.randaugment_magnitude},
        ),
        ("rotate", a.rotate_p, {"degrees": a.rotate_degrees}),
        ("shift", a.shift_p, {"fraction": a.shift}),
        ("scale", a.scale_p, {"fraction": a.scale}),
        ("flip", a.flip, {}),
        ("brightness", a.brightness_p, {"fraction": a.brightness}),
        ("contrast", a.contrast_p, {"fraction": a.contrast}),
        ("normalise", 1.0, {"mean": normalisation.mean, "std": normalisation.std}),
        ("erase", a.erase_p, {"largest_area": a.erase_area}),
    ]
    return [{"name": n, "probability": p, "parameters": values} for n, p, values in steps if p > 0]


def _affine(
    augment: Augment, draws: Draws, height_by_width: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Matrices theta_N23 from output to input places in [-1, 1], and which images they move."""
    rotated = draws["rotate"] < augment.rotate_p
    shifted = draws["shift"] < augment.shift_p
    scaled = draws["scale"] < augment.scale_p
    angle = np.radians(_signed(draws["angle"]) * augment.rotate_degrees * rotated)
    zoom = 1 / (1 + _signed(draws["factor"]) * augment.scale * scaled)
    cosine, sine = np.cos(angle) * zoom, np.sin(angle) * zoom
    right = _signed(draws["shift_x"]) * 2 * augment.shift * shifted
    down = _signed(draws["shift_y"]) * 2 * augment.shift * shifted
    rows = [[cosine, -sine * height_by_width, right], [sine / height_by_width, cosine, down]]
    theta = np.array(rows, dtype=np.float32).transpose(2, 0, 1)
    return theta, rotated | shifted | scaled


def _resample(images_NCHW: Tensor, theta_N23: Tensor) -> Tensor:
    """Images seen through theta; outside, the border repeats. (F.affine_grid takes four times as long.)"""
    height, width = images_NCHW.shape[-2:]
    x = (torch.arange(width, device=images_NCHW.device) * 2 + 1) / width - 1
    y = ((torch.arange(height, device=images_NCHW.device) * 2 + 1) / height - 1).unsqueeze(1)
    t = theta_N23[..., None, None]
    grid = torch.stack(
        [t[:, 0, 0] * x + t[:, 0, 1] * y + t[:, 0, 2], t[:, 1, 0] * x + t[:, 1, 1] * y + t[:, 1, 2]], dim=-1
    )
    return F.grid_sample(images_NCHW, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relit(images: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Brightness x (1 + b), then contrast about the image's mean x (1 + c); clipped to [0, 255]; in place."""
    if augment.brightness_p:
        images.mul_(
            _factor(draws["brightness"] < augment.brightness_p, draws["level"], augment.brightness, images)
        )
        images.clamp_(0, 255)
    if augment.contrast_p:
        factor = _factor(draws["contrast"] < augment.contrast_p, draws["strength"], augment.contrast, images)
        images.sub_(mean := images.mean((1, 2, 3), keepdim=True)).mul_(factor).add_(mean).clamp_(0, 255)
    return images


def _factor(
    chosen_N: NDArray[np.bool_], uniform_N: NDArray[np.float32], strength: float, like: Tensor
) -> Tensor:
    factor = (1 + _signed(uniform_N) * strength * chosen_N).astype(np.float32)
    return torch.from_numpy(factor).to(like.device).view(-1, 1, 1, 1)


def _rows(chosen_N: NDArray[np.bool_], like: Tensor) -> Tensor:
    return torch.from_numpy(np.flatnonzero(chosen_N)).to(like.device)


def _between(uniform: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    return (low + uniform * (high - low)).astype(np.float32)


def _signed(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    return uniform * 2 - 1
