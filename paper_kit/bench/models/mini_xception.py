"""mini-Xception (Arriaga et al., arXiv 1710.07557): separable residual modules, 58,423 numbers for 7 classes.

As in the authors' code, with Keras's padding, batch norm and first weights.
"""

from __future__ import annotations

from itertools import pairwise

from timm.layers.pool2d_same import MaxPool2dSame
from torch import Tensor, nn

from paper_kit.bench.models import LayerGroup

MODULES = (2, 4, 8, 16)  # widths of the four modules, in widths of the first convolutions


def build(
    num_classes: int,
    *,
    image_size: int = 48,  # noqa: ARG001 - any size from 8 fits
    channels: int = 1,
    width: int = 8,
    dropout: float = 0.0,
) -> MiniXception:
    """The published net at width 8; `dropout` stands before the classifying convolution."""
    return MiniXception(num_classes, channels, width, dropout)


class Module(nn.Module):
    """Two separable convolutions and a pooling of stride 2, beside a projected shortcut: maps_NChw."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(nn.Conv2d(incoming, outgoing, 1, 2, bias=False), _norm(outgoing))
        self.body = nn.Sequential(
            *_separable(incoming, outgoing),
            nn.ReLU(),
            *_separable(outgoing, outgoing),
            MaxPool2dSame(3, 2),
        )

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.body(maps) + self.shortcut(maps)
        return out


class MiniXception(nn.Module):
    """Two convolutions, four modules, and a convolution to class maps whose means are the logits."""

    def __init__(self, classes: int, channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(channels, width), *_convolution(width, width))
        widths = [width * times for times in (1, *MODULES)]
        self.blocks = nn.ModuleList(Module(*pair) for pair in pairwise(widths))
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(widths[-1], classes, 3, padding=1)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.pool(self.head(self.dropout(self._maps(images_NCHW))))
        return logits_NK

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND: the mean of each map that enters the classifying convolution, 16 times `width`."""
        embeddings_ND: Tensor = self.pool(self._maps(images_NCHW))
        return embeddings_ND

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules) from the first convolutions to the head."""
        modules: list[tuple[str, list[nn.Module]]] = [
            (f"module {place}", [block]) for place, block in enumerate(self.blocks, start=1)
        ]
        return [("stem", [self.stem]), *modules, ("head", [self.head])]

    def layer_groups(self) -> list[LayerGroup]:
        """Rows of the layer table."""
        residual = "2 × separable 3×3 conv, BN; 3×3 max-pooling, stride 2; shortcut"
        return [
            LayerGroup("Stem", "2 × 3×3 conv, BN, ReLU", [self.stem], "stem"),
            *(
                LayerGroup(f"Module {place}", residual, [block], f"module {place}")
                for place, block in enumerate(self.blocks, start=1)
            ),
            LayerGroup("Class maps", "3×3 conv", [self.dropout, self.head], "head"),
            LayerGroup("Pooling", "global average pooling", [self.pool], "head"),
        ]

    def _maps(self, images_NCHW: Tensor) -> Tensor:
        maps = self.stem(images_NCHW)
        for block in self.blocks:
            maps = block(maps)
        out: Tensor = maps
        return out


def _convolution(incoming: int, outgoing: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(incoming, outgoing, 3, bias=False), _norm(outgoing), nn.ReLU()


def _separable(incoming: int, outgoing: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(incoming, incoming, 3, padding=1, groups=incoming, bias=False),
        nn.Conv2d(incoming, outgoing, 1, bias=False),
        _norm(outgoing),
    )


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)  # Keras's epsilon and momentum
