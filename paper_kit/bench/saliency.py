"""Where a model looks: Grad-CAM for convolutions, attention rollout for transformers; maps, never pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from timm.layers.attention import Attention
from torch import Tensor, nn
from torch.nn import functional

LARGEST_MAP = 32  # places a side; finer maps are averaged down, so that records stay small
BATCH = 32
PASSED_ON = (nn.Dropout, nn.Identity, nn.Softmax)  # their 4-D outputs may be attention weights, not maps
NO_MAP = "not recorded: no layer of the model gives a feature map with places, and none is timm's attention"

Method = Literal["Grad-CAM", "attention rollout"]
Maps = NDArray[np.float32]
Box = tuple[float, float, float, float]  # left, top, right, bottom
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


class NoMap(Exception):
    """The model has nothing that a map could be made of."""


@dataclass(frozen=True, eq=False)
class Saliency:
    """Maps_NThw from 0 to 1, each divided by its maximum; logits_NK of the pass; how they were made.

    `targets` names the axis T: the predicted class and the label for Grad-CAM; rollout asks for no class.
    `covers` is (left, top, right, bottom) of the maps in sides of the image: more than 0 to 1 where padded.
    """

    maps: Maps
    logits: NDArray[np.float32]
    method: Method
    layer: str
    targets: tuple[str, ...]
    covers: Box = WHOLE


def saliency(model: nn.Module, images_NCHW: Tensor, labels_N: NDArray[np.int64]) -> Saliency:
    """Maps of normalised images, in fp32; the model evaluates afterwards and its weights are as they were.

    Rollout where the model has attention with whole token grids, else Grad-CAM. Raises NoMap.
    """
    model.eval()
    attending = [(name, part) for name, part in model.named_modules() if isinstance(part, Attention)]
    labels = torch.from_numpy(labels_N).to(images_NCHW.device)
    starts = range(0, len(labels), BATCH)
    found = [
        _of_batch(model, attending, images_NCHW[at : at + BATCH], labels[at : at + BATCH]) for at in starts
    ]
    maps_NThw = _small(torch.cat([maps for maps, _, _ in found]))
    peaks = maps_NThw.amax((2, 3), keepdim=True)
    layer = found[0][2]
    return Saliency(
        maps=(maps_NThw / peaks.where(peaks > 0, 1.0)).cpu().numpy(),
        logits=torch.cat([logits for _, logits, _ in found]).cpu().numpy(),
        method="attention rollout" if attending else "Grad-CAM",
        layer=layer,
        targets=("any",) if attending else ("predicted", "label"),
        covers=_covers(model, images_NCHW.shape[-1]) if attending else WHOLE,
    )


def roll_out(attention_LNHTT: list[Tensor]) -> Tensor:
    """How much each last token draws from each first one, (N, T, T), rows of sum 1.

    Abnar and Zuidema (ACL 2020): mean over heads, half of it the residual path, multiplied layer by layer.
    """
    total = torch.eye(attention_LNHTT[0].shape[-1], device=attention_LNHTT[0].device)
    for weights_NHTT in attention_LNHTT:
        mixed = 0.5 * weights_NHTT.mean(1) + 0.5 * torch.eye(weights_NHTT.shape[-1], device=total.device)
        total = (mixed / mixed.sum(-1, keepdim=True)) @ total
    return total


def cam(features_NChw: Tensor, gradients_NChw: Tensor) -> Tensor:
    """Maps_Nhw: ReLU of the features, weighted by the mean gradient of a class's logit in each channel.

    Selvaraju et al. (ICCV 2017), equations 1 and 2.
    """
    weights = gradients_NChw.mean((2, 3), keepdim=True)
    return torch.relu((weights * features_NChw).sum(1))


Found = tuple[Tensor, Tensor, str]  # maps_NThw, logits_NK, the layer's name


def _of_batch(
    model: nn.Module, attending: list[tuple[str, Attention]], images: Tensor, labels: Tensor
) -> Found:
    with torch.autocast(images.device.type, enabled=False):
        return _rollout(model, attending, images) if attending else _grad_cam(model, images, labels)


@torch.no_grad()
def _rollout(model: nn.Module, attending: list[tuple[str, Attention]], images: Tensor) -> Found:
    """Maps of what the class token draws from each patch; the mean of all tokens where there is none."""
    weights: list[Tensor] = []

    def remember(module: Any, inputs: tuple[Tensor, ...]) -> None:
        weights.append(_weights(module, inputs[0]))

    with _hooked([part.register_forward_pre_hook(remember) for _, part in attending]):
        logits = model(images)
    if len({one.shape[-1] for one in weights}) != 1:
        raise NoMap("not recorded: the model's attention layers see different numbers of tokens")
    total_NTT = roll_out(weights)
    before = _prefix(model, total_NTT.shape[-1])
    side = round((total_NTT.shape[-1] - before) ** 0.5)
    if side < 2 or side**2 != total_NTT.shape[-1] - before:
        raise NoMap("not recorded: the model's tokens form no square grid")
    asking = total_NTT[:, 0] if before else total_NTT.mean(1)
    maps_N1hw = asking[:, before:].reshape(len(images), 1, side, side)
    return maps_N1hw, logits.float(), f"{len(attending)} attention layers"


def _weights(module: Any, tokens_NTD: Tensor) -> Tensor:
    """Attention_NHTT, which the fused product does not give out, from the module's own queries and keys."""
    count, length, _ = tokens_NTD.shape
    qkv = module.qkv(tokens_NTD.float()).reshape(count, length, 3, module.num_heads, -1)
    queries, keys, _ = qkv.permute(2, 0, 3, 1, 4)
    products = module.q_norm(queries) * module.scale @ module.k_norm(keys).transpose(-2, -1)
    weights: Tensor = products.softmax(-1)
    return weights


def _prefix(model: nn.Module, tokens: int) -> int:
    """How many tokens stand before those of the patches, as timm's models say, or as a square grid leaves."""
    told = [getattr(part, "num_prefix_tokens", None) for part in model.modules()]
    known = [number for number in told if isinstance(number, int)]
    return known[0] if known else int(round(tokens**0.5) ** 2 != tokens)


def _grad_cam(model: nn.Module, images: Tensor, labels: Tensor) -> Found:
    """Maps of the predicted class and of the label, at the last feature map that has places."""
    last: dict[str, Tensor] = {}
    names = {id(module): name for name, module in model.named_modules()}

    def remember(module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and not isinstance(module, PASSED_ON) and _layout(output):
            last.clear()
            last[names[id(module)] or "the model"] = output

    with _hooked([part.register_forward_hook(remember) for part in model.modules()]), torch.enable_grad():
        logits = model(images.detach().requires_grad_() * 1.0)  # a graph even where all weights are frozen
    if not last:
        raise NoMap(NO_MAP)
    ((layer, features),) = last.items()
    maps = []
    for classes in (logits.argmax(1), labels):
        chosen = logits.gather(1, classes[:, None]).sum()  # an image's logit depends on that image alone
        (gradients,) = torch.autograd.grad(chosen, features, retain_graph=True)
        maps.append(cam(*(_channels_first(each.detach().float()) for each in (features, gradients))))
    return torch.stack(maps, 1), logits.detach().float(), layer


def _layout(output: Tensor) -> str:
    """ "NCHW" or "NHWC" of a square feature map of more than one place; "" for anything else."""
    if output.ndim != 4 or not output.is_floating_point():
        return ""
    if output.shape[2] == output.shape[3]:
        return "NCHW" if output.shape[2] > 1 else ""
    return "NHWC" if output.shape[1] == output.shape[2] > 1 else ""


def _channels_first(maps: Tensor) -> Tensor:
    return maps.permute(0, 3, 1, 2) if _layout(maps) == "NHWC" else maps


def _small(maps_NThw: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(maps_NThw, min(LARGEST_MAP, maps_NThw.shape[-1]))


def _covers(model: nn.Module, image_size: int) -> Box:
    """What a map covers, where the model says by how many pixels it pads its images."""
    padding = getattr(model, "padding", 0)
    padding = padding if isinstance(padding, int) else 0
    before = padding // 2 / image_size
    after = 1 + (padding - padding // 2) / image_size
    return (-before, -before, after, after)


@contextmanager
def _hooked(handles: list[Any]) -> Iterator[None]:
    """A block after which the hooks are gone."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
