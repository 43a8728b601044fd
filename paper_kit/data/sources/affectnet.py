"""AffectNet, manually annotated: faces from the web in 7 classes, or 8 with contempt.

`root` is one of these, unpacked or (the first and the last) in a zip:

- `train_set/images/*.jpg` with `train_set/annotations/*_exp.npy`, and the same below `val_set/`;
- `training.csv` and `validation.csv` with the columns subDirectory_filePath and expression (and face_x,
  face_y, face_width, face_height, by which images are cut), with the images anywhere below the root;
- class folders train/class/*.jpg and val/class/*.jpg, by name or by the numbers 0 to 7.

The official test set is not public: as in the papers of the field, the official validation set is the test
set, and a validation set is taken from train. Ids: 0 neutral, 1 happy, 2 sad, 3 surprise, 4 fear, 5 disgust,
6 anger, 7 contempt; 8 none, 9 uncertain and 10 no face are left out.

Source: Mollahosseini, Hasani, Mahoor, IEEE Trans. Affective Computing 2019 (mollahosseini2019affectnet).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from paper_kit.core.errors import InputError
from paper_kit.data.card import Card
from paper_kit.data.sources import Splits
from paper_kit.data.sources._affectnet_lists import (
    CLASSES,
    FOLDERS,
    Found,
    csv_files,
    from_annotations,
    from_csv,
)
from paper_kit.data.sources._layout import WHOLE, layout_of, listed
from paper_kit.data.sources._listing import (
    Listing,
    decoded,
    differs,
    images_below,
    official_counts,
    with_validation,
)
from paper_kit.data.sources._tree import Tree

EXPECTED = (
    "train_set/ and val_set/ with images/ and annotations/, or training.csv and validation.csv with the "
    "images, or train/ and val/ with class folders"
)


def load(
    root: Path,
    *,
    contempt: bool = False,
    size: int = 64,
    channels: Literal[1, 3] = 3,
    validation: float = 0.05,
    seed: int = 0,
) -> Splits:
    """The splits, RGB (N, size, size, 3) or grey (N, size, size), in 7 classes, with `contempt` in 8.

    `validation` is the fraction of train that becomes the validation split, stratified and seeded. Counts
    of the test set that are not the official ones are said in the card's protocol. InputError says what
    the root may be.
    """
    classes = CLASSES if contempt else CLASSES[:-1]
    tree = images_below(root, "affectnet", EXPECTED, size)
    found = _found(tree, len(classes))
    key = f"affectnet{len(classes)}"
    different = differs(key, found.listings, classes)
    listings = with_validation("affectnet", found.listings, classes, validation, seed)
    made = "" if "validation" in found.listings else f"{validation:.0%} of train, stratified, seed {seed}"
    return decoded(_card(classes, made, different, key), found.tree, listings, size, channels, found.bad)


def _found(tree: Tree, classes: int) -> Found:
    """The images of train and of the official validation set, here the test set, in whichever form."""
    if any(file.name.endswith("_exp.npy") for file in tree.files):
        return from_annotations(tree, classes)
    if lists := csv_files(tree):
        return from_csv(tree, lists, classes)
    return Found(tree, _from_folders(tree, classes), ())


def _from_folders(tree: Tree, classes: int) -> dict[str, Listing]:
    given = layout_of(tree, lambda folder: FOLDERS.get(folder.lower(), ""))
    if WHOLE in given or len(given) < 2:
        raise InputError(f"{tree.root}: found {', '.join(given)} only; expected {EXPECTED}.")
    wanted = CLASSES[:classes]
    absent = [name for name in wanted if name not in given["train"]]
    if absent:
        less = " or set contempt = false" if absent == ["contempt"] else ""
        numbers = ", ".join(f"{CLASSES.index(name)} ({name})" for name in absent)
        raise InputError(f"{tree.root}: no folder for the classes {numbers}; add them{less}.")
    if "test" not in given:
        given = {"train": given["train"], "test": given["validation"]}
    return {split: listed(files, wanted) for split, files in given.items()}


def _card(classes: tuple[str, ...], made: str, different: str, key: str) -> Card:
    part = f"not the complete AffectNet ({different}): " if different else ""
    held = "the official validation set" if made else "the test folder"
    return Card(
        name="affectnet",
        title="AffectNet",
        classes=classes,
        protocol=f"{part}train on manually annotated faces, select on {made or 'the validation folder'}, "
        f"report on {held}{', as the test set is not public' if made else ''}",
        licence="by agreement with its authors, for non-commercial research; not to be passed on",
        citation="mollahosseini2019affectnet",
        official_counts=official_counts(key, classes),
    )
