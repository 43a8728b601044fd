"""The examples of a dataset, made once for all runs of a worker that learn from the same images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from paper_kit.bench.examples import Examples, examples
from paper_kit.bench.pixels import Normalisation, normalisation_of
from paper_kit.core.errors import InputError
from paper_kit.data.dataset import Dataset, open_cached
from paper_kit.data.split import stratified_subset

SUBSET_SEED = 0  # train_fraction takes the same images for every seed and model
KEPT = 2  # the dataset of a study, and that of its source runs


@dataclass(frozen=True, eq=False)
class Loaded:
    """Training and validation examples on a device, and the normalisation of the training images."""

    train: Examples
    validation: Examples
    normalisation: Normalisation


def loaded(dataset: Dataset, train_fraction: float, device: torch.device) -> Loaded:
    """The examples of a dataset; those of an earlier call where content, fraction and device are the same.

    Nobody may write to them.
    """
    return _loaded(dataset.folder, len(dataset.classes), train_fraction, device)


@lru_cache(maxsize=KEPT)
def _loaded(folder: Path, classes: int, train_fraction: float, device: torch.device) -> Loaded:
    """The same, by the folder: its name is the fingerprint of all that is in it."""
    dataset = open_cached(folder.name, folder.parent)
    if dataset is None:
        raise InputError(f"{folder}: the decoded dataset is gone. Type the command again.")
    split = dataset.split("train")
    subset, images = None, split.images
    if train_fraction < 1:
        subset = stratified_subset(split.labels, train_fraction, SUBSET_SEED)
        images = split.images[subset]
    return Loaded(
        train=examples(split, classes, device, subset),
        validation=examples(dataset.split("validation"), classes, device),
        normalisation=normalisation_of(images),
    )
