"""From lists of files and labels to decoded splits, with a validation split made from train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.data.card import Card
from paper_kit.data.known import known, same_class, splits_differ
from paper_kit.data.sources import SPLITS, Splits
from paper_kit.data.sources._decode import SUFFIXES, Bad, decode_split
from paper_kit.data.sources._tree import Tree, tree_of
from paper_kit.data.split import stratified_split

Listing = tuple[list[PurePosixPath], NDArray[np.int64]]  # files and their labels
SMALLEST, LARGEST = 8, 1024  # pixels a side that are decoded


def images_below(root: Path, name: str, expected: str, size: int) -> Tree:
    """The tree of a dataset's folder or zip; InputError where it holds no images, or the size is odd."""
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"{name}: size = {size}; expected {SMALLEST} to {LARGEST} pixels.")
    tree = tree_of(root)
    if not any(file.suffix.lower() in SUFFIXES for file in tree.files):
        inside = ", ".join(sorted({part.parts[0] for part in (*tree.folders, *tree.files)})[:8]) or "nothing"
        zips = [tree.shown(file) for file in tree.files if file.suffix.lower() == ".zip"]
        unpack = f" Unpack {zips[0]} first." if zips else ""
        raise InputError(f"{root}: no images here, only {inside}; expected {expected}.{unpack}")
    return tree


def listing_of(pairs: Sequence[tuple[PurePosixPath, int]]) -> Listing:
    """The files and their labels (N,), in the order of the files' names."""
    ordered = sorted(pairs)
    return [file for file, _ in ordered], np.array([label for _, label in ordered], dtype=np.int64)


def with_validation(
    name: str, listings: Mapping[str, Listing], classes: Sequence[str], share: float, seed: int
) -> dict[str, Listing]:
    """Train, validation and test; a missing validation is this share of train, stratified and seeded.

    InputError where train lacks a class, or has too few images of one.
    """
    files, labels = listings["train"]
    counts = np.bincount(labels, minlength=len(classes))
    needed = 1 if "validation" in listings else 2
    if counts.min() < needed:
        few = ", ".join(f"{title!r} {n}" for title, n in zip(classes, counts, strict=True) if n < needed)
        raise InputError(
            f"{name}: too few training images of {few}; at least {needed} of each class are needed. "
            "Complete the folder."
        )
    if "validation" in listings:
        return {split: listings[split] for split in SPLITS}
    parts = stratified_split(labels, {"validation": share}, seed)
    made = {part: ([files[row] for row in rows], labels[rows]) for part, rows in parts.items()}
    return {"train": made["train"], "validation": made["validation"], "test": listings["test"]}


def decoded(
    card: Card, tree: Tree, listings: Mapping[str, Listing], size: int, channels: int, bad: Bad = ()
) -> Splits:
    """The splits of the readable files; what could not be read is added to `bad`."""
    parts = {name: decode_split(tree, *listings[name], size, channels) for name in SPLITS}
    unreadable = tuple(item for _, found in parts.values() for item in found)
    train, validation, test = (split for split, _ in parts.values())
    return Splits(
        card=card, train=train, validation=validation, test=test, bad=(*bad, *unreadable), read=(tree.root,)
    )


def official_counts(name: str, classes: Sequence[str]) -> dict[str, dict[str, int]] | None:
    """Split -> class -> images, where the field knows them of this dataset."""
    field = known(name)
    if field is None:
        return None
    spelled = {same_class(title): title for title in classes}
    return {
        split: {spelled[same_class(title)]: count for title, count in row.items()}
        for split, row in field.counts.items()
    }


def differs(name: str, given: Mapping[str, Listing], classes: Sequence[str]) -> str:
    """How the listed images differ from the official ones of `name`, "" where they agree."""
    field = known(name)
    if field is None:
        return ""
    found: dict[str, dict[str, int]] = {
        split: dict(zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True))
        for split, (_, labels) in given.items()
    }
    sentences = list(splits_differ(found, field.counts))
    train = sum(len(given[split][0]) for split in ("train", "validation") if split in given)
    wanted: Any = field.sizes.get("train")
    if wanted and train != wanted:
        sentences.append(f"train: {train:,} images (official {wanted:,})")
    return "; ".join(sentences)
