"""The contract of a dataset: a file in this folder with a function `load(root, *, ...) -> Splits`.

The file's name is the dataset's name. A file whose name starts with "_" is support code, not a dataset.

- Positional parameters are what the user has on disk: `root` is the file or folder of this dataset, and a
  parameter with another dataset's name is that one's root. One without a default must be given (`--data
  name=path`, paperkit.local.toml, PAPERKIT_DATA); a dataset that needs no files takes `root: Path | None =
  None`.
- Keyword-only parameters are the options of the Part, each with a typed default. An option `alias: str =
  ""`, when it is not empty, is the name under which the root is looked up: one study can hold two folders
  of one's own.
- `load` leaves corrupt images out and lists them in `Splits.bad`; `open_dataset` then stops or goes on.
- No network, no randomness but from a `seed` option, the same order each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from paper_kit.data.card import Card

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """The images of one split, in a fixed order.

    `images` is uint8, (N, H, W) for grey or (N, H, W, 3) for RGB; `labels` int64 (N,), indices into the
    classes; `ids` str (N,), unique in the dataset; `targets` float32 (N, K) where a label is a
    distribution, (N, T) for a regression, else None.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    ids: NDArray[np.str_]
    targets: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.integer[Any]]) -> Split:
        """The split of these rows, in this order."""
        targets = None if self.targets is None else self.targets[indices]
        return Split(self.images[indices], self.labels[indices], self.ids[indices], targets)


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """What `load` gives back: the Card, three splits, and what was left out.

    `bad` holds (path or line, why) of each image that could not be decoded. `read` holds the files and
    folders that were read: as long as none of them changes, the dataset is not decoded again. `draw_labels`
    asks training to draw each label from `targets` anew in each epoch, in place of using `targets` as they
    are.
    """

    card: Card
    train: Split
    validation: Split
    test: Split
    bad: tuple[tuple[str, str], ...] = ()
    read: tuple[Path, ...] = ()
    draw_labels: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the labels."""
        return self.card.classes

    def each(self) -> Mapping[str, Split]:
        """The splits by name: train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class Source(Protocol):
    """The type of `load`: the user's files in, decoded images out."""

    def __call__(self, root: Path, /, **options: Any) -> Splits: ...
