"""Batch norm over the images of all processes, which gives the numbers that one device gives.

On a GPU that is torch's SyncBatchNorm; it refuses a CPU, where `Normalised` computes the same numbers.
"""

from __future__ import annotations

import copy
from types import MethodType
from typing import Any

import torch
import torch.distributed as dist
from timm.layers.norm_act import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def twin(model: nn.Module) -> nn.Module:
    """The model over again, with the same tensors and with batch norm over all processes.

    It is trained in place of the model, which so keeps the layers that are recorded, copied and evaluated.
    """
    own = [*model.parameters(), *model.buffers()]
    found: nn.Module = copy.deepcopy(model, {id(tensor): tensor for tensor in own})
    if own[0].device.type != "cpu":
        found = convert_sync_batchnorm(found)  # type: ignore[no-untyped-call]
    for module in found.modules():
        if not isinstance(module, nn.SyncBatchNorm) and isinstance(module, _BatchNorm):
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]
    return found


def normalises(model: nn.Module) -> bool:
    """Whether a model has batch norm."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


class Normalised(torch.autograd.Function):
    """Images normalised by the mean and variance of those of all processes, with the gradient through both.

    Source: Ioffe and Szegedy, ICML 2015, section 3; sums are over processes too.
    """

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised maps in their type; mean_C, biased variance_C, and how many values these are of."""
        values = maps.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = torch.cat([_sums(values), count])
        dist.all_reduce(sums)
        mean, count = sums[:-1] / sums[-1], sums[-1]
        squares = _sums((values - _wide(mean, maps)).square())
        dist.all_reduce(squares)
        variance = squares / count
        rate = (variance + eps).rsqrt()
        ctx.save_for_backward(maps, mean, rate, weight, count)
        ctx.mark_non_differentiable(mean, variance, count)
        scaled = (values - _wide(mean, maps)) * _wide(rate * weight.float(), maps)
        return (scaled + _wide(bias.float(), maps)).to(maps.dtype), mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Gradients of the maps, the weight and the bias; of the last two this process's part."""
        maps, mean, rate, weight, count = ctx.saved_tensors
        given = gradients[0].float()
        normal = (maps.float() - _wide(mean, maps)) * _wide(rate, maps)
        parts = torch.stack([_sums(given), _sums(given * normal)])
        sums = parts.clone()
        dist.all_reduce(sums)
        shift, slope = sums / count
        moved = given - _wide(shift, maps) - normal * _wide(slope, maps)
        maps_gradient = (moved * _wide(rate * weight.float(), maps)).to(maps.dtype)
        return maps_gradient, parts[1].to(weight.dtype), parts[0].to(weight.dtype), None


def _forward(norm: _BatchNorm, maps: Tensor) -> Tensor:
    """What a batch norm does, and timm's with an activation, with the images of all processes."""
    if not norm.training:
        result: Tensor = type(norm).forward(norm, maps)
        return result
    channels = norm.num_features
    weight = norm.weight if norm.weight is not None else maps.new_ones(channels)
    bias = norm.bias if norm.bias is not None else maps.new_zeros(channels)
    found: Tensor
    found, mean, variance, count = Normalised.apply(maps, weight, bias, norm.eps)
    if norm.running_mean is not None and norm.running_var is not None:
        _follow(norm, mean, variance * (count / (count - 1)))
    for step in ("drop", "act"):
        if hasattr(norm, step):
            found = getattr(norm, step)(found)
    return found


@torch.no_grad()
def _follow(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Nothing; the running statistics have taken those of a batch in."""
    assert norm.num_batches_tracked is not None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.num_batches_tracked.add_(1)
    part = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, part)
    norm.running_var.lerp_(variance, part)


def _sums(values: Tensor) -> Tensor:
    """Sums_C over all axes but the channels."""
    return values.sum([axis for axis in range(values.ndim) if axis != 1])


def _wide(values_C: Tensor, maps: Tensor) -> Tensor:
    """Values_C so that they spread over the maps."""
    return values_C.view(1, -1, *[1] * (maps.ndim - 2))
