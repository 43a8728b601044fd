"""AdvancedEmoteNet: an EfficientNet backbone with a stem for small faces, CBAM at its taps, a deep head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import timm
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn

from paper_kit.bench.attention import MultiLevelFusion, cbam, initialise
from paper_kit.bench.models import LayerGroup
from paper_kit.bench.models._weights import fill, fitted
from paper_kit.core.errors import InputError, did_you_mean


def build(
    num_classes: int,
    *,
    image_size: int = 48,  # noqa: ARG001 - any size fits
    channels: int = 1,
    backbone: str = "efficientnet_b0",
    stem_stride: Literal[1, 2] = 1,
    taps: tuple[int, ...] = (2, 3, 4),
    reduction: int = 16,
    fusion_width: int = 512,
    hidden: int = 256,
    dropout: float = 0.3,
    drop_path: float = 0.0,
) -> AdvancedEmoteNet:
    """An AdvancedEmoteNet; `taps` count the backbone's resolutions, 0 (that of the stem) to 4."""
    trunk = _backbone(backbone, channels, drop_path)
    count = len(trunk.feature_info)
    if not taps or not all(0 <= tap < count for tap in taps) or list(taps) != sorted(set(taps)):
        raise InputError(
            f"advanced_emotenet: taps = {list(taps)}; {backbone!r} has stages 0 to {count - 1}, "
            "name some of them once each and in order, as in [2, 3, 4]."
        )
    trunk.conv_stem.stride = (stem_stride, stem_stride)
    return AdvancedEmoteNet(backbone, trunk, taps, reduction, fusion_width, hidden, num_classes, dropout)


class AdvancedEmoteNet(nn.Module):
    """Backbone, CBAM on each tap, fusion, global average pooling, a head with batch norm and dropout."""

    def __init__(
        self,
        architecture: str,
        trunk: EfficientNet,
        taps: Sequence[int],
        reduction: int,
        fusion_width: int,
        hidden: int,
        classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        tapped = [trunk.feature_info[tap] for tap in taps]
        self.tap_ends = [info["stage"] for info in tapped]
        self.conv_stem, self.bn1 = trunk.conv_stem, trunk.bn1
        self.blocks = nn.Sequential(*list(trunk.blocks)[: self.tap_ends[-1]])
        widths = [info["num_chs"] for info in tapped]
        self.attention = nn.ModuleList(cbam(width, reduction) for width in widths)
        self.fusion = MultiLevelFusion(widths, fusion_width)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.neck = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(fusion_width, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.SiLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)
        for added in (self.attention, self.fusion, self.neck, self.head):
            initialise(added)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.head(self.dropout(self.features(images_NCHW)))
        return logits_NK

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND, the fused and pooled maps after the hidden layer."""
        tapped: list[Tensor] = []
        maps = self.bn1(self.conv_stem(images_NCHW))
        for number, stage in enumerate(self.blocks, start=1):
            maps = stage(maps)
            if number in self.tap_ends:
                tapped.append(self.attention[len(tapped)](maps))
        embeddings_ND: Tensor = self.neck(self.pool(self.fusion(tapped)).flatten(1))
        return embeddings_ND

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules) from the stem to the head; what was added to the backbone learns with the head."""
        inner: list[tuple[str, list[nn.Module]]] = []
        resolution: list[nn.Module] = []
        for number, stage in enumerate(self.blocks, start=1):
            resolution.append(stage)
            if number == len(self.blocks) or _shrinks(self.blocks[number]):
                inner.append((f"resolution {len(inner) + 1}", resolution))
                resolution = []
        added = [self.attention, self.fusion, self.neck, self.head]
        return [("stem", [self.conv_stem, self.bn1]), *inner, ("head", added)]

    def layer_groups(self) -> list[LayerGroup]:
        """Rows of the layer table: stem, each stage of the backbone, CBAM at the taps, fusion, head."""
        stage_of = {id(module): name for name, modules in self.stages() for module in modules}
        stem = f"{_kernel(self.conv_stem)} conv, stride {self.conv_stem.stride[0]}, BN, activation"
        rows = [LayerGroup("Stem", stem, [self.conv_stem, self.bn1], "stem")]
        for number, stage in enumerate(self.blocks, start=1):
            rows.append(LayerGroup(f"Stage {number}", _stage_operation(stage), [stage], stage_of[id(stage)]))
            if number in self.tap_ends:
                attention = self.attention[self.tap_ends.index(number)]
                rows.append(
                    LayerGroup(f"Attention {number}", "CBAM, channel and spatial", [attention], "head")
                )
        mix = f"{len(self.tap_ends)} taps pooled and joined, 1×1 conv, BN, ReLU"
        return [
            *rows,
            LayerGroup("Fusion", mix, [self.fusion], "head"),
            LayerGroup("Pooling", "global average pooling", [self.pool], "head"),
            LayerGroup("Hidden layer", "dropout, linear, BN, SiLU", [self.neck], "head"),
            LayerGroup("Classifier", "dropout, linear", [self.dropout, self.head], "head"),
        ]

    def load_backbone(self, weights: Mapping[str, Tensor]) -> set[str]:
        """Names of the backbone's entries, filled from timm's weights; the stem summed over RGB for grey."""
        ready = fitted(weights, "conv_stem.weight", self.conv_stem.in_channels)
        trunk = nn.ModuleDict({"conv_stem": self.conv_stem, "bn1": self.bn1, "blocks": self.blocks})
        return fill(trunk, ready, self.architecture)


def _backbone(name: str, channels: int, drop_path: float) -> EfficientNet:
    if not timm.is_model(name):
        known = timm.list_models(module="efficientnet")
        raise InputError(f"advanced_emotenet: timm has no model {name!r}.{did_you_mean(name, known)}")
    trunk = timm.create_model(name, in_chans=channels, num_classes=0, drop_path_rate=drop_path)
    if not isinstance(trunk, EfficientNet):
        raise InputError(
            f"advanced_emotenet: {name!r} is not of timm's EfficientNet family; "
            "use one such as 'efficientnet_b0', or the model 'timm_model'."
        )
    return trunk


def _shrinks(stage: nn.Module) -> bool:
    return any(part.stride[0] > 1 for part in stage.modules() if isinstance(part, nn.Conv2d))


def _kernel(convolution: nn.Conv2d) -> str:
    return f"{convolution.kernel_size[0]}×{convolution.kernel_size[1]}"


def _stage_operation(stage: nn.Module) -> str:
    """Such as '2 × inverted residual with SE, 5×5, stride 2', read from the blocks themselves."""
    blocks = list(stage.children())
    names = {
        "ConvBnAct": "conv block",
        "DepthwiseSeparableConv": "depthwise separable conv",
        "InvertedResidual": "inverted residual",
        "EdgeResidual": "fused inverted residual",
    }
    kind = names.get(type(blocks[0]).__name__, type(blocks[0]).__name__)
    convolutions = [part for part in blocks[0].modules() if isinstance(part, nn.Conv2d)]
    widest = max(convolutions, key=lambda convolution: convolution.kernel_size[0])
    excited = " with SE" if any("SqueezeExcite" in type(part).__name__ for part in stage.modules()) else ""
    stride = ", stride 2" if _shrinks(stage) else ""
    return f"{len(blocks)} × {kind}{excited}, {_kernel(widest)}{stride}"
