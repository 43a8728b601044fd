"""Small arrays of the host, on the device by one copy that nobody waits for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Arrays = Mapping[str, NDArray[Any]]
Placed = Mapping[str, Tensor]
ALIGNED = 16  # bytes; a view of another type must begin at a multiple of its item


def placed(arrays: Arrays, device: torch.device) -> Placed:
    """The arrays as tensors on the device.

    A GPU gets them as one block out of pinned memory: a copy out of any other would make the host wait.
    """
    if device.type != "cuda":
        return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    return unpacked(packed(arrays).pin_memory().to(device, non_blocking=True), arrays)


def packed(arrays: Arrays) -> Tensor:
    """All bytes of the arrays, one after another, each from a multiple of 16."""
    block = np.empty(sum(_room(array) for array in arrays.values()), dtype=np.uint8)
    first = 0
    for array in arrays.values():
        block[first : first + array.nbytes] = np.frombuffer(array.tobytes(), dtype=np.uint8)
        first += _room(array)
    return torch.from_numpy(block)


def unpacked(block: Tensor, arrays: Arrays) -> Placed:
    """Views of the packed block, each with the type and shape of its array."""
    found, first = {}, 0
    for name, array in arrays.items():
        kind = torch.from_numpy(np.empty(0, dtype=array.dtype)).dtype
        found[name] = block[first : first + array.nbytes].view(kind).view(array.shape)
        first += _room(array)
    return found


def _room(array: NDArray[Any]) -> int:
    return math.ceil(array.nbytes / ALIGNED) * ALIGNED
