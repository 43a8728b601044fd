"""How much a forward pass keeps for the backward pass, in bytes: the memory that AMP is meant to save."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from paper_kit.bench.evaluate import autocast
from paper_kit.bench.memory import MIB

Precision = Literal["fp32", "bf16", "fp16"]


def amp_format(precision: Precision) -> Precision:
    """The format in which AMP is measured for a run of this precision: its own, BF16 where it uses none."""
    return "bf16" if precision == "fp32" else precision


def saved_mib(model: nn.Module, images_NCHW: Tensor, precision: Precision) -> float:
    """MiB of tensors that autograd keeps between the forward and the backward pass of one batch.

    Each storage counts once, parameters and buffers do not count; the same model and batch give the same
    number on every machine. Source: torch.autograd.graph.saved_tensors_hooks.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []  # a storage that is freed could give its address to another

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    def unpack(tensor: Any) -> Any:
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack), autocast(images_NCHW.device, precision):
        model(images_NCHW).float().sum()
    return sum(kept.values()) / MIB
