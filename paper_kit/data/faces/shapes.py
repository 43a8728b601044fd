"""Signed distances, coverage and paint on a batch of pixel grids: the shapes that a face is drawn with.

Distances are in face units (a face is about 2 high), negative inside. Arrays broadcast over (N, H, W).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


def column(values_N: npt.ArrayLike) -> Array:
    """(N, 1, 1) float32: one value per face, ready to broadcast over its pixels."""
    return np.asarray(values_N, dtype=np.float32).reshape(-1, 1, 1)


def fill(distance: Array, pixel: Array | float) -> Array:
    """Coverage in [0, 1] of a shape whose edge is `pixel` face units wide."""
    inside = distance / pixel
    np.subtract(0.5, inside, out=inside)
    return np.clip(inside, 0.0, 1.0, out=inside)


def line(distance: Array, half_width: Array | float, pixel: Array) -> Array:
    """Coverage in [0, 1] of a line around distance 0, never thinner than about a pixel."""
    return fill(np.abs(distance) - half_width, pixel)


def ellipse(x: Array, y: Array, radius_x: Array | float, radius_y: Array | float) -> Array:
    """Signed distance to an ellipse at the origin, to first order (value over gradient length)."""
    square_x, square_y = (x / radius_x) ** 2, (y / radius_y) ** 2
    scaled_squared = square_x + square_y
    slope = np.sqrt(square_x / radius_x**2 + square_y / radius_y**2 + 1e-12)
    distance: Array = (scaled_squared - np.sqrt(scaled_squared)) / slope
    return distance


def rounded_box(x: Array, y: Array, half_x: Array | float, half_y: Array | float, corner: float) -> Array:
    """Signed distance to a box with rounded corners at the origin."""
    over_x, over_y = np.abs(x) - half_x + corner, np.abs(y) - half_y + corner
    outside = np.sqrt(np.maximum(over_x, 0.0) ** 2 + np.maximum(over_y, 0.0) ** 2)
    distance: Array = outside + np.minimum(np.maximum(over_x, over_y), 0.0) - corner
    return distance


def capsule(x: Array, y: Array, length: Array | float, radius: Array | float) -> Array:
    """Signed distance to a capsule from the origin along +y."""
    along = np.clip(y, 0.0, length)
    return np.sqrt(x**2 + (y - along) ** 2) - radius


def paint(image: Array, coverage: Array, tone: Array | float) -> None:
    """Lays `tone` over `image` in place, as far as `coverage` says."""
    image += coverage * (tone - image)
