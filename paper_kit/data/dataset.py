"""A decoded dataset on disk: memory-mapped arrays, the fingerprint of their content, and the Card.

A folder <fingerprint>/ holds {train,validation,test}_{images,labels,ids[,targets]}.npy and dataset.json.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, read_json, write_json
from paper_kit.data.card import Card
from paper_kit.data.sources import SPLITS, Split, Splits

ARRAYS = ("images", "labels", "ids", "targets")

Counts = dict[str, dict[str, int]]  # split -> class -> images


@dataclass(frozen=True)
class Dataset:
    """A decoded dataset; `bad` holds (path, why) of each image that was left out."""

    folder: Path
    fingerprint: str
    card: Card
    counts: Counts
    bad: tuple[tuple[str, str], ...]
    draw_labels: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the labels."""
        return self.card.classes

    @property
    def dropped(self) -> int:
        """How many images could not be decoded."""
        return len(self.bad)

    def split(self, name: str) -> Split:
        """The split train, validation or test; its images are a memory map."""
        if name not in SPLITS:
            raise InputError(f"There is no split {name!r}; expected {', '.join(SPLITS)}.")
        paths = {array: self.folder / f"{name}_{array}.npy" for array in ARRAYS}
        try:
            return Split(
                np.load(paths["images"], mmap_mode="r"),
                np.load(paths["labels"]),
                np.load(paths["ids"]),
                np.load(paths["targets"]) if paths["targets"].exists() else None,
            )
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{self.folder}: damaged ({error}). Delete this folder and start again."
            ) from None


def open_cached(fingerprint: str, cache_dir: Path) -> Dataset | None:
    """The dataset with this fingerprint, or None where it is not in the cache."""
    folder = cache_dir / fingerprint
    if not (folder / "dataset.json").is_file():
        return None
    said = read_json(folder / "dataset.json")
    return Dataset(
        folder=folder,
        fingerprint=fingerprint,
        card=Card.from_dict(said["card"]),
        counts=said["counts"],
        bad=tuple((path, why) for path, why in said["bad"]),
        draw_labels=said["draw_labels"],
    )


def dataset_info(dataset: Dataset) -> dict[str, Any]:
    """What `paperkit data info` shows: title, licence, image shape, counts, fingerprint."""
    card = dataset.card
    return {
        "name": card.name,
        "title": card.title,
        "licence": card.licence,
        "citation": card.citation,
        "protocol": card.protocol,
        "image_shape": list(dataset.split("train").images.shape[1:]),
        "classes": list(dataset.classes),
        "counts": dataset.counts,
        "images": {split: len(dataset.split(split)) for split in SPLITS},
        "dropped": dataset.dropped,
        "fingerprint": dataset.fingerprint,
        "folder": str(dataset.folder),
    }


def problems_of(splits: Splits) -> list[str]:
    """A sentence for each thing that keeps these splits from being a dataset."""
    found = []
    shapes = {split.images.shape[1:] for split in splits.each().values()}
    if len(shapes) != 1 or not all(len(shape) == 2 or shape[2:] == (3,) for shape in shapes):
        found.append(f"images of the shapes {sorted(shapes)}; expected one of (H, W) or (H, W, 3).")
    for name, split in splits.each().items():
        found += [f"{name}: {problem}" for problem in _problems_of_split(split, len(splits.classes))]
    ids = np.concatenate([split.ids for split in splits.each().values()])
    if len(np.unique(ids)) != len(ids):
        found.append("ids are not unique; give each image its own.")
    present = set(splits.train.labels.tolist())
    absent = [name for label, name in enumerate(splits.classes) if label not in present]
    if absent and splits.train.targets is None:  # with targets, the classes name the target columns
        found.append(f"train has no readable image of {', '.join(absent)}; add some or remove the class.")
    return found


def _problems_of_split(split: Split, classes: int) -> list[str]:
    found = []
    for array, dtype in (("images", np.uint8), ("labels", np.int64), ("targets", np.float32)):
        values = getattr(split, array)
        if values is not None and values.dtype != dtype:
            found.append(f"{array} are {values.dtype}; expected {np.dtype(dtype)}.")
    arrays = (split.images, split.labels, split.ids, split.targets)
    lengths = sorted({len(array) for array in arrays if array is not None})
    if len(lengths) != 1 or lengths == [0]:
        found.append(f"images, labels, ids and targets have {lengths} rows; expected one number, not 0.")
    elif classes and not 0 <= split.labels.min() <= split.labels.max() < classes:
        found.append(f"a label is outside 0 to {classes - 1}.")
    return found


def fingerprint_of(splits: Splits) -> str:
    """16 hex digits of the SHA-256 of all that a training sees: pixels, labels, ids, targets, class names."""
    digest = hashlib.sha256(canonical_json([splits.classes, splits.draw_labels]).encode())
    for name, split in splits.each().items():
        digest.update(canonical_json([name, split.images.shape, split.ids.tolist()]).encode())
        for array in (split.images, split.labels, split.targets):
            digest.update(b"none" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def write_dataset(splits: Splits, cache_dir: Path) -> Dataset:
    """The dataset, whole in cache_dir/<fingerprint>. Arrays that are there already are not written again."""
    fingerprint = fingerprint_of(splits)
    folder = cache_dir / fingerprint
    counts = {
        name: {title: int((split.labels == label).sum()) for label, title in enumerate(splits.classes)}
        for name, split in splits.each().items()
    }
    dataset = Dataset(folder, fingerprint, splits.card, counts, splits.bad, splits.draw_labels)
    if folder.is_dir():
        _describe(dataset, folder)
    else:
        _write_arrays(splits, dataset)
    return dataset


def _describe(dataset: Dataset, folder: Path) -> None:
    said = {
        "card": dataset.card.as_dict(),
        "counts": dataset.counts,
        "bad": dataset.bad,
        "draw_labels": dataset.draw_labels,
    }
    write_json(folder / "dataset.json", said)


def _write_arrays(splits: Splits, dataset: Dataset) -> None:
    folder = dataset.folder
    part = folder.with_name(f".{folder.name}-{os.urandom(4).hex()}.part")
    part.mkdir(parents=True)
    arrays = {
        f"{name}_{array}": getattr(split, array) for name, split in splits.each().items() for array in ARRAYS
    }
    try:
        for name, values in arrays.items():
            if values is not None:
                np.save(part / f"{name}.npy", values, allow_pickle=False)
        _describe(dataset, part)
        part.rename(folder)
    except OSError:
        if not (folder / "dataset.json").is_file():  # else another process was faster, with the same content
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
