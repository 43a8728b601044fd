"""CK+: posed expressions in sequences from neutral to the peak, whose last frames are taken.

`root` is one of these, or a zip of one:

- `cohn-kanade-images/S005/001/S005_001_00000011.png` … with `Emotion/S005/001/*_emotion.txt`, as its authors
  give them; where `Landmarks/S005/001/*_landmarks.txt` are there too, images are cut to the face;
- class folders of such images, `happy/S010_006_00000013.png`, as in the cropped copies of CK+.

There is no official split. Splits are made by person: nobody is in two of train, validation and test. The
files' names say who it is. Ids of the labels: 1 anger, 2 contempt, 3 disgust, 4 fear, 5 happy, 6 sad,
7 surprise; a sequence without a label is left out.

Source: Lucey et al., CVPR Workshops 2010 (lucey2010extended).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.data.card import Card
from paper_kit.data.sources import Splits
from paper_kit.data.sources._boxes import Box, boxed
from paper_kit.data.sources._decode import SUFFIXES, Bad
from paper_kit.data.sources._layout import WHOLE, layout_of
from paper_kit.data.sources._listing import Listing, decoded, images_below, listing_of
from paper_kit.data.sources._tree import Reader, Tree
from paper_kit.data.split import subject_split

CLASSES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")  # ids 0 to 7
FOLDERS = {
    **{name: name for name in CLASSES},
    **{"angry": "anger", "happiness": "happy", "sadness": "sad", "surprised": "surprise"},
    **{"fearful": "fear", "disgusted": "disgust"},
}
FRAME = re.compile(r"^(S[0-9]{3})_([0-9]{3})_([0-9]{8})$")  # person, sequence, frame
EMOTION, LANDMARKS = "_emotion", "_landmarks"
LABELLED = 327  # of 593 sequences, as the distribution's ReadMe says
MARGIN = 0.15  # of the larger side of the landmarks' box, added on each side: they end at the brows
EXPECTED = "cohn-kanade-images/ beside Emotion/, or class folders of files such as S010_006_00000013.png"

Sequence = tuple[str, str]  # person, number
Groups = dict[tuple[str, Sequence], list[PurePosixPath]]  # (class, sequence) -> images


def load(
    root: Path,
    *,
    contempt: bool = True,
    frames: int = 3,
    size: int = 48,
    channels: Literal[1, 3] = 1,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
) -> Splits:
    """The last `frames` images of each labelled sequence, grey (N, size, size) or RGB (N, size, size, 3).

    Without `contempt` its sequences are left out. `validation` and `test` are fractions; no person stands
    in two splits. InputError says what the root may be, and lists files whose names name nobody.
    """
    tree = images_below(root, "ckplus", EXPECTED, size)
    if frames < 1:
        raise InputError(f"ckplus: frames = {frames}; expected 1 or more.")
    groups, bad = _groups(tree)
    found = {name for name, _ in groups}
    classes = tuple(name for name in CLASSES if name in found and (contempt or name != "contempt"))
    chosen = [
        (file, classes.index(name))
        for (name, _), files in groups.items()
        if name in classes
        for file in sorted(files, key=lambda file: file.name)[-frames:]
    ]
    if not chosen:
        raise InputError(f"{root}: no image of a labelled sequence; expected {EXPECTED}.")
    listings = _by_person(listing_of(chosen), {"validation": validation, "test": test}, seed)
    boxes = _boxes(tree, [file for file, _ in chosen])
    shares = f"validation ({validation:.0%}) and test ({test:.0%}) by person, seed {seed}"
    labelled = len({sequence for name, sequence in groups if name != "neutral"})
    card = _card(classes, frames, shares, labelled)
    return decoded(card, boxed(tree, boxes), listings, size, channels, bad)


def _groups(tree: Tree) -> tuple[Groups, Bad]:
    """The images of each labelled sequence, by label files or by class folders."""
    named = _named(tree)
    notes = [file for file in tree.files if file.stem.endswith(EMOTION) and file.suffix == ".txt"]
    if not notes:
        return _from_folders(tree, named), ()
    labels, bad = _from_notes(tree, notes)
    groups: Groups = defaultdict(list)
    for file, sequence in named.items():
        if sequence in labels:
            groups[labels[sequence], sequence].append(file)
    return groups, bad


def _named(tree: Tree) -> dict[PurePosixPath, Sequence]:
    """The sequence that each image belongs to; InputError lists images whose name names nobody."""
    images = [file for file in tree.files if file.suffix.lower() in SUFFIXES]
    found = {file: sequence for file in images if (sequence := _sequence(file)) is not None}
    nameless = [tree.shown(file) for file in images if file not in found]
    if nameless:
        raise InputError(
            f"{tree.root}: {len(nameless)} images are not named as in CK+ (S010_006_00000013.png), so that "
            f"nobody knows who they show: {', '.join(nameless[:3])}. Rename or remove them."
        )
    return found


def _from_notes(tree: Tree, notes: Iterable[PurePosixPath]) -> tuple[dict[Sequence, str], Bad]:
    """The label of each sequence that has one."""
    labels: dict[Sequence, str] = {}
    bad = []
    with tree.reader() as reader:
        for note in notes:
            sequence, numbers = _sequence(note, EMOTION), _numbers(reader, note)
            label = int(numbers[0]) if len(numbers) else -1
            if sequence is None or not 0 <= label < len(CLASSES):
                bad.append((tree.shown(note), f"no label from 0 to {len(CLASSES) - 1} of a sequence"))
            else:
                labels[sequence] = CLASSES[label]
    return labels, tuple(bad)


def _from_folders(tree: Tree, named: Mapping[PurePosixPath, Sequence]) -> Groups:
    """The images of each sequence by class folder; InputError where it is in two, or there are splits."""
    if any(folder.name.startswith("cohn-kanade") for folder in tree.folders):
        raise InputError(
            f"{tree.root}: no Emotion/S005/001/*_emotion.txt beside cohn-kanade-images/. Unpack "
            "Emotion_labels.zip there, or give the folder that holds both."
        )
    given = layout_of(tree, lambda folder: FOLDERS.get(folder.lower(), ""))
    if WHOLE not in given:
        raise InputError(
            f"{tree.root}: found the splits {', '.join(given)}; CK+ has none, and copies of it put a person "
            "into several. Move the class folders of all splits together; they are split by person here."
        )
    groups: Groups = defaultdict(list)
    homes: dict[Sequence, str] = {}
    for name, files in given[WHOLE].items():
        for file in files:
            groups[name, named[file]].append(file)
            if name != "neutral" and homes.setdefault(named[file], name) != name:
                both = f"{homes[named[file]]} and {name}"
                raise InputError(f"{tree.root}: {'_'.join(named[file])} lies in {both}; keep one of them.")
    return groups


def _sequence(file: PurePosixPath, ending: str = "") -> Sequence | None:
    """Person and number of the sequence that a file belongs to."""
    match = FRAME.match(file.stem.removesuffix(ending).upper())
    return (match[1], match[2]) if match else None


def _by_person(listing: Listing, shares: Mapping[str, float], seed: int) -> dict[str, Listing]:
    files, labels = listing
    people = [file.stem[:4].upper() for file in files]
    parts = subject_split(labels, people, shares, seed)
    return {part: ([files[row] for row in rows], labels[rows]) for part, rows in parts.items()}


def _boxes(tree: Tree, files: Iterable[PurePosixPath]) -> dict[PurePosixPath, Box]:
    """The face's box of each image whose landmarks are there."""
    notes = {file.stem: file for file in tree.files if file.stem.endswith(LANDMARKS)}
    found: dict[PurePosixPath, Box] = {}
    with tree.reader() as reader:
        for file in (file for file in files if file.stem + LANDMARKS in notes):
            points = _numbers(reader, notes[file.stem + LANDMARKS])
            if len(points) >= 4 and len(points) % 2 == 0:
                found[file] = _around(points)
    return found


def _around(points: NDArray[np.float64]) -> Box:
    """The box of the points x, y, x, y …, with a margin."""
    x, y = points[0::2], points[1::2]
    margin = MARGIN * max(np.ptp(x), np.ptp(y))
    return float(x.min() - margin), float(y.min() - margin), float(x.max() + margin), float(y.max() + margin)


def _numbers(reader: Reader, note: PurePosixPath) -> NDArray[np.float64]:
    """All numbers (n,) of a text file; none where it is something else."""
    words = reader.read(note).decode("ascii", errors="replace").split()
    try:
        return np.array([float(word) for word in words], dtype=np.float64)
    except ValueError:
        return np.zeros(0)


def _card(classes: tuple[str, ...], frames: int, shares: str, labelled: int) -> Card:
    last = "the last frame" if frames == 1 else f"the last {frames} frames"
    part = "" if labelled == LABELLED else f"{labelled:,} labelled sequences (official {LABELLED}): "
    return Card(
        name="ckplus",
        title="CK+",
        classes=classes,
        protocol=f"{part}{last} of each labelled sequence; no person is in two of train, validation and "
        f"test; {shares}",
        licence="by agreement with its authors, for research use; not to be passed on",
        citation="lucey2010extended",
    )
