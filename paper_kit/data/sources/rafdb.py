"""RAF-DB (basic emotions): aligned faces of 100 x 100 pixels in 7 classes, with an official two-way split.

`root` is the folder "basic" as its authors give it, unpacked (`EmoLabel/list_patition_label.txt`, spelled so,
and `Image/aligned/train_00001_aligned.jpg` …), or a folder tree train|test/class/*.jpg with class names or
the numbers 1 to 7, or a zip of one of them. There is no official validation split: it is taken from train.

Source: Li, Deng, Du, CVPR 2017 (li2017reliable). Ids: 1 surprise, 2 fear, 3 disgust, 4 happy, 5 sad,
6 anger, 7 neutral.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from paper_kit.core.errors import InputError
from paper_kit.data.card import Card
from paper_kit.data.sources import Splits
from paper_kit.data.sources._decode import SUFFIXES, Bad
from paper_kit.data.sources._layout import WHOLE, layout_of, listed
from paper_kit.data.sources._listing import (
    Listing,
    decoded,
    differs,
    images_below,
    listing_of,
    official_counts,
    with_validation,
)
from paper_kit.data.sources._tree import Tree

CLASSES = ("surprise", "fear", "disgust", "happy", "sad", "anger", "neutral")  # the ids 1 to 7
FOLDERS = {
    **{name: name for name in CLASSES},
    **{str(label): name for label, name in enumerate(CLASSES, start=1)},
    **{"happiness": "happy", "sadness": "sad", "angry": "anger", "surprised": "surprise"},
    **{"fearful": "fear", "disgusted": "disgust"},
}
LISTS = ("list_patition_label.txt", "list_partition_label.txt")  # the authors' spelling comes first
ALIGNED = "_aligned"
EXPECTED = (
    "EmoLabel/list_patition_label.txt with Image/aligned/*_aligned.jpg, or train/ and test/ with classes"
)
SHOWN = 5


def load(
    root: Path, *, size: int = 100, channels: Literal[1, 3] = 3, validation: float = 0.1, seed: int = 0
) -> Splits:
    """The splits, RGB (N, size, size, 3) or grey (N, size, size).

    A missing validation split is this fraction of train, stratified and seeded. Counts that are not the
    official ones are said in the card's protocol. InputError says what the root may be, and lists faulty
    lines of the list.
    """
    tree = images_below(root, "rafdb", EXPECTED, size)
    lists = [file for name in LISTS for file in tree.files if file.name == name]
    given, missing = _from_list(tree, lists[0]) if lists else (_from_folders(tree), ())
    found = differs("rafdb", given, CLASSES)
    listings = with_validation("rafdb", given, CLASSES, validation, seed)
    made = "" if "validation" in given else f"{validation:.0%} of train, stratified, seed {seed}"
    return decoded(_card(made, found), tree, listings, size, channels, missing)


def _from_list(tree: Tree, name: PurePosixPath) -> tuple[dict[str, Listing], Bad]:
    """Train and test as the list says, and the listed images that are not there."""
    entries = _entries(tree, name)
    images = {file.stem: file for file in tree.files if file.suffix.lower() in SUFFIXES}
    pairs: dict[str, list[tuple[PurePosixPath, int]]] = defaultdict(list)
    missing = []
    for stem, label in entries.items():
        file = images.get(stem + ALIGNED)
        if file is None:
            missing.append((f"{stem}{ALIGNED}.jpg", f"in {tree.shown(name)}, but not among the images"))
        else:
            pairs[stem.partition("_")[0]].append((file, label))
    absent = [split for split in ("train", "test") if not pairs[split]]
    if absent:
        raise InputError(
            f"{tree.root}: none of the aligned images of {' and '.join(absent)} that {name} lists is here "
            f"(such as {missing[0][0] if missing else 'train_00001_aligned.jpg'}). "
            "Unpack Image/aligned.zip, and give the folder that holds both EmoLabel/ and Image/."
        )
    return {split: listing_of(found) for split, found in pairs.items()}, tuple(missing)


def _entries(tree: Tree, name: PurePosixPath) -> dict[str, int]:
    """Name of each listed image without its ending -> label; InputError lists faulty lines."""
    with tree.reader() as reader:
        text = reader.read(name).decode("utf-8-sig", errors="replace")
    entries: dict[str, int] = {}
    wrong = []
    for number, row in enumerate(text.splitlines(), start=1):
        words = row.split()
        if len(words) == 2 and words[0].startswith(("train_", "test_")) and words[1] in FOLDERS:
            entries[PurePosixPath(words[0]).stem.removesuffix(ALIGNED)] = CLASSES.index(FOLDERS[words[1]])
        elif words:
            wrong.append(f"{tree.shown(name)} line {number}: {row[:60]!r}; expected 'train_00001.jpg 5'.")
    if wrong or not entries:
        told = wrong[:SHOWN] or [f"{tree.shown(name)}: the list is empty."]
        raise InputError([*told, f"{len(wrong)} such lines. Take the list as RAF-DB's authors give it."])
    return entries


def _from_folders(tree: Tree) -> dict[str, Listing]:
    """Train, test, and validation where there is one, from class folders."""
    if any(file.stem.endswith(ALIGNED) and len(file.parts) < 3 for file in tree.files):
        raise InputError(
            f"{tree.root}: aligned images, but no {LISTS[0]}. Give the folder "
            "above, which holds EmoLabel/ too."
        )
    given = layout_of(tree, lambda folder: FOLDERS.get(folder.lower(), ""))
    if WHOLE in given or "test" not in given:
        raise InputError(f"{tree.root}: found {', '.join(given)} only; expected {EXPECTED}.")
    _complete(tree, given)
    return {split: listed(files, CLASSES) for split, files in given.items()}


def _complete(tree: Tree, given: Mapping[str, Mapping[str, object]]) -> None:
    """Nothing; InputError names the classes that have no folder."""
    absent = [name for name in CLASSES if name not in given["train"]]
    if absent:
        numbers = ", ".join(f"{CLASSES.index(name) + 1} ({name})" for name in absent)
        raise InputError(f"{tree.root}: no folder for the classes {numbers}; RAF-DB has 7. Add them.")


def _card(made: str, different: str) -> Card:
    part = f"not the complete RAF-DB ({different})" if different else "official split"
    return Card(
        name="rafdb",
        title="RAF-DB",
        classes=CLASSES,
        protocol=f"{part}, basic emotions, aligned faces: train on train, select on "
        f"{made or 'validation'}, report on test",
        licence="non-commercial research use; not to be passed on",
        citation="li2017reliable",
        official_counts=official_counts("rafdb", CLASSES),
    )
