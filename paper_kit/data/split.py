"""Seeded, stratified choices of images: subsets, splits, and splits that keep a person on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError

Indices = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]


def stratified_subset(labels: Labels, size: float | int, seed: int) -> Indices:
    """Sorted indices (n,) of a subset with the classes in proportion, at least one image of each.

    `size` is a fraction (float, 0 to 1) or a count (int). With one seed a smaller subset lies inside a
    larger one.
    """
    fraction = isinstance(size, float)
    limit = 1.0 if fraction else len(labels)
    if not 0 < size <= limit:
        raise InputError(f"A subset of {size} was asked for; expected more than 0 and at most {limit}.")
    count = max(1, round(size * len(labels))) if fraction else int(size)
    return np.sort(_order(labels, seed)[: max(count, len(np.unique(labels)))])


def stratified_split(labels: Labels, fractions: Mapping[str, float], seed: int) -> dict[str, Indices]:
    """Name -> sorted indices: each of `fractions`, then "train" with the rest; the classes in proportion.

    InputError where a class has fewer images than there are parts.
    """
    _check(fractions)
    present, counts = np.unique(labels, return_counts=True)
    if counts.size and counts.min() <= len(fractions):
        raise InputError(
            f"Class {present[counts.argmin()]} has {counts.min()} images; a split into "
            f"{_listed([*fractions, 'train'])} needs at least {len(fractions) + 1} of each class. Add images."
        )
    rest = np.arange(len(labels))
    parts: dict[str, Indices] = {}
    for step, (name, fraction) in enumerate(fractions.items()):
        count = min(max(1, round(fraction * len(labels))), len(rest) - len(present))
        chosen = stratified_subset(labels[rest], count, seed + step)
        parts[name] = rest[chosen]
        rest = np.delete(rest, chosen)
    return {**parts, "train": rest}


def subject_split(
    labels: Labels, subjects: Sequence[str], fractions: Mapping[str, float], seed: int
) -> dict[str, Indices]:
    """Name -> sorted indices as in `stratified_split`, with all images of a subject in one part.

    Subjects are dealt out greedily, those with most images first, each to the part that then lies nearest
    to its share of every class. InputError where there are fewer subjects than parts.
    """
    _check(fractions)
    names, member = np.unique(np.asarray(subjects, dtype=np.str_), return_inverse=True)
    parts = [*fractions, "train"]
    if len(names) < len(parts):
        raise InputError(
            f"{len(names)} subjects were found ({_listed(names.tolist())}); a split into {_listed(parts)} "
            f"needs at least {len(parts)}. Check the pattern of `subject`."
        )
    counts_SK = np.zeros((len(names), int(labels.max()) + 1))
    np.add.at(counts_SK, (member, labels), 1)
    shares_P = np.array([*fractions.values(), 1 - sum(fractions.values())])
    home_S = _deal(counts_SK, shares_P, seed)
    return {part: np.flatnonzero(home_S[member] == place) for place, part in enumerate(parts)}


def _deal(counts_SK: NDArray[np.float64], shares_P: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """The part (S,) of each subject."""
    counts_SK = counts_SK / np.maximum(counts_SK.sum(axis=0), 1)
    shuffled = np.argsort(_random(len(counts_SK), seed), kind="stable")
    order = shuffled[np.argsort(-counts_SK[shuffled].sum(axis=1), kind="stable")]
    have_PK = np.zeros((len(shares_P), counts_SK.shape[1]))
    home_S = np.full(len(counts_SK), -1)
    for turn, subject in enumerate(order):
        gain_P = ((shares_P[:, None] - have_PK) * counts_SK[subject]).sum(axis=1) / shares_P
        empty = [part for part in range(len(shares_P)) if part not in home_S]
        if len(order) - turn <= len(empty):
            gain_P[[part for part in range(len(shares_P)) if part not in empty]] = -np.inf
        home_S[subject] = int(np.argmax(gain_P))
        have_PK[home_S[subject]] += counts_SK[subject]
    return home_S


def _order(labels: Labels, seed: int) -> Indices:
    """All indices, so that any first n hold the classes in proportion, and one of each class comes first.

    The image of random rank r in a class of n stands at (r + 1/2) / n: Sainte-Lague's rule as an order.
    """
    place = np.empty(len(labels))
    keys = _random(len(labels), seed)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank = np.argsort(np.argsort(keys[members], kind="stable"), kind="stable")
        place[members] = np.where(rank == 0, -1.0, (rank + 0.5) / len(members))
    return np.lexsort((keys, place))


def _random(count: int, seed: int) -> NDArray[np.uint64]:
    """Random numbers (count,) that stay the same over numpy versions: only raw bits are promised to."""
    if seed < 0:
        raise InputError(f"The seed is {seed}; expected 0 or more.")
    return np.atleast_1d(np.random.PCG64(seed).random_raw(count))


def _check(fractions: Mapping[str, float]) -> None:
    if any(not 0 < share < 1 for share in fractions.values()) or sum(fractions.values()) >= 1:
        raise InputError(
            f"Fractions {dict(fractions)} were given; expected each between 0 and 1 and a sum below 1."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
