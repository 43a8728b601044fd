"""Facial action units and the emotions that are made of them.

Names follow the Facial Action Coding System (Ekman and Friesen 1978); the prototypes follow EMFACS. An
intensity of 1 is the strongest movement that is drawn, 0 is a relaxed face.
"""

import numpy as np
import numpy.typing as npt

from paper_kit.data.faces.shapes import Array

UNITS: dict[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU7": "lid tightener",
    "AU9": "nose wrinkler",
    "AU12": "lip corner puller",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU45": "blink",
}
NAMES = tuple(UNITS)

# The FER2013 classes in its order, with the weight of each unit in the full expression.
EMOTIONS: dict[str, dict[str, float]] = {
    "angry": {"AU4": 1.0, "AU5": 0.5, "AU7": 0.8, "AU23": 0.9},
    "disgust": {"AU9": 1.0, "AU15": 0.6, "AU16": 0.8, "AU4": 0.3, "AU25": 0.4},
    "fear": {
        "AU1": 0.9,
        "AU2": 0.6,
        "AU4": 0.7,
        "AU5": 0.9,
        "AU7": 0.3,
        "AU20": 0.9,
        "AU25": 0.6,
        "AU26": 0.4,
    },
    "happy": {"AU6": 0.8, "AU12": 1.0, "AU25": 0.8},
    "sad": {"AU1": 0.8, "AU4": 0.5, "AU15": 0.8},
    "surprise": {"AU1": 0.9, "AU2": 0.9, "AU5": 0.8, "AU25": 0.6, "AU26": 0.9},
    "neutral": {},
}
CLASSES = tuple(EMOTIONS)

# Per class: how faint and how strong the expression is drawn (FER2013's sad faces are often hardly moved).
STRENGTH: dict[str, tuple[float, float]] = {
    "angry": (0.6, 1.1),
    "disgust": (0.6, 1.1),
    "fear": (0.6, 1.1),
    "happy": (0.5, 1.1),
    "sad": (0.35, 1.0),
    "surprise": (0.55, 1.1),
    "neutral": (0.0, 0.0),
}
DRAWS = 1 + 3 * len(UNITS)  # uniform draws that one expression takes
MISSING = 0.12  # chance that a unit of the prototype stays still
STRAY, STRAY_STRENGTH = 0.10, 0.40  # chance and largest strength of a unit that does not belong
BLINK = 0.04


def express(labels_N: npt.NDArray[np.int64], uniform_ND: Array, intensity: float) -> Array:
    """Unit intensities (N, U) in [0, 1] of pictures of these emotions, from `DRAWS` uniform draws each."""
    prototypes_KU = np.array(
        [[EMOTIONS[k].get(unit, 0.0) for unit in NAMES] for k in CLASSES], dtype=np.float32
    )
    low, high = np.array([STRENGTH[k] for k in CLASSES], dtype=np.float32)[labels_N].T
    strength_N = intensity * (low + (high - low) * uniform_ND[:, 0])
    vary_NU, miss_NU, stray_NU = np.split(uniform_ND[:, 1:], 3, axis=1)
    own_NU = prototypes_KU[labels_N] * strength_N[:, None] * (0.65 + 0.7 * vary_NU) * (miss_NU >= MISSING)
    strays_NU = STRAY_STRENGTH * vary_NU * (stray_NU < STRAY)
    units_NU: Array = np.clip(np.maximum(own_NU, strays_NU), 0.0, 1.0).astype(np.float32)
    units_NU[:, NAMES.index("AU45")] = stray_NU[:, NAMES.index("AU45")] < BLINK
    return units_NU


MIX_DRAWS = 2 * len(UNITS)
MIX_CHANCES_U = np.array([0.08 if unit == "AU45" else 0.4 for unit in NAMES])  # closed lids hide the eyes
MIX_WEAKEST = 0.3  # a unit that moves has an intensity uniform from here to 1
MIX_MEANS_U = MIX_CHANCES_U * (1.0 + MIX_WEAKEST) / 2.0
MIX_SQUARES_U = MIX_CHANCES_U * (1.0 + MIX_WEAKEST + MIX_WEAKEST**2) / 3.0  # mean square of an intensity


def mix(uniform_ND: Array) -> Array:
    """Unit intensities (N, U) in [0, 1], each unit by itself, from `MIX_DRAWS` uniform draws per picture."""
    moves_NU, strength_NU = np.split(uniform_ND, 2, axis=1)
    intensity_NU = MIX_WEAKEST + (1.0 - MIX_WEAKEST) * strength_NU
    mixed_NU: Array = np.where(moves_NU < MIX_CHANCES_U, intensity_NU, 0.0).astype(np.float32)
    return mixed_NU


def unit_variance(mixed_NU: Array) -> Array:
    """Intensities from `mix`, shifted and scaled to mean 0 and variance 1 over all that can be drawn."""
    scaled: Array = (mixed_NU - MIX_MEANS_U) / np.sqrt(MIX_SQUARES_U - MIX_MEANS_U**2)
    return scaled
