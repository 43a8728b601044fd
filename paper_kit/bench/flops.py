"""Operations of one forward pass, counted by fvcore on a trace, with attention and matrix products put right.

One MAC is one multiplication with its addition. Counted, as in timm's published tables: convolutions, linear
layers, matrix products (those inside attention too), and what fvcore counts for normalisation (an element of
batch norm is 2, a scale and a shift in evaluation; of layer norm 5) and for adaptive pooling (1). Left out:
activations, softmax, sums. FLOPs are two for each MAC.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

PRODUCTS = frozenset({"conv", "linear", "matmul", "addmm", "einsum", "scaled_dot_product_attention"})
FLOPS_PER_MAC = 2


@dataclass(frozen=True)
class Flops:
    """Counts for one image; `products` are the MACs of convolutions and matrix products alone."""

    macs: int
    flops: int
    products: int
    by_module: dict[str, int]  # dotted name -> MACs, inner modules included


def count(model: nn.Module, image_size: int, channels: int) -> Flops:
    """Flops of one image through the model in evaluation mode; the model is left as it was."""
    first = next(model.parameters())
    image = torch.zeros(1, channels, image_size, image_size, device=first.device, dtype=first.dtype)
    with evaluating(model), _quiet():
        from fvcore.nn import (
            FlopCountAnalysis,
        )  # inside: its import, too, warns of a tracer that torch will drop

        analysis = FlopCountAnalysis(model, (image,)).set_op_handle(**_HANDLERS)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        macs = int(analysis.total())
        operators = analysis.by_operator()
        by_module = {name: int(value) for name, value in analysis.by_module().items()}
    products = int(sum(value for name, value in operators.items() if name in PRODUCTS))
    return Flops(macs, FLOPS_PER_MAC * macs, products, by_module)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Nothing; within, every module is in evaluation mode and no gradient is kept."""
    training = {module: module.training for module in model.modules()}
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # torch's own transformer layers would hide their products
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in training.items():
            module.training = mode


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing; within, the tracer says nothing of shapes that it fixes (as meant) nor of its own end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _shape(value: Any) -> tuple[int, ...]:
    """The shape of a traced value."""
    return tuple(value.type().sizes() or ())


def _product(position: int) -> Any:
    """A handler: elements of the result times the length summed over, the last axis of input `position`."""

    def macs(inputs: list[Any], outputs: list[Any]) -> int:
        return math.prod(_shape(outputs[0])) * _shape(inputs[position])[-1]

    return macs


def _attention(inputs: list[Any], _outputs: list[Any]) -> int:
    """queries x keys, then weights x values, over batch and heads."""
    *batch, queries, width = _shape(inputs[0])
    keys, value_width = _shape(inputs[1])[-2], _shape(inputs[2])[-1]
    return math.prod(batch) * queries * keys * (width + value_width)


def _elementwise(factor: int) -> Any:
    def macs(inputs: list[Any], _outputs: list[Any]) -> int:
        return factor * math.prod(_shape(inputs[0]))

    return macs


_HANDLERS = {
    "aten::matmul": _product(0),
    "aten::mm": _product(0),
    "aten::bmm": _product(0),
    "aten::addmm": _product(1),
    "aten::baddbmm": _product(1),
    "aten::scaled_dot_product_attention": _attention,
    "aten::rms_norm": _elementwise(4),  # as fvcore's layer norm, without the mean
}
