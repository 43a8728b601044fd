"""Eyes, brows, and the creases around them; and glasses in front."""

import numpy as np

from paper_kit.data.faces.canvas import Canvas
from paper_kit.data.faces.ranges import Values, take
from paper_kit.data.faces.shapes import Array, fill, line, paint, rounded_box

SIDES = (-1.0, 1.0)
GLASSES = 0.13  # fraction of the persons


def darken(image: Array, coverage: Array) -> None:
    """Shadow in place: 1 takes all light away."""
    image *= 1.0 - coverage


def paint_eyes(image: Array, canvas: Canvas, person: Values, units: Values, view: Values) -> None:
    """Sclera, iris, pupil, glint, lids and lash lines of both eyes."""
    width, blink = person["eye_width"], units["AU45"]
    squint = 0.50 * units["AU7"] + 0.25 * units["AU6"] + 0.30 * units["AU9"]
    up = person["eye_open"] * np.maximum(1.0 + 1.15 * units["AU5"] - 0.6 * squint, 0.25)
    down = 0.6 * person["eye_open"] * np.maximum(1.0 + 0.15 * units["AU5"] - 1.5 * squint, -0.2)
    for side in SIDES:
        x = side * canvas.u - person["eye_gap"]
        tilt = person["eye_tilt"] - 0.02 * units["AU1"]
        y = canvas.v - person["eye_height"] + tilt * x / width
        arch = np.clip(1.0 - (x / width) ** 2, 0.0, 1.0)
        lid_top = -up * arch * (1.0 - blink) + down * arch * blink
        lid_low = down * arch
        ends = np.abs(x) - width
        opening = fill(np.maximum(np.maximum(lid_top - y, y - lid_low), ends), canvas.pixel)
        _paint_eyeball(image, canvas, person, view, opening, x * side, y)
        reach = fill(ends, 0.06)
        darken(image, 0.72 * reach * line(y - lid_top, 0.016, canvas.pixel))
        darken(image, 0.25 * reach * line(y - lid_low, 0.005, canvas.pixel))
        crease = lid_top - 0.045 - 0.02 * (1.0 - units["AU5"])
        darken(image, 0.22 * reach * arch * line(y - crease, 0.006, canvas.pixel))


def _paint_eyeball(
    image: Array, canvas: Canvas, person: Values, view: Values, opening: Array, x: Array, y: Array
) -> None:
    look_x = x - view["gaze_x"] * 0.10
    look_y = y - view["gaze_y"] * 0.06 + 0.012
    paint(
        image, opening, 0.52 + 0.38 * np.clip(person["skin_tone"] + 0.25, 0.6, 1.0) * view["exposure"] * 0.9
    )
    radius = np.sqrt(look_x**2 + look_y**2)
    paint(image, opening * fill(radius - 0.068, canvas.pixel), person["iris_tone"])
    paint(image, opening * fill(radius - 0.030, canvas.pixel), 0.03)
    glint = np.sqrt((look_x - 0.022) ** 2 + (look_y + 0.022) ** 2) - 0.012
    paint(image, 0.8 * opening * fill(glint, canvas.pixel), 1.0)


def paint_brows(image: Array, canvas: Canvas, person: Values, units: Values) -> None:
    """Two brows that AU1 raises inside, AU2 outside, and AU4 lowers and draws together."""
    lower = 0.10 * units["AU4"] + 0.03 * units["AU9"]
    for side in SIDES:
        drawn = 0.05 * units["AU4"]
        x = (side * canvas.u - person["eye_gap"] + drawn - 0.01) / 0.20
        inner, outer = np.clip(0.5 - 0.5 * x, 0.0, 1.0), np.clip(0.5 + 0.5 * x, 0.0, 1.0)
        height = person["eye_height"] - person["brow_gap"] - person["brow_arch"] * (1.0 - x**2)
        height = height + person["brow_slant"] * x
        height = height - (0.17 * units["AU1"] - lower) * inner - (0.17 * units["AU2"] - 0.4 * lower) * outer
        thickness = person["brow_thickness"] * (1.0 - 0.55 * outer**2)
        brow = line(canvas.v - height, thickness, canvas.pixel) * fill((np.abs(x) - 1.0) * 0.20, 0.06)
        paint(image, 0.86 * brow, np.minimum(person["hair_tone"] * 0.7, person["skin_tone"] * 0.6))


def paint_upper_creases(image: Array, canvas: Canvas, person: Values, units: Values) -> None:
    """Forehead lines (AU1, AU2), the frown (AU4), crow's feet and bags (AU6), lines on the nose (AU9)."""
    u, v, pixel, aged = canvas.u, canvas.v, canvas.pixel, 0.75 + 0.4 * person["age"]
    middle = fill(np.abs(u) - 0.34, 0.25)
    for height, wave in ((-0.50, 0.05), (-0.59, 0.04)):
        rise = line(v - height - person["eye_height"] * 0.3 - wave * np.cos(7.0 * u) * 0.4, 0.010, pixel)
        darken(image, 0.55 * aged * np.maximum(units["AU1"] * 0.8, units["AU2"] * 0.5) * middle * rise)
    root = person["eye_height"] - 0.10
    for side in SIDES:
        w = side * u
        frown = line(w - 0.050 - 0.1 * (v - root), 0.012, pixel) * fill(np.abs(v - root) - 0.08, 0.05)
        darken(image, 0.75 * aged * units["AU4"] * frown)
        _crow_feet(image, canvas, person, units, w)
    across = fill(np.abs(u) - 0.10, 0.05)
    for step in (0.02, 0.09):
        wrinkle = line(v - person["eye_height"] - step - 0.25 * np.abs(u), 0.012, pixel)
        darken(image, 0.7 * units["AU9"] * across * wrinkle)


def _crow_feet(image: Array, canvas: Canvas, person: Values, units: Values, w: Array) -> None:
    x = w - person["eye_gap"]
    y = canvas.v - person["eye_height"]
    for slope in (-0.35, 0.15, 0.6):
        ray = line(y - slope * (x - person["eye_width"]), 0.005, canvas.pixel)
        reach = fill(np.abs(x - person["eye_width"] - 0.09) - 0.045, 0.03)
        darken(image, (0.35 + 0.2 * person["age"]) * units["AU6"] * ray * reach)
    bag = 0.075 + 0.02 * person["age"] - 0.02 * units["AU6"]
    under = line(y - bag * np.clip(1.0 - (x / 0.17) ** 2, 0.0, 1.0) - 0.02, 0.007, canvas.pixel)
    strength = 0.08 + 0.12 * person["age"] + 0.4 * np.maximum(units["AU6"], 0.7 * units["AU7"])
    darken(image, strength * under * fill(np.abs(x) - 0.13, 0.06))


def paint_glasses(image: Array, canvas: Canvas, person: Values) -> None:
    """Frames around both eyes, a bridge and temples, for the persons who wear them."""
    rows = np.flatnonzero(person["glasses_draw"] < GLASSES)
    if len(rows):
        worn = image[rows]
        _paint_frames(worn, canvas.take(rows), take(person, rows))
        image[rows] = worn


def _paint_frames(image: Array, canvas: Canvas, person: Values) -> None:
    y = canvas.v - person["eye_height"] - 0.03
    frame = np.zeros_like(image)
    for side in SIDES:
        x = side * canvas.u - person["eye_gap"]
        rim = line(rounded_box(x, y, 0.225, 0.16, 0.10), 0.012, canvas.pixel)
        temple = line(y + 0.06, 0.012, canvas.pixel) * fill(np.abs(x - 0.41) - 0.19, canvas.pixel)
        frame = np.maximum(frame, np.maximum(rim, temple))
    bridge = line(y + 0.04 + 1.5 * canvas.u**2, 0.012, canvas.pixel)
    frame = np.maximum(frame, bridge * fill(np.abs(canvas.u) - person["eye_gap"] + 0.225, canvas.pixel))
    paint(image, 0.85 * frame, 0.08 + 0.4 * (person["hair_length"] > 0.75))
