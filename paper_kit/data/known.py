"""What is known of the field's datasets: official counts, and what people reach on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
Counts = Mapping[str, int]  # class -> images


@dataclass(frozen=True, kw_only=True)
class Known:
    """A dataset by its name: its title, official counts of splits, and an accuracy that asks for an audit.

    `ceiling` is a fraction, None where no source gives one. Splits may be missing; `sizes` are totals.
    """

    name: str
    title: str
    counts: Mapping[str, Counts] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    ceiling: float | None = None
    ceiling_source: str = ""


def _fer(*counts: int) -> Counts:
    return dict(zip(FER_CLASSES, counts, strict=True))


KNOWN = (
    Known(
        name="fer2013",
        title="FER2013",
        counts={  # Training, PublicTest, PrivateTest of the contest's file
            "train": _fer(3995, 436, 4097, 7215, 4830, 3171, 4965),
            "validation": _fer(467, 56, 496, 895, 653, 415, 607),
            "test": _fer(491, 55, 528, 879, 594, 416, 626),
        },
        ceiling=0.70,
        ceiling_source="people reach 65 ± 5 % (Goodfellow et al. 2013)",
    ),
    Known(
        name="rafdb",
        title="RAF-DB",
        counts={  # Li et al. 2017, basic emotions
            "test": {
                "surprise": 329, "fear": 74, "disgust": 160, "happy": 1185, "sad": 478, "anger": 162,
                "neutral": 680,
            }
        },
        sizes={"train": 12271, "test": 3068},
    ),
    Known(
        name="affectnet7",
        title="AffectNet, 7 classes",
        counts={"test": dict.fromkeys(("neutral", *FER_CLASSES[:-1]), 500)},
    ),
    Known(
        name="affectnet8",
        title="AffectNet, 8 classes",
        counts={"test": dict.fromkeys(("neutral", *FER_CLASSES[:-1], "contempt"), 500)},
    ),
)  # fmt: skip
SAME = {
    "anger": "angry", "disgusted": "disgust", "fearful": "fear", "happiness": "happy", "sadness": "sad",
    "surprised": "surprise",
}  # fmt: skip


def known(name: str) -> Known | None:
    """What is known of a dataset, None where nothing is."""
    return next((one for one in KNOWN if one.name == name), None)


def same_class(name: str) -> str:
    """The class's name in one spelling for all: "Anger" is "angry"."""
    plain = name.strip().lower()
    return SAME.get(plain, plain)


def counts_differ(found: Counts, official: Counts) -> str:
    """How the counts differ from the official ones, as a clause; empty where they are equal."""
    mine = {same_class(name): (name, count) for name, count in found.items()}
    theirs = {same_class(name): count for name, count in official.items()}
    if mine.keys() != theirs.keys():
        return f"the classes are {', '.join(found)}; official are {', '.join(official)}"
    off = {key: name for key, (name, count) in mine.items() if count != theirs[key]}
    if not off:
        return ""
    if sorted(count for _, count in mine.values()) == sorted(theirs.values()):
        names = list(off.values())
        what = " and ".join([", ".join(names[:-1]), names[-1]])
        return f"the counts of {what} are exchanged" + (" in a ring" if len(names) > 2 else "")
    each = [f"{name} {mine[key][1]:,} (official {theirs[key]:,})" for key, name in off.items()]
    return "; ".join(each)


def splits_differ(found: Mapping[str, Counts], official: Mapping[str, Counts]) -> tuple[str, ...]:
    """A sentence for each split whose counts are not the official ones; none where all are.

    A validation split that was cut from the official train, and a test of both official test parts, are
    official too: published trees of FER2013 have them.
    """
    wanted = dict(official)
    if {"train", "validation"} <= found.keys() and {"train", "validation", "test"} <= official.keys():
        both = _sum(found["train"], found["validation"])
        if not counts_differ(both, official["train"]):
            wanted = {"test": official["test"]}
            if not counts_differ(found.get("test", {}), _sum(official["validation"], official["test"])):
                return ()
    sentences = []
    for split, counts in wanted.items():
        problem = counts_differ(found.get(split, {}), counts)
        other = next(
            (name for name in official if not counts_differ(found.get(split, {}), official[name])), ""
        )
        if problem:
            sentences.append(f"{split}: it has the counts of {other}" if other else f"{split}: {problem}")
    return tuple(sentences)


def _sum(left: Counts, right: Counts) -> Counts:
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}
