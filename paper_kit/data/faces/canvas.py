"""Coordinate grids of a batch: the picture, the head in it, and the skin that turns with the head."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paper_kit.data.faces.ranges import Values
from paper_kit.data.faces.shapes import Array

RADIUS_X, RADIUS_Y = 0.88, 1.25  # of the ellipsoid that carries the skin
CHIN_SWING = 0.22  # how far the chin follows the yaw, in face units per radian


@dataclass(frozen=True)
class Canvas:
    """Grids (N, H, W): x y of the picture in [-1, 1], head_x head_y of the outline, u v of the skin.

    `pixel` (N, 1, 1) is the width of a pixel in face units.
    """

    x: Array
    y: Array
    head_x: Array
    head_y: Array
    u: Array
    v: Array
    pixel: Array

    def take(self, rows: npt.NDArray[np.intp]) -> "Canvas":
        """The grids of these pictures."""
        moving = (self.head_x, self.head_y, self.u, self.v, self.pixel)
        return Canvas(self.x, self.y, *(grid[rows] for grid in moving))


def lay_out(view: Values, size: int) -> Canvas:
    """A canvas of `size` x `size` pixels per picture of `view`."""
    centres = ((np.arange(size, dtype=np.float32) + 0.5) * 2.0 / size - 1.0).astype(np.float32)
    x, y = centres[None, None, :], centres[None, :, None]
    cos, sin = np.cos(view["roll"]), np.sin(view["roll"])
    from_x, from_y = (x - view["shift_x"]) * view["zoom"], (y - view["shift_y"]) * view["zoom"]
    plain_x = cos * from_x + sin * from_y
    head_y = cos * from_y - sin * from_x
    head_x = plain_x - CHIN_SWING * view["yaw"] * np.clip(head_y, 0.0, 1.0)
    u = RADIUS_X * (np.arcsin(np.clip(plain_x / RADIUS_X, -0.97, 0.97)) - view["yaw"])
    v = RADIUS_Y * (np.arcsin(np.clip(head_y / RADIUS_Y, -0.97, 0.97)) - view["pitch"])
    return Canvas(x, y, head_x, head_y, u, v, 2.0 * view["zoom"] / size)
