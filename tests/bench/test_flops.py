"""Operation counts agree with published tables, with torch's counter and with arithmetic."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from paper_kit.bench.flops import count
from paper_kit.core.part import load

PUBLISHED = {  # timm's results tables: parameters in M, MACs in G, at this input size
    "efficientnet_b0": (5.29, 0.40, 224),
    "vit_tiny_patch16_224": (5.72, 1.26, 224),
    "resnet18": (11.69, 1.82, 224),
    "mobilenetv3_large_100": (5.48, 0.23, 224),
    "convnext_tiny": (28.59, 4.47, 224),
    "levit_128": (9.21, 0.41, 224),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_agree_with_the_published_tables_and_torchs_counter(name: str) -> None:
    parameters_m, macs_g, size = PUBLISHED[name]
    model = timm.create_model(name)
    counted = count(model, size, 3)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 2) == parameters_m
    assert counted.macs / 1e9 == pytest.approx(macs_g, rel=0.01, abs=0.005)
    assert counted.flops == 2 * counted.macs
    assert counted.products == pytest.approx(torch_products(model, size, 3), rel=0.005)


def torch_products(model: nn.Module, size: int, channels: int) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.zeros(1, channels, size, size))
    return float(counter.get_total_flops()) / 2


def test_emotion_vit_costs_what_the_arithmetic_says() -> None:
    dim, depth, patch, size = 64, 4, 8, 48
    model = load("model", "emotion_vit")(7, embed_dim=dim, depth=depth, num_heads=4, patch_size=patch)
    patches = (size // patch) ** 2
    tokens = patches + 1
    block = tokens * (3 + 1 + 4 + 4) * dim**2 + 2 * tokens**2 * dim
    products = patches * patch**2 * dim + depth * block + 7 * dim
    norms = 5 * tokens * dim * (2 * depth + 1)
    counted = count(model, size, 1)
    assert counted.products == products == torch_products(model, size, 1)
    assert counted.macs == products + norms


def test_resemotenet_costs_what_the_arithmetic_says() -> None:
    width, fused, sides = 16, 32, (24, 12)
    model = load("model", "resemotenet")(7, width=width, depths=(1, 1), fusion_width=fused)
    stem = 9 * width * sides[0] ** 2
    blocks = sides[0] ** 2 * 9 * 2 * width**2
    blocks += sides[1] ** 2 * (9 * width * 2 * width + 9 * (2 * width) ** 2 + width * 2 * width)
    squeeze = sum(2 * w * 4 for w in (width, 2 * width))
    cbam = sum(2 * 2 * w * 4 + side**2 * 2 * 49 for w, side in zip((width, 2 * width), sides, strict=True))
    head = sides[1] ** 2 * 3 * width * fused + 7 * fused
    counted = count(model, 48, 1)
    assert counted.products == stem + blocks + squeeze + cbam + head == torch_products(model, 48, 1)


def test_advanced_emotenet_costs_four_times_as_much_with_a_stem_of_stride_one() -> None:
    build = load("model", "advanced_emotenet")
    fine, coarse = (build(7, backbone="test_efficientnet", stem_stride=stride) for stride in (1, 2))
    stem = 9 * 24
    assert count(fine, 48, 1).by_module["conv_stem"] == 48**2 * stem
    assert count(coarse, 48, 1).by_module["conv_stem"] == 24**2 * stem
    for model in (fine, coarse):
        assert count(model, 48, 1).products == torch_products(model, 48, 1)
    assert count(fine, 48, 1).macs == pytest.approx(4 * count(coarse, 48, 1).macs, rel=0.05)


class Products(nn.Module):
    """Attention by torch's own layer, a product with a broadcast factor, an einsum."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.mixer = nn.Parameter(torch.ones(5, 4))

    def forward(self, images_NCHW: Tensor) -> Tensor:
        tokens = self.layer(images_NCHW.flatten(2).transpose(1, 2).reshape(1, 4, 8))
        heads = tokens.reshape(1, 4, 2, 4).transpose(1, 2)
        mixed = self.mixer @ heads
        return torch.einsum("nhqd,nhkd->nhqk", mixed, mixed).mean((2, 3))


def test_hidden_attention_and_broadcast_products_are_counted() -> None:
    layer = 4 * (4 + 2 + 2) * 8**2 + 2 * 4**2 * 8
    mixed = 2 * 5 * 4 * 4
    einsum = 2 * 5 * 5 * 4
    counted = count(Products(), 4, 2)
    assert counted.products == layer + mixed + einsum


def test_counting_leaves_the_model_as_it_was() -> None:
    model = load("model", "resemotenet")(7, width=8, depths=(1,), fusion_width=8)
    model.fusion.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count(model, 48, 1)
    assert model.training
    assert not model.fusion.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
