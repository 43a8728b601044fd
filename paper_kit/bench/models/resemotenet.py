"""ResEmoteNet: residual blocks with squeeze-and-excitation, CBAM after each stage, multi-level fusion."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.layers.drop import DropPath
from torch import Tensor, nn

from paper_kit.bench.attention import MultiLevelFusion, cbam, initialise, squeeze_excitation
from paper_kit.bench.models import LayerGroup
from paper_kit.core.errors import InputError

STEM_STRIDES = (1, 2, 4)


def build(
    num_classes: int,
    *,
    image_size: int = 48,  # noqa: ARG001 - any size fits
    channels: int = 1,
    width: int = 64,
    depths: tuple[int, ...] = (2, 2, 2, 2),
    stem_stride: int = 2,
    reduction: int = 16,
    fusion_width: int = 512,
    dropout: float = 0.2,
    drop_path: float = 0.0,
) -> ResEmoteNet:
    """A ResEmoteNet whose stages are width, 2 width, 4 width ... channels wide and `depths` blocks deep."""
    problems = []
    if stem_stride not in STEM_STRIDES:
        problems.append(f"resemotenet: stem_stride = {stem_stride}; it must be 1, 2 or 4.")
    if not depths or min(depths) < 1:
        problems.append(
            f"resemotenet: depths = {list(depths)}; each stage needs a block, as in [2, 2, 2, 2]."
        )
    if problems:
        raise InputError(problems)
    rates = torch.linspace(0.0, drop_path, sum(depths)).tolist()
    stages, incoming = [], width
    for index, depth in enumerate(depths):
        outgoing = width * 2**index
        drops = [rates.pop(0) for _ in range(depth)]
        stages.append(Stage(incoming, outgoing, 1 if index == 0 else 2, reduction, drops))
        incoming = outgoing
    return ResEmoteNet(_stem(channels, width, stem_stride), stages, fusion_width, num_classes, dropout)


class Block(nn.Module):
    """Two 3x3 convolutions, squeeze-and-excitation, and a shortcut: maps_NChw."""

    def __init__(self, incoming: int, outgoing: int, stride: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(incoming, outgoing, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outgoing)
        self.act1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outgoing, outgoing, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outgoing)
        self.attention = squeeze_excitation(outgoing, reduction)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or incoming != outgoing:
            projection = nn.Conv2d(incoming, outgoing, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outgoing))
        self.act2 = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(self.act1(self.norm1(self.conv1(maps)))))
        out: Tensor = self.act2(self.drop_path(self.attention(inner)) + self.shortcut(maps))
        return out


class Stage(nn.Module):
    """Residual blocks of one width, then CBAM: maps_NChw."""

    def __init__(
        self, incoming: int, width: int, stride: int, reduction: int, drops: Sequence[float]
    ) -> None:
        super().__init__()
        blocks = [
            Block(incoming if i == 0 else width, width, stride if i == 0 else 1, reduction, drop)
            for i, drop in enumerate(drops)
        ]
        self.width, self.stride = width, stride
        self.blocks = nn.Sequential(*blocks)
        self.cbam = cbam(width, reduction)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.cbam(self.blocks(maps))
        return out


class ResEmoteNet(nn.Module):
    """Stem, stages with attention, fusion of every stage's map, global average pooling, linear head."""

    def __init__(
        self, stem: nn.Module, stages: Sequence[Stage], fusion_width: int, classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.stem = stem
        self.levels = nn.ModuleList(stages)
        self.fusion = MultiLevelFusion([stage.width for stage in stages], fusion_width)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(fusion_width, classes)
        initialise(self)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.head(self.dropout(self.features(images_NCHW)))
        return logits_NK

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND, the fused and pooled maps."""
        maps = [self.stem(images_NCHW)]
        for level in self.levels:
            maps.append(level(maps[-1]))
        embeddings_ND: Tensor = self.pool(self.fusion(maps[1:])).flatten(1)
        return embeddings_ND

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules) from the stem to the head; fusion learns with the head."""
        inner = [(f"stage {i}", [level]) for i, level in enumerate(self.levels, start=1)]
        return [("stem", [self.stem]), *inner, ("head", [self.fusion, self.head])]

    def layer_groups(self) -> list[LayerGroup]:
        """Rows of the layer table: stem, blocks and CBAM of each stage, fusion, pooling, classifier."""
        rows = [LayerGroup("Stem", _stem_operation(self.stem), [self.stem], "stem")]
        for i, level in enumerate(self.levels, start=1):
            if isinstance(level, Stage):
                blocks = f"{len(level.blocks)} × residual block with SE, stride {level.stride}"
                rows.append(LayerGroup(f"Stage {i}", blocks, [level.blocks], f"stage {i}"))
                rows.append(
                    LayerGroup(f"Attention {i}", "CBAM, channel and spatial", [level.cbam], f"stage {i}")
                )
        mix = f"{len(self.levels)} levels pooled and joined, 1×1 conv, BN, ReLU"
        return [
            *rows,
            LayerGroup("Fusion", mix, [self.fusion], "head"),
            LayerGroup("Pooling", "global average pooling", [self.pool], "head"),
            LayerGroup("Classifier", "dropout, linear", [self.dropout, self.head], "head"),
        ]


def _stem(channels: int, width: int, stride: int) -> nn.Sequential:
    first = nn.Conv2d(channels, width, 3, min(stride, 2), 1, bias=False)
    layers = [first, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    if stride == STEM_STRIDES[-1]:
        layers.append(nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*layers)


def _stem_operation(stem: nn.Module) -> str:
    convolution, *rest = list(stem.children())
    stride = convolution.stride[0] if isinstance(convolution, nn.Conv2d) else 1
    pooled = ", 3×3 max-pooling, stride 2" if any(isinstance(part, nn.MaxPool2d) for part in rest) else ""
    return f"3×3 conv, stride {stride}, BN, ReLU{pooled}"
