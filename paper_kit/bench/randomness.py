"""Random numbers as a function of (seed, epoch, batch, purpose): a resumed run draws what it would have."""

from __future__ import annotations

import random
from enum import IntEnum
from typing import Any

import numpy as np
import torch


class Purpose(IntEnum):
    """What a stream is for; a technique that is switched off leaves the draws of the others."""

    ORDER = 1
    TRANSFORMS = 2
    RANDAUGMENT = 3
    MIXING = 4
    LABELS = 5


def stream(seed: int, epoch: int, batch: int, purpose: Purpose) -> np.random.Generator:
    """The generator of one purpose in one batch (0 for draws that are made once an epoch)."""
    return np.random.default_rng((seed, epoch, batch, int(purpose)))


def seed_everything(seed: int, epoch: int, *further: int) -> None:
    """Nothing; the global generators (dropout, drop path, first weights) start from (seed, epoch, …)."""
    words = np.random.SeedSequence((seed, epoch, *further)).generate_state(2)
    torch.manual_seed(int(words[0]) << 32 | int(words[1]))
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))  # a model plug-in may draw from it


def generators(device: torch.device) -> dict[str, Any]:
    """Where the global generators stand, as tensors and plain values, for an epoch left midway."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "random": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, gauss),
    }


def set_generators(saved: dict[str, Any], device: torch.device) -> None:
    """Nothing; the global generators stand where they did when `saved` was taken."""
    torch.set_rng_state(saved["torch"])
    if device.type == "cuda" and saved["cuda"] is not None:
        torch.cuda.set_rng_state(saved["cuda"], device)
    version, words, gauss = saved["random"]
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = saved["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
