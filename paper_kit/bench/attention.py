"""Attention for feature maps, the fusion of several, and how weights begin; on timm's blocks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.layers.cbam import CbamModule
from timm.layers.squeeze_excite import SEModule
from torch import Tensor, nn
from torch.nn import functional

LEAST_CHANNELS = 4  # fewer squeezed channels than this carry nothing in the small variants


def squeeze_excitation(channels: int, reduction: int) -> nn.Module:
    """Channel attention from the mean of each channel (Hu et al. 2018)."""
    module: nn.Module = SEModule(channels, rd_channels=max(LEAST_CHANNELS, channels // reduction))
    return module


def cbam(channels: int, reduction: int) -> nn.Module:
    """Channel attention from means and maxima, then spatial by a 7x7 convolution (Woo et al. 2018)."""
    module: nn.Module = CbamModule(channels, rd_channels=max(LEAST_CHANNELS, channels // reduction))
    return module


class MultiLevelFusion(nn.Module):
    """Maps of several stages, pooled to the last one's grid, joined, mixed by 1x1: maps_NDhw."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(sum(channels), width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.act = nn.ReLU(inplace=True)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        grid = (maps[-1].shape[-2], maps[-1].shape[-1])
        pooled = [functional.adaptive_avg_pool2d(level, grid) for level in maps[:-1]]
        fused: Tensor = self.act(self.norm(self.mix(torch.cat([*pooled, maps[-1]], dim=1))))
        return fused


def initialise(module: nn.Module) -> None:
    """Start convolutions as He et al. (2015, fan out) and linear layers at a deviation of 0.02."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02)
        if isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
