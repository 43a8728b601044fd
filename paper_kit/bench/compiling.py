"""A model's training pass, compiled; the model itself, its names and its evaluation stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

GRAPHS = 64  # kept of one model: each set of stages that learn is another; torch's 8 end deep unfreezing


def compiled(model: nn.Module, mode: str) -> Callable[[Tensor], Tensor]:
    """images_NCHW -> outputs_NK by torch.compile, which works on the first call of each set of stages.

    With "reduce-overhead" the kernels of a step are replayed as CUDA graphs; outputs are copied out of their
    memory, because the next call writes there.
    """
    import torch._dynamo.config as dynamo  # here, for it takes a second that few runs need

    dynamo.recompile_limit = max(dynamo.recompile_limit, GRAPHS)
    forward: Callable[[Tensor], Tensor] = torch.compile(model, mode=mode)
    if mode != "reduce-overhead":
        return forward

    def replayed(images_NCHW: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return forward(images_NCHW).clone()

    return replayed
