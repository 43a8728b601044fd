"""FER+: the faces of FER2013 with ten votes each, in 8 classes.

`root` is fer2013new.csv or a folder that holds it. Its row i belongs to row i of FER2013's CSV, which is
looked for under `--data fer2013=`, then beside the votes; the numbers in the image names lag behind and are
not used.

The rules are those of the authors' reader (github.com/microsoft/FERPlus, src/ferplus.py; Barsoum et al.
2016):

- Rows without an image name are left out (173, all voted "NF": no face). A single vote for a class is
  dropped.
- majority: the class with more than half of the remaining votes; the row is left out where there is none,
  or it is "unknown" or "NF". Validation and test follow this rule in every mode.
- probability and cross_entropy, on training rows: classes are taken from the most votes down, those with
  equal votes together, until three quarters of the votes or three classes are reached. "unknown" or "NF"
  ends this and gives no votes. The row is left out where the classes taken have half of the votes or fewer,
  or are more than three. The distribution is their votes, normalised; the label is its largest share.
- cross_entropy trains on the distribution; probability draws a label from it anew in each epoch.

The reader also cuts fear and contempt off (`idx < emotion_count - 2`), against the paper's 8 classes: not
followed.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.data.card import Card
from paper_kit.data.sources import SPLITS, Split, Splits
from paper_kit.data.sources._fer2013_csv import USAGES, Rows, find_csv, read_csv
from paper_kit.data.sources.fer2013 import check_counts

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
COLUMNS = ("Usage", "Image name", *CLASSES, "unknown", "NF")
FILE = "fer2013new.csv"
MODES = {
    "majority": "majority labels",
    "probability": "labels drawn from the votes in each epoch",
    "cross_entropy": "the distribution of the votes",
}


def load(
    root: Path,
    fer2013: Path | None = None,
    *,
    labels: Literal["majority", "probability", "cross_entropy"] = "majority",
    official: bool = True,
) -> Splits:
    """The three splits of FER+, grey (N, 48, 48), with one label an image.

    In the modes probability and cross_entropy, `targets` (N, 8) is the distribution: that of the rules in
    training, all votes for the 8 classes in validation and test. With `official`, the counts of FER2013
    must be those of the contest. InputError where the votes do not fit the images row by row.
    """
    if labels not in MODES:
        raise InputError(f"ferplus: labels = {labels!r} is not known.{did_you_mean(labels, MODES)}")
    file = root / FILE if root.is_dir() else root
    rows = _faces(file.parent, fer2013)
    if official:
        check_counts(rows.counts(), rows.file)
    votes_NV, named_N = _read_votes(file, rows)
    labels_N, targets_NK = _labelled(votes_NV, training_N=rows.usages == 0, soft=labels != "majority")
    whole = Split(rows.images, labels_N, rows.ids(), targets_NK)
    kept_N = rows.readable & named_N & (labels_N >= 0)
    parts = {name: whole.take(np.flatnonzero(kept_N & (rows.usages == i))) for i, name in enumerate(SPLITS)}
    return Splits(
        card=_card(labels),
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        bad=rows.bad_lines(),
        read=(file, rows.file),
        draw_labels=labels == "probability",
    )


def _faces(beside: Path, fer2013: Path | None) -> Rows:
    """The rows of FER2013's CSV, found under its own root or beside the votes."""
    place = fer2013 or beside
    found = find_csv(place)
    if found is None:
        raise InputError(
            f"{place}: no fer2013.csv here; FER+ holds votes only and needs the rows of FER2013's CSV. "
            "Put the CSV there or name it with --data fer2013=path/fer2013.csv."
        )
    return read_csv(*found)


def _read_votes(file: Path, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The votes (N, 10) and whether a row has an image name (N,); InputError if they do not fit."""
    if not file.is_file():
        raise InputError(f"{file}: there is no such file; name FER+'s {FILE} with --data ferplus=path.")
    with file.open(newline="", encoding="utf-8-sig") as opened:
        header, *lines = list(csv.reader(opened)) or [[]]
    if tuple(name.strip() for name in header) != COLUMNS:
        raise InputError(f"{file}: the columns are {', '.join(header[:12])}; expected {', '.join(COLUMNS)}.")
    if len(lines) != len(rows.labels):
        raise InputError(
            f"{file}: {len(lines):,} rows, but {rows.shown} has {len(rows.labels):,}. FER+ is joined "
            "to it row by row: take both files complete and in their original order."
        )
    usages = {place: usage.decode() for usage, place in USAGES.items()}
    wrong = [
        f"{file} line {row + 2}: {', '.join(line)[:60]!r} does not fit {usages.get(place)} of {rows.shown}."
        for row, (line, place) in enumerate(zip(lines, rows.usages.tolist(), strict=True))
        if len(line) != len(COLUMNS)
        or not all(vote.isdecimal() and len(vote) < 4 for vote in line[2:])
        or line[0].strip() != usages.get(place, line[0].strip())
    ]
    if wrong:
        raise InputError([*wrong[:5], f"{len(wrong)} such rows. Take both files in their original order."])
    named = np.array([bool(line[1].strip()) for line in lines])
    return np.array([line[2:] for line in lines]).astype(np.int64), named


def _labelled(
    votes_NV: NDArray[np.int64], training_N: NDArray[np.bool_], soft: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
    """The labels (N,), -1 where a row is left out, and the distributions (N, 8) if they are soft."""
    unique, member = np.unique(np.where(votes_NV > 1, votes_NV, 0), axis=0, return_inverse=True)
    majority_N = np.array([_majority(votes) for votes in unique])[member]
    if not soft:
        return majority_N, None
    drawn_NK = np.array([_distribution(votes) for votes in unique], dtype=np.float32)[member]
    all_NK = np.array([_shares(votes[: len(CLASSES)]) for votes in unique], dtype=np.float32)[member]
    largest_N = np.where(drawn_NK.any(axis=1), drawn_NK.argmax(axis=1), -1)
    return np.where(training_N, largest_N, majority_N), np.where(training_N[:, None], drawn_NK, all_NK)


def _majority(votes: NDArray[np.int64]) -> int:
    """The class with more than half of the votes (10,), or -1."""
    top = int(votes.argmax())
    return top if 2 * votes[top] > votes.sum() and top < len(CLASSES) else -1


def _distribution(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The shares (8,) of the classes taken from the most votes (10,) down, or zeros if left out."""
    left = votes.copy()
    total = votes.sum()
    taken = np.zeros(len(CLASSES))
    while taken.sum() < 0.75 * total and np.count_nonzero(taken) < 3:
        equal = np.flatnonzero(left == left.max())
        emotions = equal[equal < len(CLASSES)]
        taken[emotions] = left[emotions]
        left[emotions] = 0
        if len(emotions) < len(equal):
            break
    enough = taken.sum() > 0.5 * total and np.count_nonzero(taken) <= 3
    return _shares(taken) if enough else np.zeros(len(CLASSES))


def _shares(votes: NDArray[Any]) -> NDArray[np.float64]:
    """The votes divided by their sum; zeros where there are none."""
    return votes / max(float(votes.sum()), 1.0)


def _card(mode: str) -> Card:
    return Card(
        name="ferplus",
        title="FER+",
        classes=CLASSES,
        protocol=f"train on Training with {MODES[mode]}, select on PublicTest and report on PrivateTest with "
        "majority labels; single votes, and rows without a clear majority, are left out",
        licence="votes MIT; faces those of FER2013, for research use",
        citation="barsoum2016training",
    )
