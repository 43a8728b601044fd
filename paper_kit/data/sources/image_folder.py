"""Any images sorted into folders: split/class/*.jpg, or class/*.jpg with the splits made here.

`root` is a folder or zip. Files may be JPEG, PNG, TIFF, BMP or WebP of any mode and size. Splits are called
train, validation and test (also val, valid, dev, public; private); those that are missing are taken from
train, or from everything, stratified by class and seeded, and by subject where `subject` is given. A
`card.toml` in the root may give title, citation, licence, redistributable, ceiling and ceiling_source; they
change no run's identity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError
from paper_kit.data.card import Card
from paper_kit.data.sources import SPLITS, Splits
from paper_kit.data.sources._decode import decode_split
from paper_kit.data.sources._layout import WHOLE, layout_of, listed
from paper_kit.data.sources._tree import Tree, tree_of
from paper_kit.data.split import stratified_split, subject_split

Listing = tuple[list[PurePosixPath], NDArray[np.int64]]  # files and their labels


class CardFile(Frozen):
    """card.toml: what the owner of a folder says of it."""

    title: str = ""
    citation: str = ""
    licence: str = "not stated"
    redistributable: bool = False
    ceiling: float | None = None
    ceiling_source: str = ""


def load(
    root: Path,
    *,
    alias: str = "",
    size: int = 48,
    channels: Literal[1, 3] = 1,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    subject: str = "",
) -> Splits:
    """The images, grey (N, size, size) or RGB (N, size, size, 3); classes in the order of their names.

    `validation` and `test` are the fractions of splits that have to be made. `subject` is a regular
    expression with one group that finds the person in a file's path below the root, such as "/(S[0-9]+)_";
    no person then stands in two splits. InputError lists empty class folders, uneven splits and files
    without a subject.
    """
    if not 8 <= size <= 1024:
        raise InputError(f"image_folder: size = {size}; expected 8 to 1024 pixels.")
    tree = tree_of(root)
    given = layout_of(tree)
    classes = _in_order({name for files in given.values() for name in files})
    listings = {split: listed(files, classes) for split, files in given.items()}
    people = _subjects(tree, listings, subject) if subject else {}
    shares = {"validation": validation, "test": test}
    missing = {name: share for name, share in shares.items() if name not in listings}
    listings = _completed(listings, missing, classes, people, seed)
    decoded = {name: decode_split(tree, *listings[name], size, channels) for name in SPLITS}
    card = _card(root, alias, classes, _protocol(WHOLE in given, missing, subject, seed))
    bad = tuple(item for _, unreadable in decoded.values() for item in unreadable)
    train, validated, tested = (decoded[name][0] for name in SPLITS)
    return Splits(card=card, train=train, validation=validated, test=tested, bad=bad, read=(root,))


def _in_order(names: set[str]) -> tuple[str, ...]:
    """Numbers by value, else names by code point."""
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _subjects(tree: Tree, listings: Mapping[str, Listing], pattern: str) -> dict[PurePosixPath, str]:
    """The person of each file; InputError where nobody is found or a person stands in two given splits."""
    compiled = _compiled(pattern)
    found = {file: compiled.search(f"/{file}") for names, _ in listings.values() for file in names}
    people = {file: match[1] for file, match in found.items() if match is not None and match[1]}
    without = [tree.shown(file) for file in found if file not in people]
    if without:
        raise InputError(
            f"image_folder: subject = {pattern!r} finds nobody in {len(without)} of {len(found)} paths: "
            f"{', '.join(without[:3])}. Mend the pattern or rename the files."
        )
    homes = {split: {people[file] for file in names} for split, (names, _) in listings.items()}
    twice = sorted({who for a in homes for b in homes if a < b for who in homes[a] & homes[b]})
    if twice:
        raise InputError(
            f"{tree.root}: {len(twice)} subjects stand in two split folders, such as {', '.join(twice[:3])}. "
            "Move each to one split, or put the class folders at the root to have the splits made."
        )
    return people


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"image_folder: subject = {pattern!r} is no regular expression ({error}).") from None
    if compiled.groups != 1:
        raise InputError(
            f"image_folder: subject = {pattern!r} has {compiled.groups} groups; expected 1: '/(S[0-9]+)_'."
        )
    return compiled


def _completed(
    listings: Mapping[str, Listing],
    missing: Mapping[str, float],
    classes: tuple[str, ...],
    people: Mapping[PurePosixPath, str],
    seed: int,
) -> dict[str, Listing]:
    """The listings with the missing splits taken from train, or from the whole."""
    if not missing:
        return dict(listings)
    kept = dict(listings)
    names, labels = kept.pop(WHOLE if WHOLE in kept else "train")
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() <= len(missing):
        raise InputError(
            f"image_folder: the class {classes[counts.argmin()]!r} has {counts.min()} images; at least "
            f"{len(missing) + 1} are needed to make {' and '.join(missing)} from them. Add images."
        )
    if people:
        parts = subject_split(labels, [people[name] for name in names], missing, seed)
    else:
        parts = stratified_split(labels, missing, seed)
    return {**kept, **{part: ([names[i] for i in rows], labels[rows]) for part, rows in parts.items()}}


def _protocol(whole: bool, missing: Mapping[str, float], subject: str, seed: int) -> str:
    if not missing:
        return "the splits as given"
    made = " and ".join(f"{name} ({share:.0%})" for name, share in missing.items())
    how = "by subject" if subject else "stratified by class"
    return f"{made} taken from {'all images' if whole else 'train'}, {how}, seed {seed}"


def _card(root: Path, alias: str, classes: tuple[str, ...], protocol: str) -> Card:
    path = root / "card.toml"
    said = validate(CardFile, read_toml(path), str(path)) if path.is_file() else CardFile()
    return Card(
        name=alias or "image_folder",
        title=said.title or alias or root.stem,
        classes=classes,
        protocol=protocol,
        licence=said.licence,
        redistributable=said.redistributable,
        citation=said.citation,
        ceiling=said.ceiling,
        ceiling_source=said.ceiling_source,
    )
