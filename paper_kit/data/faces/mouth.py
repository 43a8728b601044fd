"""Nose and mouth: what the lower face does."""

from dataclasses import dataclass

import numpy as np

from paper_kit.data.faces.canvas import Canvas
from paper_kit.data.faces.eyes import SIDES, darken
from paper_kit.data.faces.head import NOSE_SWING
from paper_kit.data.faces.ranges import Values
from paper_kit.data.faces.shapes import Array, ellipse, fill, line, paint


@dataclass(frozen=True)
class Lips:
    """Edges of both lips over (N, H, W), by the position `along` the mouth, -1 to 1 from corner to corner."""

    along: Array
    upper_outer: Array
    upper_inner: Array
    lower_inner: Array
    lower_outer: Array
    width: Array


def paint_nose(image: Array, canvas: Canvas, person: Values, units: Values, view: Values) -> None:
    """Nostrils, wings and the shadow below; AU9 pulls them up and wide."""
    wrinkled = units["AU9"]
    u = canvas.u - NOSE_SWING * view["yaw"]
    v = canvas.v - person["nose_length"] + 0.06 * wrinkled
    width = person["nose_width"] * (1.0 + 0.18 * wrinkled)
    darken(image, 0.22 * fill(ellipse(u, v - 0.05, width, 0.05), 0.06))
    for side in SIDES:
        w = side * u
        nostril = ellipse(w - 0.5 * width, v - 0.025 + 0.2 * (w - 0.5 * width), 0.036, 0.020)
        darken(image, 0.62 * fill(nostril, canvas.pixel))
        wing = line(ellipse(w - 0.55 * width, v + 0.01, 0.55 * width, 0.07), 0.006, canvas.pixel)
        darken(image, (0.26 + 0.2 * wrinkled) * wing * fill(0.75 * width - w, canvas.pixel))


def shape_lips(canvas: Canvas, person: Values, units: Values) -> Lips:
    """The mouth that the units make: its corners move by AU12, AU15, AU20; it parts by AU16, AU25, AU26."""
    stretch = 0.075 * units["AU12"] + 0.075 * units["AU20"] - 0.05 * units["AU23"] - 0.055 * units["AU26"]
    width = person["mouth_width"] + stretch
    along = canvas.u / width
    square = np.minimum(along**2, 1.4)
    arch = np.clip(1.0 - square, 0.0, 1.0)
    corner = person["mouth_curve"] - 0.16 * units["AU12"] + 0.14 * units["AU15"] + 0.035 * units["AU20"]
    level = person["mouth_height"] + 0.04 * units["AU12"] - 0.02 * units["AU9"] - 0.03 * units["AU15"]
    middle = level + corner * square
    parted = 0.03 * units["AU25"] + 0.05 * units["AU25"] * np.maximum(units["AU12"], units["AU20"])
    gap = parted + 0.19 * units["AU26"] + 0.045 * units["AU16"]
    thin = 1.0 - 0.5 * units["AU23"] - 0.2 * units["AU12"] - 0.25 * units["AU20"]
    bow = 1.0 - 0.22 * np.exp(-((along / 0.16) ** 2))
    upper_inner = middle - 0.25 * gap * np.sqrt(arch)
    lower_inner = middle + 0.75 * gap * np.sqrt(arch)
    upper = person["lip_thickness"] * thin * arch * bow * (1.0 - 0.2 * units["AU9"])
    lower = person["lip_thickness"] * 1.25 * thin * arch * (1.0 + 0.35 * units["AU16"])
    return Lips(along, upper_inner - upper, upper_inner, lower_inner, lower_inner + lower, width)


def paint_mouth(image: Array, canvas: Canvas, person: Values, units: Values, shade: Array) -> None:
    """Lips, the dark inside with teeth and tongue, the line where the lips meet, the shadow below."""
    lips, v, pixel = shape_lips(canvas, person, units), canvas.v, canvas.pixel
    ends = (np.abs(lips.along) - 1.0) * lips.width
    skin = person["skin_tone"] * shade
    whole = fill(np.maximum(np.maximum(lips.upper_outer - v, v - lips.lower_outer), ends), pixel)
    tone = person["lip_tone"] * skin
    paint(image, whole, np.where(v < lips.lower_inner, tone * 0.92, tone * 1.06))
    inside = fill(np.maximum(np.maximum(lips.upper_inner - v, v - lips.lower_inner), ends), pixel)
    paint(image, inside, 0.09)
    room = lips.lower_inner - lips.upper_inner
    bared = 0.3 + 0.7 * np.clip(units["AU12"] + units["AU20"] + units["AU9"], 0.0, 1.0)
    upper_teeth = fill(v - lips.upper_inner - np.minimum(0.75 * room, 0.075 * bared), pixel)
    lower_teeth = fill(lips.lower_inner - 0.05 * units["AU16"] - v, pixel) * (units["AU16"] > 0.0)
    paint(image, inside * np.maximum(upper_teeth, lower_teeth) * fill(ends + 0.06, 0.08), 0.95 * shade)
    tongue = ellipse(canvas.u, v - lips.lower_inner + 0.005, 0.11, 0.055)
    paint(image, 0.6 * inside * fill(tongue, 0.04), 0.40 * shade)
    meet = line(v - 0.5 * (lips.upper_inner + lips.lower_inner), 0.009 + 0.006 * units["AU23"], pixel)
    darken(image, 0.62 * meet * fill(ends - 0.015, pixel) * fill(room - 0.03, 0.03))
    below = fill(ellipse(canvas.u, v - lips.lower_outer - 0.05, 0.16, 0.03), 0.05)
    darken(image, 0.20 * below * (1.0 + 0.6 * units["AU23"] + 0.6 * units["AU15"]))


def paint_lower_creases(image: Array, canvas: Canvas, person: Values, units: Values) -> None:
    """Folds from the nose to the mouth (AU9, AU12), lines at pulled corners (AU12, AU15, AU20)."""
    lips, v, pixel = shape_lips(canvas, person, units), canvas.v, canvas.pixel
    top, low = person["nose_length"] - 0.06 - 0.04 * units["AU9"], person["mouth_height"] + 0.02
    fold = (
        0.04
        + 0.16 * person["age"]
        + 0.7 * np.maximum(units["AU12"], 0.9 * units["AU9"])
        + 0.1 * units["AU20"]
    )
    for side in SIDES:
        w = side * canvas.u
        t = np.clip((v - top) / (low - top), 0.0, 1.0)
        course = person["nose_width"] * 1.05 + (lips.width - person["nose_width"] + 0.03) * t * np.sqrt(t)
        bulge = 0.05 * units["AU12"] * 4.0 * t * (1.0 - t)
        reach = fill(np.maximum(top - v, v - low), 0.06)
        darken(image, np.minimum(fold, 0.85) * 0.75 * reach * line(w - course - bulge, 0.010, pixel))
        x, y = w - lips.width - 0.015, v - person["mouth_height"]
        dimple = line(x - 0.03 - 0.12 * y**2 * 10.0, 0.010, pixel) * fill(np.abs(y + 0.06) - 0.05, 0.05)
        darken(image, 0.6 * np.maximum(units["AU12"], 0.8 * units["AU20"]) * dimple)
        droop = line(x - 0.35 * (y - 0.08), 0.010, pixel) * fill(np.abs(y - 0.14) - 0.06, 0.04)
        darken(image, 0.7 * units["AU15"] * droop)
