"""Batches on their way into the model: drawn one by one, transformed several updates at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from paper_kit.bench import augment, mixing, randaugment
from paper_kit.bench.placing import placed
from paper_kit.bench.randomness import Purpose, stream
from paper_kit.bench.training import Training

VALUES_AT_ONCE = 2**19  # 2 MiB of floats: much fewer are mostly overhead, more leave a core's cache

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Batch:
    """Transformed, normalised, mixed images_NCHW on the device, their rows there, and how they were mixed.

    Of a batch of `whole` images, where several devices share it, they are this one's.
    """

    images: Tensor
    rows: Tensor
    mix: mixing.Mix
    whole: int


def loaded(t: Training, indices: Indices, done: int = 0) -> Iterator[list[Batch]]:
    """The batches of each update of the coming epoch after the first `done`, in the order of `indices`."""
    size = t.update_images
    updates = [indices[number * size :][:size] for number in range(t.updates)]
    together = updates_at_once(t)
    for first in range(done // together * together, len(updates), together):
        yield from load(t, updates[first : first + together], first)[max(0, done - first) :]


def updates_at_once(t: Training) -> int:
    """How many updates are transformed together; it changes no number, as each image has its own draws."""
    return max(1, VALUES_AT_ONCE // (t.update_images * t.spec.channels * t.data.prepare.image_size**2))


def load(t: Training, updates: Sequence[Indices], first: int) -> list[list[Batch]]:
    """The batches of each of these updates, the `first` counted from 0 in the epoch."""
    parted = [parts(update, t.spec.batch_size) for update in updates]
    batches = [batch for update in parted for batch in update]
    places = range(first * t.spec.optim.accumulate, first * t.spec.optim.accumulate + len(batches))
    images, rows = _transformed(t, batches, places)
    side = t.data.prepare.image_size
    found, start = [], 0
    for batch, place in zip(batches, places, strict=True):
        here = slice(start, start := start + len(batch[t.ranks.share(len(batch))]))
        mix = mixing.draw(t.spec.mixing, side, side, stream(*_at(t, place), Purpose.MIXING))
        found.append(Batch(mix.images(images[here]), rows[here], mix, len(batch)))
    each = iter(found)
    return [[next(each) for _ in update] for update in parted]


def parts(indices: Indices, size: int) -> list[Indices]:
    """Runs of at most `size` indices, as even as can be (never one image left over: batch norm needs two)."""
    return [indices] if len(indices) <= size else np.array_split(indices, -(-len(indices) // size))


def _transformed(t: Training, batches: Sequence[Indices], places: range) -> tuple[Tensor, Tensor]:
    """Images_NCHW of (this device's share of) these batches before they are mixed, and their rows, on it."""
    settings, pixels, side = t.spec.augment, t.data.train.pixels, t.data.prepare.image_size
    shares = [t.ranks.share(len(batch)) for batch in batches]
    draws = [
        augment.draw(len(batch), stream(*_at(t, place), Purpose.TRANSFORMS))
        for batch, place in zip(batches, places, strict=True)
    ]
    drawn = {
        name: np.concatenate([draw[name][share] for draw, share in zip(draws, shares, strict=True)])
        for name in augment.DRAWS
    }
    indices = np.concatenate([batch[share] for batch, share in zip(batches, shares, strict=True)])
    arrays = {
        "rows": indices,
        **augment.decided(settings, drawn, *pixels.size),
        **augment.rectangles(settings, drawn, side, side),
    }
    groups: list[randaugment.Groups] = []
    if ops := settings.randaugment_ops:
        chosen = [
            randaugment.draw(len(batch), ops, stream(*_at(t, place), Purpose.RANDAUGMENT))[:, share]
            for batch, place, share in zip(batches, places, shares, strict=True)
        ]
        groups, arrays["order_ON"] = randaugment.grouped(np.concatenate(chosen, axis=1))
    what = placed(arrays, t.device)
    images = pixels.rows(indices, what["rows"])
    if groups:
        images = randaugment.applied(images, groups, what["order_ON"], settings.randaugment_magnitude)
    return augment.erased(t.data.prepare(augment.transformed(images, what)), what), what["rows"]


def _at(t: Training, place: int) -> tuple[int, int, int]:
    return t.spec.seed, t.epoch + 1, place
