"""Which split and class each image file of a tree belongs to, read from its folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.data.sources import SPLITS
from paper_kit.data.sources._decode import SUFFIXES
from paper_kit.data.sources._tree import Tree

SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "public", "publictest"), "validation"),
    **dict.fromkeys(("test", "testing", "private", "privatetest"), "test"),
}
WHOLE = "all"  # the only split of a tree that has class folders and no split folders

Below = Mapping[PurePosixPath, list[PurePosixPath]]  # folder -> the folders in it
Files = dict[str, tuple[PurePosixPath, ...]]  # class -> files


@dataclass(frozen=True)
class ClassFolder:
    """A folder of the images of one class in one split."""

    path: PurePosixPath
    split: str
    name: str


def layout_of(tree: Tree, class_of: Callable[[str], str] = str) -> dict[str, Files]:
    """Split -> class -> files of a tree of `split/class/*`, or `WHOLE` -> class -> files of `class/*`.

    `class_of` gives the class that a folder's name stands for, "" for none. InputError lists all problems.
    """
    below: Below = defaultdict(list)
    for folder in tree.folders:
        below[folder.parent].append(folder)
    top = _top(tree, below)
    folders = [
        ClassFolder(folder, split, class_of(folder.name))
        for home, split in _split_folders(tree, top, below).items()
        for folder in below[home]
    ]
    unknown = [tree.shown(folder.path) for folder in folders if not folder.name]
    if unknown:
        raise InputError(
            [f"{path}: not a class of this dataset; rename or move the folder." for path in unknown]
        )
    splits, stray = _sorted_in(tree, top, folders)
    problems = [
        f"{tree.shown(name)}: an image outside any class folder; move it into one." for name in stray[:5]
    ]
    problems += _empty(tree, folders, splits) + _uneven(tree, splits)
    if problems:
        raise InputError(problems)
    return splits


def listed(files: Files, classes: Sequence[str]) -> tuple[list[PurePosixPath], NDArray[np.int64]]:
    """The files class by class, and their labels (N,)."""
    counts = [len(files.get(name, ())) for name in classes]
    return [file for name in classes for file in files.get(name, ())], np.repeat(
        np.arange(len(classes)), counts
    )


def _top(tree: Tree, below: Below) -> PurePosixPath:
    """The folder that holds the splits or classes: the root, or the only folder in it, and so on down."""
    top = PurePosixPath(".")
    while not any(map(_split_of, below[top])):
        inner = [child for child in below[top] if any(map(_split_of, below[child]))]
        if len(below[top]) == 1 and below[below[top][0]]:
            top = below[top][0]
        elif inner:
            names = " or ".join(tree.shown(child) for child in inner)
            raise InputError(f"{tree.root}: the splits lie further down. Give {names} as the root.")
        else:
            return top
    return top


def _split_of(folder: PurePosixPath) -> str:
    """train, validation, test, or "" for another folder."""
    return SPLIT_FOLDERS.get(folder.name.lower().replace("_", "").replace("-", ""), "")


def _split_folders(tree: Tree, top: PurePosixPath, below: Below) -> dict[PurePosixPath, str]:
    """The folders that hold class folders, each with its split; InputError if odd, double or empty."""
    homes = {child: split for child in below[top] if (split := _split_of(child))}
    if not homes:
        return {top: WHOLE}
    problems = [
        f"{tree.shown(child)}: not a split.{did_you_mean(child.name, SPLITS)} Rename or move the folder."
        for child in below[top]
        if child not in homes
    ]
    for split in SPLITS:
        same = [child for child, known in homes.items() if known == split]
        if len(same) > 1:
            names = " and ".join(child.name for child in same)
            problems.append(f"{tree.root}: {names} are both the {split} split; keep one of them.")
        elif same and not below[same[0]]:
            problems.append(f"{tree.shown(same[0])}: no class folders in it; fill the folder or remove it.")
    if "train" not in homes.values():
        names = ", ".join(child.name for child in homes)
        problems.append(f"{tree.root}: no train folder, only {names}; add it or rename one.")
    if problems:
        raise InputError(problems)
    return homes


def _sorted_in(
    tree: Tree, top: PurePosixPath, folders: list[ClassFolder]
) -> tuple[dict[str, Files], list[PurePosixPath]]:
    """The image files by split and class, and the images below `top` that are in no class folder."""
    found: dict[str, dict[str, list[PurePosixPath]]] = defaultdict(dict)
    for folder in folders:
        found[folder.split].setdefault(folder.name, [])
    known = {folder.path.parts: folder for folder in folders}
    depths = sorted({len(parts) for parts in known})
    stray = []
    for file in tree.files:
        if file.suffix.lower() not in SUFFIXES or file.parts[: len(top.parts)] != top.parts:
            continue
        home = next((known[file.parts[:depth]] for depth in depths if file.parts[:depth] in known), None)
        if home is None:
            stray.append(file)
        else:
            found[home.split][home.name].append(file)
    splits = {split: {name: tuple(files) for name, files in row.items()} for split, row in found.items()}
    return splits, stray


def _empty(tree: Tree, folders: list[ClassFolder], splits: Mapping[str, Files]) -> list[str]:
    kinds = " ".join(sorted(SUFFIXES))
    return [
        f"{tree.shown(folder.path)}: this class folder holds no images ({kinds}). "
        "Put images into it, or remove the folder from every split."
        for folder in folders
        if not splits[folder.split][folder.name]
    ]


def _uneven(tree: Tree, splits: Mapping[str, Files]) -> list[str]:
    """A sentence for each class that a split lacks, and one where there are fewer than two classes."""
    classes = {name for files in splits.values() for name in files}
    found = [
        f"{tree.root}: the split {split!r} has no folder for the class {name!r}, which another split has."
        f"{did_you_mean(name, set(files) - {name})} Every split needs the same class folders."
        for split, files in splits.items()
        for name in sorted(classes - set(files))
    ]
    if len(classes) < 2:
        names = ", ".join(map(repr, sorted(classes))) or "none"
        found.append(
            f"{tree.root}: at least 2 class folders are needed, found {names}. "
            "Expected split/class/*.png or class/*.png, such as train/happy/1.png."
        )
    return found
