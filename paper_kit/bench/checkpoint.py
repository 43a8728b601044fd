"""The one dict from which a training goes on bit for bit, on disk."""

from __future__ import annotations

import pickle
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
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not readable ({reason}). Delete it; the run then starts again.") from None
    return state


def save_weights(path: Path, weights: Weights) -> str:
    """SHA-256 of the safetensors file that now holds `weights`."""
    write_bytes(path, save({name: tensor.contiguous() for name, tensor in weights.items()}))
    return sha256_file(path)


def load_weights(path: Path) -> Weights:
    """The tensors of a .safetensors file, or of a .pth file that holds nothing but tensors."""
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise InputError(f"{path}: not readable as weights ({str(error).splitlines()[0]}).") from None
    inner = state.get("state_dict", state.get("model", state))
    return {name: value for name, value in inner.items() if isinstance(value, Tensor)}


def copied(weights: dict[str, Any]) -> Weights:
    """The tensors of a state dict, copied to the CPU."""
    return {name: value.detach().to("cpu", copy=True) for name, value in weights.items()}
