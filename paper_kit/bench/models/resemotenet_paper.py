"""ResEmoteNet as its authors' code builds it (arXiv 2409.10545): convolutions with biases, grey repeated."""

from __future__ import annotations

from timm.layers.squeeze_excite import SEModule
from torch import Tensor, nn

from paper_kit.bench.models import LayerGroup

REDUCTION = 16  # of squeeze-and-excitation, as in the authors' code


def build(
    num_classes: int,
    *,
    image_size: int = 48,  # noqa: ARG001 - the authors use 64; any size from 8 fits
    channels: int = 1,
    width: int = 64,
    dropout: float = 0.2,
    head_dropout: float = 0.5,
) -> ResEmoteNetPaper:
    """The published net at width 64; `dropout` follows two stages, `head_dropout` each hidden layer."""
    return ResEmoteNetPaper(num_classes, channels, width, dropout, head_dropout)


class Residual(nn.Module):
    """Two 3x3 convolutions, the first of stride 2, and a projected shortcut: maps_NChw."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(incoming, outgoing, 3, 2, 1)
        self.norm1 = nn.BatchNorm2d(outgoing)
        self.act1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outgoing, outgoing, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(outgoing)
        self.shortcut = nn.Sequential(nn.Conv2d(incoming, outgoing, 1, 2), nn.BatchNorm2d(outgoing))
        self.act2 = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(self.act1(self.norm1(self.conv1(maps)))))
        out: Tensor = self.act2(inner + self.shortcut(maps))
        return out


class ResEmoteNetPaper(nn.Module):
    """Three convolution stages, squeeze-and-excitation, three residual blocks, pooling, four layers."""

    def __init__(self, classes: int, channels: int, width: int, dropout: float, head_dropout: float) -> None:
        super().__init__()
        self.repeats = 3 // channels
        widths = [width * 2**power for power in range(6)]
        self.conv1 = _convolution(3, widths[0], dropout)
        self.conv2 = _convolution(widths[0], widths[1], dropout)
        self.conv3 = _convolution(widths[1], widths[2], 0.0)
        self.attention = SEModule(widths[2], rd_ratio=1 / REDUCTION, rd_divisor=1, bias=False)
        self.res1 = Residual(widths[2], widths[3])
        self.res2 = Residual(widths[3], widths[4])
        self.res3 = Residual(widths[4], widths[5])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.neck = nn.Sequential(
            *_hidden(widths[5], widths[4]),
            nn.Dropout(head_dropout),
            *_hidden(widths[4], widths[3]),
            nn.Dropout(head_dropout),
            *_hidden(widths[3], widths[2]),
        )
        self.dropout = nn.Dropout(head_dropout)
        self.head = nn.Linear(widths[2], classes)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.head(self.dropout(self.features(images_NCHW)))
        return logits_NK

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND after the last hidden layer, four times `width` wide."""
        images = images_NCHW.repeat(1, self.repeats, 1, 1) if self.repeats > 1 else images_NCHW
        maps = self.attention(self.conv3(self.conv2(self.conv1(images))))
        maps = self.res3(self.res2(self.res1(maps)))
        embeddings_ND: Tensor = self.neck(self.pool(maps).flatten(1))
        return embeddings_ND

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules) from the first convolution to the head of four layers."""
        return [
            ("conv1", [self.conv1]),
            ("conv2", [self.conv2]),
            ("conv3", [self.conv3, self.attention]),
            ("res1", [self.res1]),
            ("res2", [self.res2]),
            ("res3", [self.res3]),
            ("head", [self.neck, self.head]),
        ]

    def layer_groups(self) -> list[LayerGroup]:
        """Rows of the layer table, as in the authors' figure."""
        pooled = "3×3 conv, BN, ReLU, 2×2 max-pooling"
        residual = "residual block, stride 2"
        return [
            LayerGroup("Conv 1", f"{pooled}, dropout", [self.conv1], "conv1"),
            LayerGroup("Conv 2", f"{pooled}, dropout", [self.conv2], "conv2"),
            LayerGroup("Conv 3", pooled, [self.conv3], "conv3"),
            LayerGroup("SE", f"squeeze-and-excitation, reduction {REDUCTION}", [self.attention], "conv3"),
            LayerGroup("Residual 1", residual, [self.res1], "res1"),
            LayerGroup("Residual 2", residual, [self.res2], "res2"),
            LayerGroup("Residual 3", residual, [self.res3], "res3"),
            LayerGroup("Pooling", "global average pooling", [self.pool], "head"),
            LayerGroup("Hidden layers", "3 × linear, ReLU, dropout", [self.neck], "head"),
            LayerGroup("Classifier", "linear", [self.dropout, self.head], "head"),
        ]


def _convolution(incoming: int, outgoing: int, dropout: float) -> nn.Sequential:
    layers = [
        nn.Conv2d(incoming, outgoing, 3, padding=1),
        nn.BatchNorm2d(outgoing),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    return nn.Sequential(*layers, *([nn.Dropout(dropout)] if dropout else []))


def _hidden(incoming: int, outgoing: int) -> tuple[nn.Module, nn.Module]:
    return nn.Linear(incoming, outgoing), nn.ReLU()
