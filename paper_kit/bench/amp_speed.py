"""How long a training step takes in FP32 and under AMP: timed in turn, on one machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from paper_kit.bench.saved import Precision
from paper_kit.bench.train import step
from paper_kit.bench.training import Data, setup
from paper_kit.bench.transfer import set_trainable
from paper_kit.core.spec import RunSpec

WARM_UP, FEWEST, MOST = 3, 5, 100  # rounds of one call each


def amp_speed(
    run: RunSpec, model: nn.Module, data: Data, device: torch.device, seconds: float
) -> dict[str, Any]:
    """Fields of a CostRecord: median ms of a step in FP32 and under AMP, its format, and the rounds timed.

    AMP is the run's own format, BF16 where the run uses none. A step is augmentation, forward, backward and
    optimiser, every stage learning. The model's weights change.
    """
    amp: Precision = "bf16" if run.precision == "fp32" else run.precision
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
    return lambda: step(training, indices, training.data.train.targets, 0, totals)


def in_turn(
    calls: Sequence[Callable[[], Any]], device: torch.device, seconds: float
) -> tuple[list[float], ...]:
    """Seconds of each call in 5 to 100 rounds, until all took `seconds`; each round begins with another one.

    The first rounds are not counted.
    """
    found: tuple[list[float], ...] = tuple([] for _ in calls)
    number = -WARM_UP
    while number < FEWEST or (number < MOST and sum(map(sum, found)) < seconds):
        for place in range(len(calls)):
            chosen = (place + number) % len(calls)
            taken = _seconds(calls[chosen], device)
            if number >= 0:
                found[chosen].append(taken)
        number += 1
    return found


def _seconds(call: Callable[[], Any], device: torch.device) -> float:
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Nothing; the device has done all that it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
