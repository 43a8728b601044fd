"""What varies between persons and between pictures, and the range each value is drawn from, uniformly.

Lengths are in face units (the face is about 2 high), angles in radians, tones in [0, 1]; `*_draw` values
decide by a threshold.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from paper_kit.data.faces.shapes import Array, column

Values = Mapping[str, Array]
Range = tuple[float, float]

PERSON: dict[str, Range] = {
    "face_width": (0.701, 0.779),
    "jaw_width": (0.615, 0.835),
    "chin": (0.953, 1.016),
    "skin_tone": (0.606, 0.865),
    "hair_tone": (0.03, 0.5),
    "hair_length": (0.0, 1.0),
    "hairline": (-0.80, -0.56),
    "hair_part": (-0.22, 0.22),
    "hair_wave": (-0.05, 0.07),
    "hair_strands": (20.0, 45.0),
    "bald_draw": (0.0, 1.0),
    "beard_draw": (0.0, 1.0),
    "glasses_draw": (0.0, 1.0),
    "eye_gap": (0.308, 0.342),
    "eye_height": (-0.175, -0.126),
    "eye_width": (0.159, 0.176),
    "eye_open": (0.077, 0.092),
    "eye_tilt": (-0.007, 0.017),
    "iris_tone": (0.02, 0.40),
    "brow_gap": (0.163, 0.187),
    "brow_thickness": (0.027, 0.041),
    "brow_arch": (0.014, 0.041),
    "brow_slant": (-0.01, 0.01),
    "nose_length": (0.225, 0.274),
    "nose_width": (0.125, 0.155),
    "nose_depth": (0.6, 1.3),
    "mouth_height": (0.52, 0.559),
    "mouth_width": (0.3, 0.339),
    "mouth_curve": (-0.007, 0.007),
    "lip_thickness": (0.048, 0.072),
    "lip_tone": (0.614, 0.736),
    "age": (0.0, 1.0),
}

PICTURE: dict[str, Range] = {
    "yaw": (-0.18, 0.18),
    "pitch": (-0.08, 0.08),
    "roll": (-0.09, 0.09),
    "zoom": (0.781, 0.859),
    "shift_x": (-0.125, 0.125),
    "shift_y": (-0.125, 0.125),
    "light_angle": (-3.1416, 3.1416),
    "light_side": (0.32, 0.68),
    "ambient": (0.46, 0.64),
    "exposure": (0.45, 0.57),
    "contrast": (0.19, 0.25),
    "gaze_x": (-0.4, 0.4),
    "gaze_y": (-0.25, 0.25),
    "backdrop": (0.08, 0.85),
    "backdrop_slope": (-0.25, 0.25),
    "backdrop_x": (-1.2, 1.2),
    "backdrop_y": (-1.2, 0.6),
    "shirt_tone": (0.05, 0.9),
    "blur": (0.2, 0.8),
    "noise": (0.004, 0.022),
    "cover_draw": (0.0, 1.0),
    "cover_kind": (0.0, 1.0),
    "cover_x": (-1.0, 1.0),
    "cover_y": (-1.0, 1.0),
    "cover_angle": (-1.0, 1.0),
    "cover_size": (0.18, 0.34),
    "cover_tone": (0.05, 0.95),
}


def spread(uniform_NM: Array, ranges: Mapping[str, Range]) -> dict[str, Array]:
    """Values by name, each (N, 1, 1): column m of `uniform_NM` in [0, 1) laid over the m-th range."""
    return {
        name: column(low + (high - low) * uniform_NM[:, m])
        for m, (name, (low, high)) in enumerate(ranges.items())
    }


def take(values: Values, rows: npt.NDArray[np.intp]) -> Values:
    """The values of these faces."""
    return {name: value[rows] for name, value in values.items()}


def standard_deviation(bounds: Range) -> float:
    """Standard deviation of a uniform draw between the bounds."""
    return float((bounds[1] - bounds[0]) / np.sqrt(12.0))
