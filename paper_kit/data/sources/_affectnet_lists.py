"""AffectNet's own annotations: one file of numbers an image, or two CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from paper_kit.core.errors import InputError
from paper_kit.data.sources._boxes import Box, boxed
from paper_kit.data.sources._decode import SUFFIXES, Bad
from paper_kit.data.sources._layout import SPLIT_FOLDERS
from paper_kit.data.sources._listing import Listing, listing_of
from paper_kit.data.sources._tree import Reader, Tree

CLASSES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")  # ids 0 to 7
HIGHEST = 10  # 8 none, 9 uncertain, 10 no face
FOLDERS = {
    **{name: name for name in CLASSES},
    **{str(label): name for label, name in enumerate(CLASSES)},
    **{"happiness": "happy", "sadness": "sad", "angry": "anger", "surprised": "surprise"},
    **{"fearful": "fear", "disgusted": "disgust"},
}
FILES = {"training.csv": "train", "validation.csv": "test"}
SETS = {"train_set": "train", "val_set": "test"}
PATH, LABEL = "subDirectory_filePath", "expression"
BOX = ("face_x", "face_y", "face_width", "face_height")
EXPRESSION = "_exp.npy"

Key = tuple[str, ...]  # the last two parts of an image's path
Pairs = dict[str, list[tuple[PurePosixPath, int]]]  # split -> (file, label)


@dataclass(frozen=True)
class Found:
    """Train and test with their files, the tree through which to read them, and what is amiss."""

    tree: Tree
    listings: dict[str, Listing]
    bad: Bad


def from_annotations(tree: Tree, classes: int) -> Found:
    """The images beside which an annotation of one of the first `classes` ids stands."""
    images = {
        (file.parent.parent, file.stem): file
        for file in tree.files
        if file.suffix.lower() in SUFFIXES and file.parent.name == "images"
    }
    pairs: Pairs = {"train": [], "test": []}
    bad: list[tuple[str, str]] = []
    with tree.reader() as reader:
        for note in (file for file in tree.files if file.name.endswith(EXPRESSION)):
            home = note.parent.parent
            split = _set(home.name)
            label = _number(reader, note)
            file = images.get((home, note.name.removesuffix(EXPRESSION)))
            if label is None:
                bad.append((tree.shown(note), f"no expression from 0 to {HIGHEST} can be read"))
            elif label < classes and split and file is not None:
                pairs[split].append((file, label))
            elif label < classes and split:
                bad.append((tree.shown(note), "an annotation without its image"))
    return Found(tree, _listings(tree, pairs, "train_set/ and val_set/"), tuple(bad))


def csv_files(tree: Tree) -> dict[str, PurePosixPath]:
    """Split -> CSV, of those that lie in the tree."""
    return {split: file for file in tree.files if (split := FILES.get(file.name.lower(), ""))}


def from_csv(tree: Tree, lists: Mapping[str, PurePosixPath], classes: int) -> Found:
    """The listed images that are there, each read through the box of its face."""
    missing = [name for name, split in FILES.items() if split not in lists]
    if missing:
        raise InputError(f"{tree.root}: no {missing[0]} beside the other list; both are needed.")
    images = {file.parts[-2:]: file for file in tree.files if file.suffix.lower() in SUFFIXES}
    pairs: Pairs = {"train": [], "test": []}
    boxes: dict[PurePosixPath, Box] = {}
    bad: list[tuple[str, str]] = []
    seen: set[Key] = set()
    for split, name in sorted(lists.items()):
        for line, row in _rows(tree, name):
            where = f"{tree.shown(name)} line {line}"
            key, label = PurePosixPath(row[PATH].strip()).parts[-2:], _label(row[LABEL])
            why = _fault(label, key, images, seen)
            if why:
                bad.append((where, why))
            elif label is not None and label < classes:
                seen.add(key)
                pairs[split].append((images[key], label))
                boxes |= _box(images[key], row)
    listings = _listings(tree, pairs, "the folders that the lists name, such as Manually_Annotated_Images/")
    return Found(boxed(tree, boxes), listings, tuple(bad))


def _fault(
    label: int | None,
    key: tuple[str, ...],
    images: Mapping[tuple[str, ...], object],
    seen: set[tuple[str, ...]],
) -> str:
    """Why a row cannot be used; "" where it can, or names no expression of a face."""
    if label is None:
        return f"the expression is no number from 0 to {HIGHEST}"
    if label < len(CLASSES) and key not in images:
        return f"the image {'/'.join(key)} is listed, but not there"
    return f"the image {'/'.join(key)} is listed twice" if key in seen else ""


def _rows(tree: Tree, name: PurePosixPath) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of a CSV; InputError where a column is missing."""
    with tree.reader() as reader:
        text = reader.read(name).decode("utf-8-sig", errors="replace")
    rows = csv.DictReader(io.StringIO(text), restval="")
    absent = [column for column in (PATH, LABEL) if column not in (rows.fieldnames or ())]
    if absent:
        found = ", ".join((rows.fieldnames or ["nothing"])[:9])
        raise InputError(
            f"{tree.shown(name)}: no column {' and '.join(absent)}; the first line is {found}. "
            "Take the file as AffectNet's authors give it, with its header."
        )
    yield from enumerate(rows, start=2)


def _label(text: str) -> int | None:
    """The id of an expression; None where it is none."""
    text = text.strip()
    return int(text) if text.isdecimal() and int(text) <= HIGHEST else None


def _box(file: PurePosixPath, row: Mapping[str, str]) -> dict[PurePosixPath, Box]:
    """The box of the face that the row gives for its file; nothing where it gives none."""
    try:
        x, y, width, height = (float(row[column]) for column in BOX)
    except (KeyError, ValueError):
        return {}
    return {file: (x, y, x + width, y + height)} if width > 0 and height > 0 else {}


def _number(reader: Reader, note: PurePosixPath) -> int | None:
    """The id in an annotation, which is a number or a text; None where it is unreadable."""
    try:
        held = np.load(io.BytesIO(reader.read(note)), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    text = str(held.item()) if held.size == 1 else ""
    return _label(text.removesuffix(".0"))


def _set(folder: str) -> str:
    """train, or test for the official validation set; "" for another folder."""
    name = folder.lower()
    known = SPLIT_FOLDERS.get(name.removesuffix("_set").replace("_", ""), "")
    return SETS.get(name) or {"train": "train", "validation": "test"}.get(known, "")


def _listings(tree: Tree, pairs: Pairs, expected: str) -> dict[str, Listing]:
    absent = [split for split, found in pairs.items() if not found]
    if absent:
        names = " and ".join("train" if one == "train" else "the official validation set" for one in absent)
        raise InputError(
            f"{tree.root}: no annotated image of {names} is here; expected {expected} below it. Add them."
        )
    return {split: listing_of(found) for split, found in pairs.items()}
