"""A training's model made one with those of the other processes: torch's DistributedDataParallel."""

from __future__ import annotations

import inspect
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from paper_kit.bench.compiling import compiled
from paper_kit.bench.synced_norm import normalises, twin
from paper_kit.bench.training import Training

_OPTIONS = inspect.signature(DistributedDataParallel).parameters
# No buffer need be sent, as statistics of batches are equal everywhere; the option has got another name.
_SENDS = "forward_sync_buffers" if "forward_sync_buffers" in _OPTIONS else "broadcast_buffers"
_KEPT: dict[str, Any] = {_SENDS: False}


def join(t: Training) -> None:
    """Nothing; with others, gradients become their mean over all processes, of what learns in this epoch.

    DDP fixes what learns when it is made: it is made anew when stages have been unfrozen. Batch norm of a
    frozen stage stays in evaluation mode.
    """
    if t.ranks.size == 1:
        return
    learns = [parameter.requires_grad for parameter in t.parameters]
    if t.joined is None or t.learned != learns:
        inner = t.joined.module if t.joined else twin(t.model)
        t.joined = DistributedDataParallel(inner, find_unused_parameters=_leaves_some_out(t), **_KEPT)
        t.learned = learns
        t.forward = compiled(t.joined, t.spec.compile_mode) if t.spec.compile else t.joined
    own = dict(t.model.named_modules())
    for name, module in t.joined.module.named_modules():
        module.training = own[name].training


def reducing(t: Training, last: bool) -> AbstractContextManager[None]:
    """A block around a forward and a backward pass, after whose `last` of an update processes exchange."""
    wait: AbstractContextManager[None] = t.joined.no_sync() if t.joined and not last else nullcontext()
    return wait


def parallel(t: Training) -> dict[str, Any]:
    """How devices shared the run, for its record; empty where one device did all of it."""
    epochs = Counter(row.get("devices", 1) for row in t.history)
    if not epochs.keys() - {1}:
        return {}
    size = t.ranks.size
    return {
        "devices": size,
        "epochs_on_devices": {str(devices): number for devices, number in sorted(epochs.items())},
        "launcher": "torchrun" if size > 1 else "",
        "backend": backend(t.device) if size > 1 else "",
        "global_batch": t.update_images,
        "device_batch": t.update_images / size,
        "images_a_pass": (t.micro_batch or t.spec.batch_size) / size,
        "sampler": f"{t.spec.sampler}, one order shared out",
        "batch_norm": "over all devices" if normalises(t.model) else "none",
        "dropout": "each device draws its own",
    }


def backend(device: torch.device) -> str:
    """What moves tensors between processes."""
    return "nccl" if device.type == "cuda" else "gloo"


def part_with(t: Training) -> None:
    """Nothing; the processes are no longer one, and this one goes on alone, as it was where it was alone."""
    if t.ranks.size == 1:
        return
    t.joined, t.forward = None, t.model
    dist.destroy_process_group()


def _leaves_some_out(t: Training) -> bool:
    """Whether a pass leaves parameters without a gradient that learn; DDP would wait for these.

    Tried in evaluation mode, which changes neither statistics nor generators.
    """
    model = t.model
    modes = {module: module.training for module in model.modules()}
    model.eval()
    found = _trial(model, t)
    for module, mode in modes.items():
        module.training = mode
    return found


def _trial(model: nn.Module, t: Training) -> bool:
    side, channels = t.spec.image_size, t.spec.channels
    images = torch.zeros(2, channels, side, side, device=t.device)
    answer: Tensor = model(images)
    answer.sum().backward()  # type: ignore[no-untyped-call]
    missing = any(each.requires_grad and each.grad is None for each in t.parameters)
    t.optimizer.zero_grad(set_to_none=True)
    return missing
