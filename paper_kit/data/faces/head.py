"""The head without its features: backdrop, neck, hair, skull, beard, and the light on the skin."""

from collections.abc import Iterator

import numpy as np

from paper_kit.data.faces.canvas import CHIN_SWING, RADIUS_X, RADIUS_Y, Canvas
from paper_kit.data.faces.ranges import Values
from paper_kit.data.faces.shapes import Array, ellipse, fill, line, paint, rounded_box

BALD, BEARD = 0.08, 0.16  # fractions of the persons
NOSE_SWING = 0.10  # the nose stands out: it moves this much further with the yaw

Bump = tuple[Array | float, Array | float, float, float, Array | float]  # u, v, width, height, strength


def paint_backdrop(image: Array, canvas: Canvas, view: Values) -> None:
    """A wall with a slope of light and one large soft patch."""
    image += view["backdrop"] + view["backdrop_slope"] * canvas.x
    patch = ellipse(canvas.x - view["backdrop_x"], canvas.y - view["backdrop_y"], 0.55, 0.8)
    paint(image, 0.5 * fill(patch, 0.15), 1.0 - view["backdrop"])


def outline(canvas: Canvas, person: Values, units: Values) -> Array:
    """Signed distance to the skull with its jaw; the jaw drop lengthens it."""
    chin = person["chin"] + 0.11 * units["AU26"]
    lower = np.clip(canvas.head_y, 0.0, None)
    taper = 1.0 - (1.0 - person["jaw_width"]) * 0.6 * (lower / chin) ** 3
    height = np.where(canvas.head_y < 0.0, np.float32(1.12), chin)
    return ellipse(canvas.head_x / taper, canvas.head_y, person["face_width"], height)


def paint_behind(image: Array, canvas: Canvas, person: Values, view: Values) -> None:
    """Shirt, neck, ears and the hair that falls behind them."""
    x, y = canvas.head_x, canvas.head_y
    body_x = x + CHIN_SWING * view["yaw"] * np.clip(y, 0.0, 1.0)
    grown = np.clip(person["hair_length"] * 1.8 - 0.9, 0.0, 0.9) * (person["bald_draw"] >= BALD)
    back = rounded_box(x, y + 0.25 - grown * 0.5, person["face_width"] + 0.10, 0.85 + grown * 0.55, 0.6)
    paint(image, fill(back, canvas.pixel) * (grown > 0.0), person["hair_tone"] * 0.85)
    paint(
        image, fill(rounded_box(body_x, y - 1.15, 0.36, 0.5, 0.1), canvas.pixel), person["skin_tone"] * 0.62
    )
    paint(image, fill(ellipse(body_x, y - 1.75, 1.25, 0.62), canvas.pixel), view["shirt_tone"])
    for side in (-1.0, 1.0):
        ear = ellipse(x - side * (person["face_width"] + 0.01), y - 0.02 + view["pitch"], 0.085, 0.17)
        paint(image, fill(ear, canvas.pixel), person["skin_tone"] * 0.78)


def bumps(person: Values, units: Values, view: Values) -> Iterator[Bump]:
    """The relief of the face as Gaussian hills and hollows."""
    eye, depth, tip = person["eye_gap"], person["nose_depth"], person["nose_length"]
    swing = NOSE_SWING * view["yaw"]
    yield 0.0, 0.0, 0.085, 0.22, 0.050 * depth
    yield swing, tip - 0.03, 0.115, 0.10, 0.075 * depth
    yield 0.0, -0.40, 0.45, 0.10, 0.022
    yield 0.0, person["mouth_height"], 0.30, 0.18, 0.030
    yield 0.0, 0.84 + 0.1 * units["AU26"], 0.20, 0.12, 0.030
    lifted = 0.6 * units["AU6"] + 0.4 * units["AU12"]
    for side in (-1.0, 1.0):
        yield side * eye, person["eye_height"] - 0.02, 0.17, 0.13, -0.035
        yield side * 0.40, 0.20 - 0.05 * lifted, 0.19, 0.17, 0.022 + 0.045 * lifted


def light(canvas: Canvas, person: Values, units: Values, view: Values) -> Array:
    """Brightness of the skin, about 1: Lambert's law on an ellipsoid with the bumps of the face."""
    normal_x = canvas.head_x / RADIUS_X
    normal_y = canvas.head_y / RADIUS_Y
    for centre_u, centre_v, width, height, strength in bumps(person, units, view):
        across, along = (canvas.u - centre_u) / width, (canvas.v - centre_v) / height
        hill = strength * np.exp(-0.5 * (across**2 + along**2))
        normal_x = normal_x + hill * across / width
        normal_y = normal_y + hill * along / height
    depth_squared = np.maximum(1.0 - (canvas.head_x / RADIUS_X) ** 2 - (canvas.head_y / RADIUS_Y) ** 2, 0.08)
    length = np.sqrt(normal_x**2 + normal_y**2 + depth_squared)
    side = view["light_side"]
    light_x, light_y = side * np.sin(view["light_angle"]), -side * np.cos(view["light_angle"]) * 0.8
    front = np.sqrt(1.0 - side**2)
    lambert = (normal_x * light_x + normal_y * light_y + np.sqrt(depth_squared) * front) / length
    brightness: Array = view["ambient"] + (1.12 - view["ambient"]) * np.maximum(lambert, 0.0)
    return brightness


def paint_skull(image: Array, canvas: Canvas, person: Values, units: Values, shade: Array) -> Array:
    """Coverage of the head; paints its skin, the shadow under the nose, and the beard."""
    cover = fill(outline(canvas, person, units), canvas.pixel)
    paint(image, cover, person["skin_tone"] * shade)
    low = person["mouth_height"] + 0.10 * units["AU26"]
    bearded = (person["beard_draw"] < BEARD) * (person["hair_length"] < 0.6)
    cheeks = fill(np.maximum(person["nose_length"] + 0.02 - canvas.v, 0.34 - np.abs(canvas.u)), 0.22)
    chin = fill(low + 0.12 - canvas.v, 0.14)
    lip = ellipse(
        canvas.u, canvas.v - 0.5 * (person["nose_length"] + person["mouth_height"]) - 0.03, 0.26, 0.06
    )
    growth = np.maximum(np.maximum(cheeks, chin), fill(lip, 0.08))
    paint(image, cover * growth * bearded * (0.25 + 0.6 * person["age"]), person["hair_tone"] * shade)
    return cover


def paint_hair(image: Array, canvas: Canvas, person: Values, shade: Array) -> None:
    """Hair around a window for the face, with strands; bald persons have none."""
    x, y, part = canvas.head_x, canvas.head_y, person["hair_part"]
    ends = 1.5 * person["hair_length"] - 0.70
    fall = np.clip((y + 0.7) / (ends + 0.7), 0.0, 1.0) ** 2
    skull = ellipse(x, y + 0.08, person["face_width"] + 0.06 - 0.06 * fall, 1.16)
    edge = person["hairline"] + 0.9 * part * canvas.u + person["hair_wave"] * np.cos(9.0 * (canvas.u - part))
    temple = person["face_width"] * (0.84 + 0.20 * fall)
    window = np.maximum(edge + 0.9 * canvas.u**4 - canvas.v, np.abs(canvas.u) - temple)
    hair = np.maximum(np.maximum(skull, -window), y - ends)
    angle = np.arctan2(x - part, 0.5 - y)
    strands = np.sin(person["hair_strands"] * angle + 5.0 * np.sin(7.0 * angle + 3.0 * y))
    tone = person["hair_tone"] * (0.45 + 0.55 * shade) * (1.0 + 0.12 * strands)
    paint(image, fill(hair, 0.05) * (person["bald_draw"] >= BALD), tone)


def paint_contour(image: Array, canvas: Canvas, person: Values, units: Values) -> None:
    """A faint dark rim where the jaw turns away."""
    rim = line(outline(canvas, person, units), 0.012, canvas.pixel) * fill(-0.1 - canvas.head_y, 0.3)
    image *= 1.0 - 0.22 * rim
