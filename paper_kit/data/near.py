"""Near copies: images of two sets that are one picture, shifted, mirrored, brighter or compressed again.

A coarse picture of each image finds candidates by one matrix product; the best correlation over small shifts
of the whole image then ranks them. Threshold and settings are measured by benchmarks/near.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 1  # raised when the same images give other pairs
SIDE = 48  # pixels, FER2013's own; other images are scaled to it
COARSE = 12  # pixels of the coarse picture: blocks of 4 lose little by a shift of one pixel
CUT = (
    0.88  # coarse correlation of a candidate: 98 % of faces keep it when shifted, or brightened by a quarter
)
KEPT = 8  # candidates of one image: an original is among the first, frames of one video could be thousands
SHIFT = 2  # pixels in each direction that a copy may be moved
# Of 1,000 drawn faces at most one reaches it by a face of another person; copies that are moved, mirrored,
# compressed at quality 50 or brightened by a fifth stay above it; on FER2013 all pairs above are one photo.
NEAR = 0.95
DARK, BRIGHT = 2, 253  # grey levels beyond which brightening may have cut off what was there
UNCUT = 0.5  # share of pixels that must lie between them for a correlation of these alone
BLOCK, CHUNK = 512, 1024  # rows of one matrix product, pairs correlated at a time: both below 100 MB

SCAN: dict[str, float | int | str] = {
    "version": VERSION,
    "threshold": NEAR,
    "side_px": SIDE,
    "shift_px": SHIFT,
    "coarse_px": COARSE,
    "coarse_cut": CUT,
    "candidates": KEPT,
}
Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Images as grey (N, 48, 48) uint8, and their coarse pictures (N, 144) with mean 0 and norm 1."""

    grey: Grey  # NHW
    coarse: Floats  # ND


@dataclass(frozen=True)
class Pair:
    """Places of two images in their sets, their score from 0 to 1, and whether one is mirrored."""

    left: int
    right: int
    score: float
    mirrored: bool


def prepare(images: NDArray[Any]) -> Prepared:
    """Images (N, H, W) or (N, H, W, 3) uint8, ready to be compared."""
    grey_NHW = _grey(images)
    side = SIDE // COARSE
    coarse_ND = np.empty((len(grey_NHW), COARSE * COARSE), dtype=np.float32)
    for rows in _slices(len(grey_NHW), CHUNK):
        blocks = grey_NHW[rows].reshape(-1, COARSE, side, COARSE, side)
        coarse_ND[rows] = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(-1, COARSE * COARSE)
    coarse_ND -= coarse_ND.mean(axis=1, keepdims=True)
    coarse_ND /= np.maximum(np.linalg.norm(coarse_ND, axis=1, keepdims=True), 1e-3)
    return Prepared(grey_NHW, coarse_ND)


def near_pairs(left: Prepared, right: Prepared) -> tuple[Pair, ...]:
    """Pairs with a score of at least NEAR, best first; images with the same pixels score 1."""
    best: dict[tuple[int, int], Pair] = {}
    for mirrored in (False, True):
        lefts, rights = _candidates(left, right, mirrored)
        for rows in _slices(len(lefts), CHUNK):
            images = left.grey[lefts[rows]]
            scores = similarity(images[:, :, ::-1] if mirrored else images, right.grey[rights[rows]])
            for place in np.flatnonzero(scores >= NEAR).tolist():
                at = int(lefts[rows][place]), int(rights[rows][place])
                pair = Pair(*at, float(scores[place]), mirrored)
                best[at] = max(best.get(at, pair), pair, key=lambda each: each.score)
    return tuple(sorted(best.values(), key=lambda pair: (-pair.score, pair.left, pair.right)))


def similarity(left_PHW: Grey, right_PHW: Grey) -> Floats:
    """The score (P,) of each pair of grey images: the best correlation over shifts, 0 where it is negative.

    At the best shift the pixels that are cut off at black or white in neither image are correlated alone too,
    where they are half of all, since brightening changes only the others; the higher correlation counts.
    """
    left, right = left_PHW.astype(np.float32), right_PHW.astype(np.float32)
    height, width = (side - 2 * SHIFT for side in left.shape[1:])
    inner = left[:, SHIFT : SHIFT + height, SHIFT : SHIFT + width]
    centred = inner - inner.mean(axis=(1, 2), keepdims=True)
    left_norm = np.sqrt(np.einsum("phw,phw->p", centred, centred))
    best = np.full(len(left), -1.0, dtype=np.float32)
    window = np.zeros_like(inner)
    for dy, dx in np.ndindex(2 * SHIFT + 1, 2 * SHIFT + 1):
        moved = right[:, dy : dy + height, dx : dx + width]
        spread = np.einsum("phw,phw->p", moved, moved) - moved.sum(axis=(1, 2)) ** 2 / (height * width)
        norms = left_norm * np.sqrt(np.maximum(spread, 1.0))
        found = np.einsum("phw,phw->p", centred, moved) / np.maximum(norms, 1.0)
        better = found > best
        best[better], window[better] = found[better], moved[better]
    scores = np.clip(np.maximum(best, _uncut_correlation(inner, window)), 0.0, 1.0)
    return np.asarray(scores, dtype=np.float32)


def _uncut_correlation(left_PHW: Floats, right_PHW: Floats) -> Floats:
    """The correlation (P,) of the pixels that are neither black nor white in either image; -1 for too few."""
    low, high = np.minimum(left_PHW, right_PHW), np.maximum(left_PHW, right_PHW)
    uncut = ((low > DARK) & (high < BRIGHT)).astype(np.float32)
    counts = uncut.sum(axis=(1, 2))

    def centred(values_PHW: Floats) -> Floats:
        means = (values_PHW * uncut).sum(axis=(1, 2)) / np.maximum(counts, 1)
        return np.asarray((values_PHW - means[:, None, None]) * uncut, dtype=np.float32)

    left, right = centred(left_PHW), centred(right_PHW)
    squares = np.einsum("phw,phw->p", left, left) * np.einsum("phw,phw->p", right, right)
    found = np.einsum("phw,phw->p", left, right) / np.sqrt(np.maximum(squares, 1.0))
    enough = counts >= UNCUT * left[0].size if len(left) else counts > 0
    return np.where(enough, found, np.float32(-1))


def _candidates(
    left: Prepared, right: Prepared, mirrored: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places (left, right) of the pairs whose coarse pictures correlate, at most KEPT of each left image."""
    coarse_ND = left.coarse
    if mirrored:
        coarse_ND = coarse_ND.reshape(-1, COARSE, COARSE)[:, :, ::-1].reshape(coarse_ND.shape)
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows in _slices(len(coarse_ND), BLOCK):
        found = coarse_ND[rows] @ right.coarse.T
        at, other = np.nonzero(found >= CUT)
        order = np.lexsort((-found[at, other], at))
        at, other = at[order], other[order]
        first = np.searchsorted(at, at)  # where the candidates of the same image begin
        kept = np.arange(len(at)) - first < KEPT
        lefts.append(at[kept] + rows.start)
        rights.append(other[kept])
    return np.concatenate(lefts), np.concatenate(rights)


def _grey(images: NDArray[Any]) -> Grey:
    """The images as grey (N, 48, 48) uint8."""
    if images.shape[1:] == (SIDE, SIDE):
        return np.asarray(images)
    scaled = np.empty((len(images), SIDE, SIDE), dtype=np.uint8)
    for place, image in enumerate(images):
        picture = Image.fromarray(np.asarray(image)).convert("L")
        scaled[place] = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))
    return scaled


def _slices(count: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
