"""FER2013: 35,887 grey faces of 48 x 48 pixels in 7 classes, with an official three-way split.

`root` is a fer2013.csv (emotion,pixels,Usage), an icml_face_data.csv (the same with spaces in the header),
a folder tree train|validation|test/class/*.png with class names or the numbers 0 to 6, a zip of one of
them, or a folder that holds one of them. Usual protocol: train on Training, select on PublicTest, report on
PrivateTest.

Source: Goodfellow et al., Challenges in Representation Learning, 2013 (goodfellow2015challenges).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.data.card import Card
from paper_kit.data.sources import SPLITS, Split, Splits
from paper_kit.data.sources._decode import Bad, decode_split
from paper_kit.data.sources._fer2013_csv import SIDE, find_csv, read_csv
from paper_kit.data.sources._layout import WHOLE, layout_of, listed
from paper_kit.data.sources._tree import tree_of
from paper_kit.data.split import stratified_split

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
OFFICIAL = {  # Training, PublicTest and PrivateTest of the contest's file, in the order of CLASSES
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "validation": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
BOTH_TESTS = tuple(map(sum, zip(OFFICIAL["validation"], OFFICIAL["test"], strict=True)))
FOLDERS = {
    **{name: name for name in CLASSES},
    **{str(label): name for label, name in enumerate(CLASSES)},
    **{"anger": "angry", "disgusted": "disgust", "fearful": "fear", "happiness": "happy"},
    **{"sadness": "sad", "surprised": "surprise"},
}
EXPECTED = (
    "fer2013.csv, icml_face_data.csv, folders train/ and test/ with class folders, or a .zip of one of them"
)

Counts = dict[str, tuple[int, ...]]  # split -> images of each class


def load(root: Path, *, official: bool = True, validation: float = 0.1, seed: int = 0) -> Splits:
    """The three splits of FER2013, grey (N, 48, 48).

    With `official` the counts must be those of the contest; without a validation split, test may be
    PrivateTest, or PublicTest and PrivateTest together. A missing validation split is this fraction of
    Training, stratified and seeded. InputError shows the counts found and expected, or what the root may be.
    """
    root = _inside(root)
    csv = find_csv(root)
    if csv:
        rows = read_csv(*csv)
        parts, counts, bad, read = rows.splits(), rows.counts(), rows.bad_lines(), rows.file
    else:
        parts, counts, bad = _tree(root)
        read = root
    if official:
        check_counts(counts, root)
    if not {"train", "test"} <= set(parts):
        raise InputError(
            f"{root}: FER2013 needs a training and a test part; found {', '.join(parts) or 'neither'}."
        )
    made = ""
    if "validation" not in parts:
        made = f"{validation:.0%} of Training, stratified, seed {seed}"
        chosen = stratified_split(parts["train"].labels, {"validation": validation}, seed)
        parts |= {name: parts["train"].take(indices) for name, indices in chosen.items()}
    card = _card(counts, official, made)
    train, selection, test = (parts[name] for name in SPLITS)
    return Splits(card=card, train=train, validation=selection, test=test, bad=bad, read=(read,))


def check_counts(found: Mapping[str, tuple[int, ...]], where: Path) -> None:
    """Nothing; InputError lists each class whose count is not the official one."""
    expected: Counts = dict(OFFICIAL)
    if "validation" not in found:
        del expected["validation"]
        if found.get("test") == BOTH_TESTS:
            expected["test"] = BOTH_TESTS
    nothing = (0,) * len(CLASSES)
    problems = [
        f"{split} {name} {has:,} (official {wants:,})"
        for split in expected
        for name, has, wants in zip(CLASSES, found.get(split, nothing), expected[split], strict=True)
        if has != wants
    ]
    if problems:
        raise InputError(
            f"{where}: not the complete FER2013: {'; '.join(problems)}. Fetch it again, or take what "
            "is there with official = false in the dataset's part of the experiment file."
        )


def _inside(root: Path) -> Path:
    """The root, or the only zip in it where it holds no CSV and no folders."""
    if not root.is_dir() or find_csv(root) or any(child.is_dir() for child in root.iterdir()):
        return root
    zips = sorted(root.glob("*.zip"))
    if len(zips) == 1:
        return zips[0]
    found = ", ".join(sorted(child.name for child in root.iterdir())[:8]) or "nothing"
    raise InputError(f"{root}: no FER2013 here; found {found}; expected {EXPECTED}.")


def _tree(root: Path) -> tuple[dict[str, Split], Counts, Bad]:
    """The splits, counts and unreadable files of a folder tree or a zip of one."""
    tree = tree_of(root)
    parts: dict[str, Split] = {}
    counts: Counts = {}
    bad: Bad = ()
    for name, files in layout_of(tree, lambda folder: FOLDERS.get(folder.lower(), "")).items():
        if name == WHOLE:
            raise InputError(f"{root}: class folders without splits; expected {EXPECTED}.")
        counts[name] = tuple(len(files.get(emotion, ())) for emotion in CLASSES)
        parts[name], unreadable = decode_split(tree, *listed(files, CLASSES), SIDE, 1)
        bad += unreadable
    return parts, counts, bad


def _card(counts: Counts, official: bool, made: str) -> Card:
    part = "official split" if official else "a part of the official split"
    test = "PublicTest and PrivateTest together" if counts["test"] == BOTH_TESTS else "PrivateTest"
    return Card(
        name="fer2013",
        title="FER2013",
        classes=CLASSES,
        protocol=f"{part}: train on Training, select on {made or 'PublicTest'}, report on {test}",
        licence="none stated; competition data, for research use",
        citation="goodfellow2015challenges",
        ceiling=0.65,
        ceiling_source="accuracy of people, 65 ± 5 % (goodfellow2015challenges)",
        official_counts={split: dict(zip(CLASSES, row, strict=True)) for split, row in OFFICIAL.items()},
    )
