"""Which images of a batch each device takes where several share a run. No torch here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.core.spec import RunSpec

LEAST = 2  # images of each device in a pass: with fewer, mixup would have no partner on it
GRAPHS = (
    'compile_mode = "reduce-overhead" replays CUDA graphs, in which devices cannot exchange gradients. Type '
    'no --devices, or set compile_mode = "default".'
)


def places(count: int, rank: int, size: int) -> NDArray[np.int64]:
    """Ascending places, from 0 to `count` - 1, of a batch's images that the device `rank` of `size` takes.

    Mixup's partner of place i is `count` - 1 - i, and one device has both. Of any run of places the devices
    have equally many, but for two.
    """
    whole = np.arange(count)
    chosen: NDArray[np.int64] = whole[np.minimum(whole, count - 1 - whole) % size == rank]
    return chosen


def fewest(spec: RunSpec, images: int) -> int:
    """Images of the smallest pass through the model, on all devices together, of an epoch of so many."""
    update = min(images, spec.batch_size * spec.optim.accumulate)
    batch = _smallest(update, spec.batch_size)
    return min(_smallest(each, spec.micro_batch or each) for each in {batch, min(batch + 1, update)})


def check_shares(runs: Iterable[RunSpec], devices: int) -> None:
    """Nothing; InputError lists what so many devices cannot share, such as small batches, with a way out."""
    problems: list[str] = []
    for spec in runs if devices > 1 else ():
        if spec.compile and spec.compile_mode == "reduce-overhead":
            problems.append(f"--devices {devices}: {GRAPHS}")
        least = fewest(spec, spec.batch_size * spec.optim.accumulate)
        if least < LEAST * devices:
            told = "micro_batch" if spec.micro_batch else "batch_size"
            problems.append(too_small(devices, least, f"{told} = {getattr(spec, told)}", told))
    if problems:
        raise InputError(dict.fromkeys(problems))


def check_images(spec: RunSpec, images: int, devices: int) -> None:
    """Nothing; InputError where an epoch of so few images gives batches too small for so many devices."""
    check_shares([spec], devices)
    least = fewest(spec, images)
    if devices > 1 and least < LEAST * devices:
        raise InputError(too_small(devices, least, f"{images} training images", "batch_size"))


def too_small(devices: int, images: int, why: str, field: str) -> str:
    """Why so many devices cannot share a pass of so few images, and what to type."""
    can = images // LEAST
    fix = f"--devices {can}" if can > 1 else "no --devices"
    return (
        f"--devices {devices}: a pass of {images} images ({why}) is too small to share: each device needs "
        f"{LEAST}. Type {fix}, or set a larger {field}."
    )


def too_many(devices: int, found: int) -> str:
    """What to type where so many GPUs were asked for and so many found."""
    return f"--devices {devices}: there are {found} GPUs here. Type --devices {found}, or --device cpu."


def _smallest(count: int, size: int) -> int:
    """Of `count` images in parts of at most `size`, as even as can be, the smallest part."""
    return count // -(-count // size)
