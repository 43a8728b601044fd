"""Layer tables: their rows sum to the model, and read from input to output."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from paper_kit.bench.flops import count
from paper_kit.bench.layers import layer_table
from paper_kit.core.part import load

MODELS: dict[str, dict[str, Any]] = {
    "resemotenet": {"width": 8, "depths": (1, 2, 1), "fusion_width": 16},
    "resemotenet_paper": {"width": 8},
    "advanced_emotenet": {"backbone": "test_efficientnet"},
    "emotion_vit": {"embed_dim": 16, "depth": 6, "num_heads": 2, "patch_size": 8},
    "timm_model": {"architecture": "resnet18"},
    "mini_xception": {},
}


def table(name: str, size: int = 48, channels: int = 1) -> tuple[nn.Module, list[Any]]:
    model = load("model", name)(7, image_size=size, channels=channels, **MODELS[name])
    return model, layer_table(model, size, channels)


@pytest.mark.parametrize("name", MODELS)
def test_the_rows_sum_to_the_model_and_read_well(name: str) -> None:
    model, rows = table(name)
    assert sum(row.parameters for row in rows) == sum(value.numel() for value in model.parameters())
    assert sum(row.macs for row in rows) == count(model, 48, 1).macs
    assert 6 <= len(rows) <= 14
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.output and row.operation for row in rows)
    assert rows[-1].output == (7,)
    assert rows[-1].stage == "head"


def test_resemotenet_names_its_blocks_and_its_attention() -> None:
    _, rows = table("resemotenet")
    assert [row.name for row in rows] == [
        "Stem",
        "Stage 1",
        "Attention 1",
        "Stage 2",
        "Attention 2",
        "Stage 3",
        "Attention 3",
        "Fusion",
        "Pooling",
        "Classifier",
    ]
    assert rows[0].operation == "3×3 conv, stride 2, BN, ReLU"
    assert rows[3].operation == "2 × residual block with SE, stride 2"
    assert [row.output for row in rows[:4]] == [(8, 24, 24), (8, 24, 24), (8, 24, 24), (16, 12, 12)]


def test_emotion_vit_tells_tokens_and_width() -> None:
    _, rows = table("emotion_vit")
    assert rows[0].operation == "8×8 conv, stride 8"
    assert [row.output for row in rows] == [(36, 16), (37, 16), *[(37, 16)] * 3, (16,), (7,)]


def test_timm_model_is_listed_by_its_stages() -> None:
    _, rows = table("timm_model")
    assert [row.name for row in rows] == ["Stem", "Layer1", "Layer2", "Layer3", "Layer4", "Head"]
    assert rows[1].operation == "2 × BasicBlock"


class Loose(nn.Module):
    """A product and a parameter that belong to no stage."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 7)
        self.matrix = nn.Parameter(torch.ones(4, 4))

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.head(images_NCHW.flatten(1) @ self.matrix)
        return logits_NK

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        return [("head", [self.head])]


def test_what_lies_between_the_parts_gets_a_row_of_its_own() -> None:
    rows = layer_table(Loose(), 2, 1)
    assert [(row.name, row.parameters, row.macs) for row in rows] == [("Head", 35, 28), ("Between", 16, 16)]
