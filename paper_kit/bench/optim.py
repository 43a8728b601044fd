"""Optimiser, parameter groups and the learning rate as a function of the step."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from paper_kit.core.spec import Optim, Schedule

Stages = Sequence[tuple[str, list[nn.Module]]]
START = 1 / 25  # of the learning rate, where one-cycle begins: Smith's example, and torch's default


def stages_of(model: nn.Module) -> Stages:
    """(name, modules) of a model that keeps the contract of bench/models, from the input to the head."""
    stages: Stages = model.stages()  # type: ignore[operator]
    return stages


def stage_of(model: nn.Module, stages: Stages) -> dict[str, int]:
    """Parameter name -> index of its stage; what is in none (class token, positions) counts as the first."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = dict.fromkeys(names.values(), 0)
    for index, (_, modules) in enumerate(stages):
        for module in modules:
            for parameter in module.parameters():
                found[names[id(parameter)]] = index
    return found


def parameter_groups(model: nn.Module, stages: Stages, optim: Optim) -> list[dict[str, Any]]:
    """Groups by stage and decay; `lr_scale` falls by `layer_decay` a stage from head to input.

    Norms, biases and what model.no_weight_decay() names go without weight decay.
    Source of the scale: Bao et al., BEiT, ICLR 2022.
    """
    kept_out: set[str] = getattr(model, "no_weight_decay", set)()
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    stage = stage_of(model, stages)
    for name, parameter in model.named_parameters():
        decays = parameter.ndim > 1 and not any(fnmatch.fnmatch(name, pattern) for pattern in kept_out)
        scale = optim.layer_decay ** (len(stages) - 1 - stage[name])
        empty = {"params": [], "weight_decay": optim.weight_decay if decays else 0.0, "lr_scale": scale}
        groups.setdefault((stage[name], decays), empty)["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def optimiser(model: nn.Module, stages: Stages, optim: Optim) -> torch.optim.Optimizer:
    """AdamW or SGD, fused, over the model's groups."""
    groups = parameter_groups(model, stages, optim)
    if optim.name == "sgd":
        return torch.optim.SGD(groups, lr=optim.lr, momentum=optim.momentum, fused=True)
    return torch.optim.AdamW(groups, lr=optim.lr, betas=(optim.momentum, optim.beta2), fused=True)


@torch.no_grad()
def clip_gradients(parameters: Sequence[nn.Parameter], most: float) -> Tensor:
    """The gradients' norm (a scalar), which is at most `most` afterwards.

    torch.nn.utils.clip_grad_norm_ to the bit, for parameters of one device and type: to sort them by these
    takes it twice as long as to clip.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, torch.clamp(most / (norm + 1e-6), max=1.0))
    return norm


def lr_at(step: int, schedule: Schedule, lr: float, steps: int, steps_an_epoch: int) -> float:
    """The learning rate of the update `step` (from 0) of `steps`.

    cosine: a linear warm-up, then half a cosine to floor x lr. constant: the warm-up, then lr.
    one_cycle: half a cosine up from lr / 25 over the fraction `rise` of the steps, then half a cosine down to
    floor x lr (Smith 2018; as torch's OneCycleLR).
    """
    if schedule.name == "one_cycle":
        peak = schedule.rise * steps - 1
        if step <= peak:
            return _half_cosine(lr * START, lr, step / peak if peak > 0 else 1.0)
        return _half_cosine(lr, lr * schedule.floor, (step - peak) / max(steps - 1 - peak, 1e-9))
    warmup = min(round(schedule.warmup_epochs * steps_an_epoch), steps - 1)
    if step < warmup:
        return lr * (step + 1) / warmup
    if schedule.name == "constant":
        return lr
    return _half_cosine(lr, lr * schedule.floor, (step - warmup) / max(steps - 1 - warmup, 1))


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Nothing; each group has `lr` times its own scale."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"]


def _half_cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2
