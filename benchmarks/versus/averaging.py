"""The product's average of the weights, in the form that torch's AveragedModel (and Lightning) asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Average = Callable[[list[Tensor], list[Tensor], Any], None]


def warmed_average(decay: float) -> Average:
    """A multi_avg_fn whose decay grows as timm's ModelEmaV3(use_warmup=True) lets it; no wait for the device.

    AveragedModel copies the weights at the first update and calls this from the second, once for each dtype.
    """
    rule = ModelEmaV3(nn.Linear(1, 1), decay=decay, use_warmup=True)
    calls: Counter[torch.dtype] = Counter()

    def average(averaged: list[Tensor], current: list[Tensor], count: Any) -> None:
        kind = averaged[0].dtype
        calls[kind] += 1
        get_ema_multi_avg_fn(rule.get_decay(calls[kind] + 1))(averaged, current, count)

    return average
