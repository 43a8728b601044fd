"""A training in memory: what it is made of, and the state from which it goes on bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from paper_kit.bench import losses, optim
from paper_kit.bench.averaging import Average
from paper_kit.bench.checkpoint import Weights
from paper_kit.bench.compiling import compiled
from paper_kit.bench.examples import Examples
from paper_kit.bench.pixels import Preparation
from paper_kit.bench.ranks import ALONE, Ranks
from paper_kit.core.spec import RunSpec


@dataclass(frozen=True, eq=False)
class Data:
    """What a training learns from and is chosen on; `draw_labels` draws labels anew from soft targets."""

    train: Examples
    validation: Examples
    prepare: Preparation
    draw_labels: bool = False


@dataclass
class Best:
    """The epoch chosen on validation so far, and its weights on the CPU."""

    epoch: int = 0
    value: float = float("-inf")
    weights: Weights = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Midway:
    """Where an epoch was left: its updates done, their running totals and seconds, the generators."""

    updates: int
    totals: Tensor
    seconds: float
    generators: dict[str, Any]


@dataclass
class Training:
    """One training; `state` is all of it that changes.

    `micro_batch` is the spec's, unless memory was too small and the run went on with less: `deviations`
    then say so, and the record after them.
    """

    spec: RunSpec
    data: Data
    device: torch.device
    model: nn.Module
    stages: optim.Stages
    criterion: losses.Criterion
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    ema: Average | None
    forward: Callable[[Tensor], Tensor]
    epoch: int = 0
    best: Best = field(default_factory=Best)
    history: list[dict[str, Any]] = field(default_factory=list)
    midway: Midway | None = None
    micro_batch: int = 0
    deviations: tuple[str, ...] = ()
    ranks: Ranks = ALONE
    joined: DistributedDataParallel | None = None  # with others: what passes images in the model's place
    learned: list[bool] = field(default_factory=list)  # of each parameter, whether it learns in `joined`

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        """The model's parameters, listed once: to walk the modules takes longer than to clip."""
        return list(self.model.parameters())

    @property
    def evaluated(self) -> nn.Module:
        """The model that is evaluated and kept: the averaged one where weights are averaged."""
        module: nn.Module = self.ema.module if self.ema else self.model
        return module

    @property
    def update_images(self) -> int:
        """Images of one optimiser step."""
        return self.spec.batch_size * self.spec.optim.accumulate

    @property
    def updates(self) -> int:
        """Optimiser steps an epoch; images that do not fill one wait for another epoch's order."""
        return max(1, len(self.data.train) // self.update_images)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or validation has not improved for `patience` epochs."""
        waited = self.epoch - self.best.epoch
        return self.epoch >= self.spec.epochs or 0 < self.spec.patience <= waited


def setup(spec: RunSpec, model: nn.Module, data: Data, ranks: Ranks = ALONE) -> Training:
    """A training before its first epoch; `model` holds its first weights and lies on the examples' device."""
    device = data.train.pixels.device
    stages = optim.stages_of(model)
    counts = np.bincount(data.train.labels.cpu().numpy(), minlength=data.train.targets.shape[1])
    decay = spec.optim.ema_decay
    return Training(
        spec=spec,
        data=data,
        device=device,
        model=model,
        stages=stages,
        criterion=losses.criterion(spec.loss, counts, device)
        if spec.task == "emotion"
        else losses.squared_error,
        optimizer=optim.optimiser(model, stages, spec.optim),
        scaler=torch.amp.GradScaler(device.type, enabled=spec.precision == "fp16"),
        ema=Average(model, decay) if decay else None,
        forward=compiled(model, spec.compile_mode) if spec.compile and ranks.size == 1 else model,
        micro_batch=spec.micro_batch,
        ranks=ranks,
    )


def state(training: Training) -> dict[str, Any]:
    """All that a bit-exact resume needs. Each epoch seeds its own generators: they are in it midway only."""
    t = training
    return {
        "epoch": t.epoch,
        "model": t.model.state_dict(),
        "ema": t.ema.module.state_dict() if t.ema else {},
        "optimizer": t.optimizer.state_dict(),
        "scaler": t.scaler.state_dict(),
        "best": {"epoch": t.best.epoch, "value": t.best.value, "weights": t.best.weights},
        "history": t.history,
        "threads": torch.get_num_threads(),
        "midway": vars(t.midway) if t.midway else {},
        "micro_batch": t.micro_batch,
        "deviations": list(t.deviations),
    }


def restore(training: Training, saved: dict[str, Any]) -> None:
    """Nothing; the training is as it was when `saved` was taken."""
    t = training
    t.epoch, t.history, t.best = saved["epoch"], list(saved["history"]), Best(**saved["best"])
    t.midway = Midway(**saved["midway"]) if saved.get("midway") else None
    t.micro_batch = saved.get("micro_batch", t.micro_batch)
    t.deviations = tuple(saved.get("deviations", ()))
    t.model.load_state_dict(saved["model"])
    t.optimizer.load_state_dict(saved["optimizer"])
    if t.scaler.is_enabled():
        t.scaler.load_state_dict(saved["scaler"])
    if t.ema:
        t.ema.module.load_state_dict(saved["ema"])
