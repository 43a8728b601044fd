"""How long a training step takes in FP32 and under AMP: timed in turn, on one machine."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from paper_kit.bench.loading import load
from paper_kit.bench.saved import amp_format
from paper_kit.bench.timing import in_turn
from paper_kit.bench.train import step
from paper_kit.bench.training import Data, setup
from paper_kit.bench.transfer import set_trainable
from paper_kit.core.spec import RunSpec


def amp_speed(
    run: RunSpec, model: nn.Module, data: Data, device: torch.device, seconds: float
) -> dict[str, Any]:
    """Fields of a CostRecord: median ms of a step in FP32 and under AMP, its format, and the rounds timed.

    AMP is the run's own format, BF16 where the run uses none. A step is augmentation, forward, backward and
    optimiser, every stage learning. The model's weights change.
    """
    amp = amp_format(run.precision)
    calls = [_stepping(run, model, data, device, precision) for precision in ("fp32", amp)]
    fp32, under_amp = in_turn(calls, device, seconds)
    return {
        "step_fp32_ms": statistics.median(fp32) * 1e3,
        "step_amp_ms": statistics.median(under_amp) * 1e3,
        "step_amp_format": amp,
        "steps_compared": len(fp32),
    }


def _stepping(
    run: RunSpec, model: nn.Module, data: Data, device: torch.device, precision: str
) -> Callable[[], None]:
    training = setup(run.model_copy(update={"precision": precision}), model, data)
    set_trainable(model, training.stages, range(len(training.stages)))
    indices = np.arange(training.update_images)
    totals = torch.zeros(5, device=device)
    return lambda: step(training, load(training, [indices], 0)[0], training.data.train.targets, 0, totals)
