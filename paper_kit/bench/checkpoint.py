"""The one dict from which a training goes on bit for bit, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from paper_kit.core.errors import InputError
from paper_kit.core.files import replacing, sha256_file, write_bytes

Weights = dict[str, Tensor]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Nothing; `path` holds `state`, whole, or is as it was before."""
    with replacing(path) as part:
        torch.save(state, part)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state that was saved, on the CPU, read without running code in it; None where there is none."""
    if not path.is_file():
        return None
    try:
        return _tensors_only(path)
    except InputError as error:
        raise InputError(f"{error} Delete it; the run then starts again.") from None


def save_weights(path: Path, weights: Weights) -> str:
    """SHA-256 of the safetensors file that now holds `weights`."""
    write_bytes(path, save({name: tensor.contiguous() for name, tensor in weights.items()}))
    return sha256_file(path)


def load_weights(path: Path) -> Weights:
    """The tensors of a .safetensors file, or of a .pth file that holds nothing but tensors."""
    if path.suffix == ".safetensors":
        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise InputError(f"{path}: not a whole safetensors file ({error}).") from None
    state = _tensors_only(path)
    inner = state.get("state_dict", state.get("model", state))
    return {name: value for name, value in inner.items() if isinstance(value, Tensor)}


def copied(weights: dict[str, Any]) -> Weights:
    """The tensors of a state dict, copied to the CPU."""
    return {name: value.detach().to("cpu", copy=True) for name, value in weights.items()}


def _tensors_only(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch's reader stumble in a dozen ways
        raise InputError(f"{path}: not readable ({type(error).__name__}).") from None
    return state
