"""The one dict from which a training goes on bit for bit, on disk: the newest, and the one before it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from paper_kit.core.checkpoints import before, rotating
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file, write_bytes

Weights = dict[str, Tensor]
NEEDED = {"epoch", "model", "optimizer", "best", "history"}  # what every state has


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Nothing; `path` holds `state`, whole, and what it held before lies beside it."""
    with rotating(path) as part, part.open("wb") as opened:
        _save(state, opened)


def load_checkpoint(path: Path, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any] | None:
    """The newest whole state, on the CPU, read without running code in it; None where there is none.

    A damaged file is set aside as `<name>.damaged`, and `tell` hears of it. The state before it, or the
    beginning, leads to the same numbers.
    """
    for file in (path, before(path)):
        try:
            if file.is_file():
                return _whole(file)
        except InputError as error:
            file.replace(file.with_name(f"{file.name}.damaged"))
            tell(f"{error} It was set aside as {file.name}.damaged.")
    return None


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


def _save(state: dict[str, Any], opened: BinaryIO) -> None:
    """Nothing; OSError where the disk takes no more: torch's writer would only say that counts differ."""
    failed: list[OSError] = []

    class File:
        def write(self, data: bytes) -> int:
            try:
                return opened.write(data)
            except OSError as error:
                failed.append(error)
                raise

        def flush(self) -> None:
            opened.flush()

    try:
        torch.save(state, File())  # type: ignore[arg-type]
    except RuntimeError:
        if failed:
            raise failed[0] from None
        raise


def _whole(path: Path) -> dict[str, Any]:
    """The state in a file; InputError where a byte of it is not as it was written, which torch overlooks."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # a damaged archive makes its reader stumble in a dozen ways, too
        raise InputError(f"{path}: not readable ({type(error).__name__}).") from None
    if damaged is not None:
        raise InputError(f"{path}: damaged ({damaged}).")
    found = _tensors_only(path)
    if not isinstance(found, dict) or not found.keys() >= NEEDED:
        raise InputError(f"{path}: not a checkpoint of a training.")
    return found


def _tensors_only(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch's reader stumble in a dozen ways
        raise InputError(f"{path}: not readable ({type(error).__name__}).") from None
    return state
