"""Looks tell models apart: in colour, for the colour-blind, in grey print, and when there are many."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from paper_kit.analysis.style import COLOURS, SMALLEST_PT, TINY_PT, Style

# Machado, Oliveira and Fernandes 2009, table 1, severity 1.0, on linear RGB.
VISION = {
    "all_cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
LAB_APART = 15.0  # CIE 1976; 2.3 is just noticeable side by side
GREY_APART = 15.0  # L*


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """CIELAB of a hex colour (sRGB, D65) as seen through the matrix."""
    rgb = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.clip(seen @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_colours_differ_however_they_are_seen(vision):
    seen = [lab(colour, VISION[vision]) for colour in COLOURS]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) >= LAB_APART


def test_in_grey_two_looks_differ_in_lightness_or_in_line_and_always_in_marker():
    looks = [Style().look(place) for place in range(8)]
    for one, other in combinations(looks, 2):
        lighter = abs(lab(one.colour, np.eye(3))[0] - lab(other.colour, np.eye(3))[0])
        assert lighter >= GREY_APART or one.line != other.line
        assert one.marker != other.marker


def test_looks_beyond_the_eighth_still_differ():
    looks = {(look.colour, look.marker) for look in map(Style().look, range(64))}
    assert len(looks) == 64
    lines = {(look.colour, str(look.line)) for look in map(Style().look, range(32))}
    assert len(lines) == 32


def test_no_venue_makes_type_smaller_than_can_be_read():
    assert Style(size_pt=6).small_pt == SMALLEST_PT >= TINY_PT >= 6
