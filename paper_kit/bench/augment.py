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
from paper_kit.bench.placing import Arrays, Placed, placed
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
    height, width = images_NCHW.shape[-2:]
    return transformed(images_NCHW, placed(decided(augment, draws, height, width), images_NCHW.device))


def erase(images_NCHW: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Normalised images_NCHW, in place: one rectangle is 0, the mean grey, where the image's coin says so."""
    height, width = images_NCHW.shape[-2:]
    return erased(images_NCHW, placed(rectangles(augment, draws, height, width), images_NCHW.device))


def decided(augment: Augment, draws: Draws, height: int, width: int) -> Arrays:
    """What the draws ask of images of this size, for `transformed`.

    `moved_M` images are resampled by `theta_M23`, `mirrored_M` among them flipped (1) at once; of the others
    `flipped` are. `brightness_N` and `contrast_N` are factors, left out where no image can have one.
    """
    theta_N23, moved_N = _affine(augment, draws, height / width)
    flip_N = draws["flip"] < augment.flip
    found: dict[str, NDArray[Any]] = {
        "moved_M": np.flatnonzero(moved_N),
        "theta_M23": theta_N23[moved_N],
        "mirrored_M": flip_N[moved_N].astype(np.int64),
        "flipped": np.flatnonzero(flip_N & ~moved_N),
    }
    if augment.brightness_p:
        bright_N = draws["brightness"] < augment.brightness_p
        found["brightness_N"] = _factor(bright_N, draws["level"], augment.brightness)
    if augment.contrast_p:
        strong_N = draws["contrast"] < augment.contrast_p
        found["contrast_N"] = _factor(strong_N, draws["strength"], augment.contrast)
    return found


def transformed(images_NCHW: Tensor, what: Placed) -> Tensor:
    """Float images_NCHW in [0, 255] after what was `decided`."""
    moved, flipped = what["moved_M"], what["flipped"]
    images = images_NCHW.to(torch.float32, copy=True)
    if len(moved):
        given = images_NCHW.index_select(0, moved).float()
        images.index_copy_(0, moved, _resample(given, what["theta_M23"], what["mirrored_M"]))
    if len(flipped):
        images.index_copy_(0, flipped, images.index_select(0, flipped).flip(-1))
    return _relit(images, what)


def rectangles(augment: Augment, draws: Draws, height: int, width: int) -> Arrays:
    """For `erased`, the images that lose a rectangle and its edges_4E: top, bottom, left, right."""
    chosen = np.flatnonzero(draws["erase"] < augment.erase_p)
    smallest = min(SMALLEST_ERASED, augment.erase_area)
    area = _between(draws["area"], smallest, augment.erase_area)[chosen]
    aspect = np.exp(_signed(draws["aspect"][chosen]) * np.log(NARROWEST_ERASED))
    tall = np.minimum(np.rint(np.sqrt(area * aspect) * height), height)
    wide = np.minimum(np.rint(np.sqrt(area / aspect) * width), width)
    top = np.floor(draws["row"][chosen] * (height - tall + 1))
    left = np.floor(draws["column"][chosen] * (width - wide + 1))
    return {"erased": chosen, "edges_4E": np.stack([top, top + tall, left, left + wide])}


def erased(images_NCHW: Tensor, what: Placed) -> Tensor:
    """Normalised images_NCHW, in place: the `rectangles` are 0."""
    chosen, edges = what["erased"], what["edges_4E"][..., None]
    if not len(chosen):
        return images_NCHW
    rows, columns = (torch.arange(side, device=images_NCHW.device) for side in images_NCHW.shape[-2:])
    inside = ((rows >= edges[0]) & (rows < edges[1])).unsqueeze(2)
    inside = inside & ((columns >= edges[2]) & (columns < edges[3])).unsqueeze(1)
    without = images_NCHW.index_select(0, chosen).masked_fill_(inside.unsqueeze(1), 0.0)
    return images_NCHW.index_copy_(0, chosen, without)


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


def _resample(images_NCHW: Tensor, theta_N23: Tensor, mirrored_N: Tensor) -> Tensor:
    """Images seen through theta, then mirrored where that is 1; outside, the border repeats.

    (The grid lies as x and y apart: F.affine_grid, and pairs of both, take four times as long.)
    """
    height, width = images_NCHW.shape[-2:]
    x = (torch.arange(width, device=images_NCHW.device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=images_NCHW.device) * 2 + 1) / height - 1
    x_N1W = torch.stack([x, x.flip(0)]).index_select(0, mirrored_N).unsqueeze(1)
    across, down, shift = theta_N23.unsqueeze(-1).unbind(2)
    grid_N2HW = (across * x_N1W).unsqueeze(2) + (down * y).unsqueeze(3)
    grid = grid_N2HW.add_(shift.unsqueeze(-1)).permute(0, 2, 3, 1)
    return F.grid_sample(images_NCHW, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relit(images: Tensor, what: Placed) -> Tensor:
    """Brightness x (1 + b), then contrast about the image's mean x (1 + c); clipped to [0, 255]; in place."""
    if "brightness_N" in what:
        images.mul_(what["brightness_N"].view(-1, 1, 1, 1)).clamp_(0, 255)
    if "contrast_N" in what:
        images.sub_(mean := images.mean((1, 2, 3), keepdim=True))
        images.mul_(what["contrast_N"].view(-1, 1, 1, 1)).add_(mean).clamp_(0, 255)
    return images


def _factor(
    chosen_N: NDArray[np.bool_], uniform_N: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    return (1 + _signed(uniform_N) * strength * chosen_N).astype(np.float32)


def _between(uniform: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    return (low + uniform * (high - low)).astype(np.float32)


def _signed(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    return uniform * 2 - 1
