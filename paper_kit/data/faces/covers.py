"""What hides a part of the face: a hand, a flat patch, a lock of hair."""

import numpy as np

from paper_kit.data.faces.canvas import Canvas
from paper_kit.data.faces.ranges import Values, take
from paper_kit.data.faces.shapes import Array, capsule, fill, line, paint, rounded_box


def paint_covers(image: Array, canvas: Canvas, person: Values, view: Values, fraction: float) -> None:
    """One cover on `fraction` of the pictures."""
    covers = (paint_hand, paint_patch, paint_lock)
    kind = np.where(view["cover_draw"] < fraction, np.floor(view["cover_kind"] * len(covers)), -1.0)
    for number, paint_cover in enumerate(covers):
        rows = np.flatnonzero(kind == number)
        if len(rows):
            covered = image[rows]
            paint_cover(covered, canvas.take(rows), take(person, rows), take(view, rows))
            image[rows] = covered


def paint_hand(image: Array, canvas: Canvas, person: Values, view: Values) -> None:
    """A hand that comes from below or from the side, fingers first."""
    angle = view["cover_angle"] * 1.1
    from_x, from_y = canvas.head_x - 0.55 * np.sin(angle), canvas.head_y - 0.55 - 0.25 * view["cover_y"]
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = cos * from_x + sin * from_y, cos * from_y - sin * from_x
    tone = person["skin_tone"] * 0.95 * view["exposure"]
    palm = rounded_box(x, y - 0.75, 0.27, 0.55, 0.18)
    for finger, (offset, reach) in enumerate(((-0.20, 0.10), (-0.07, 0.0), (0.07, 0.02), (0.20, 0.14))):
        shape = capsule(x - offset, y - reach + 0.05 * finger * view["cover_angle"], 0.5, 0.066)
        paint(image, fill(shape, canvas.pixel), tone)
        paint(
            image,
            0.45 * line(shape, 0.008, canvas.pixel) * fill(y - 0.42, canvas.pixel),
            tone * 0.45,
        )
    paint(image, fill(palm, canvas.pixel), tone * 0.97)


def paint_patch(image: Array, canvas: Canvas, _: Values, view: Values) -> None:
    """A flat rectangle of one tone, anywhere on the face."""
    x, y = canvas.x - 0.6 * view["cover_x"], canvas.y - 0.7 * view["cover_y"]
    patch = rounded_box(
        x, y, view["cover_size"], view["cover_size"] * (1.0 + 0.5 * view["cover_angle"]), 0.02
    )
    paint(image, fill(patch, canvas.pixel), view["cover_tone"])


def paint_lock(image: Array, canvas: Canvas, person: Values, view: Values) -> None:
    """A lock of hair across the forehead and one eye."""
    side = np.where(view["cover_x"] < 0.0, np.float32(-1.0), np.float32(1.0))
    x = side * canvas.u
    course = 0.10 + 0.45 * np.sqrt(np.clip(canvas.v + 1.0, 0.0, 2.0) / 1.3)
    width = 0.16 * np.clip((0.35 + 0.2 * view["cover_y"] - canvas.v) / 1.0, 0.0, 1.0)
    lock = np.abs(x - course) - width
    strands = np.sin(60.0 * (x - course))
    paint(
        image,
        fill(lock, canvas.pixel) * (canvas.v < 0.5),
        person["hair_tone"] * (1.0 + 0.15 * strands),
    )
