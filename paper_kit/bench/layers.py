"""The layer table of a model: its parts, what each gives out, its parameters and multiply-adds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

from paper_kit.bench.flops import Flops, count, evaluating
from paper_kit.bench.models import LayerGroup
from paper_kit.core.record import LayerRow

MISSING = "(no module)"  # a group may hold loose parameters in a list that is no module of the model


def layer_table(model: nn.Module, image_size: int, channels: int) -> list[LayerRow]:
    """Rows from input to output for one image; their parameters and MACs sum to the model's."""
    flops = count(model, image_size, channels)
    groups = layer_groups(model)
    names = {id(module): name for name, module in model.named_modules()}
    outputs = _outputs(model, groups, image_size, channels)
    rows = [
        LayerRow(
            name=group.name,
            operation=group.operation,
            output=output,
            parameters=sum(value.numel() for module in group.modules for value in module.parameters()),
            macs=sum(flops.by_module.get(names.get(id(module), MISSING), 0) for module in group.modules),
            stage=group.stage,
        )
        for group, output in zip(groups, outputs, strict=True)
    ]
    return [*rows, *_between(model, rows, flops)]


def layer_groups(model: Any) -> list[LayerGroup]:
    """The model's own rows, or one for each of its stages."""
    if hasattr(model, "layer_groups"):
        own: list[LayerGroup] = model.layer_groups()
        return own
    return [
        LayerGroup(name[:1].upper() + name[1:], _operation(modules), modules, name)
        for name, modules in model.stages()
    ]


def _outputs(
    model: nn.Module, groups: list[LayerGroup], image_size: int, channels: int
) -> list[tuple[int, ...]]:
    """For each group the shape, without the batch, that its last module to run gave; () where none runs."""
    shapes: dict[int, tuple[int, ...]] = {}

    def remember(index: int) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            tensor = output[0] if isinstance(output, tuple | list) else output
            if isinstance(tensor, Tensor):
                shapes[index] = tuple(tensor.shape[1:])

        return hook

    handles = [
        module.register_forward_hook(remember(index))
        for index, group in enumerate(groups)
        for module in group.modules
    ]
    first = next(model.parameters())
    try:
        with evaluating(model):
            model(torch.zeros(1, channels, image_size, image_size, device=first.device, dtype=first.dtype))
    finally:
        for handle in handles:
            handle.remove()
    return [shapes.get(index, ()) for index in range(len(groups))]


def _between(model: nn.Module, rows: list[LayerRow], flops: Flops) -> list[LayerRow]:
    """One more row for what a model computes outside the modules of its groups, where there is such."""
    parameters = sum(value.numel() for value in model.parameters()) - sum(row.parameters for row in rows)
    macs = flops.macs - sum(row.macs for row in rows)
    if not parameters and not macs:
        return []
    what = "operations between the parts"
    return [LayerRow(name="Between", operation=what, output=(), parameters=parameters, macs=macs)]


def _operation(modules: list[nn.Module]) -> str:
    """What the modules are, such as '2 × BasicBlock' or 'Conv2d, BatchNorm2d, ReLU'."""
    kinds: list[str] = []
    for module in modules:
        inner = list(module.children()) if isinstance(module, nn.Sequential) else [module]
        kinds.extend(type(part).__name__ for part in inner if not isinstance(part, nn.Identity))
    counted = Counter("parameters" if kind == "ParameterList" else kind for kind in kinds)
    return ", ".join(f"{n} × {kind}" if n > 1 else kind for kind, n in counted.items())
