"""EmotionViT: a Vision Transformer with small patches for small faces; its class token is classified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor, nn
from torch.nn import functional

from paper_kit.bench.models import LayerGroup
from paper_kit.bench.models._weights import fill, fitted
from paper_kit.core.errors import InputError, did_you_mean

OWN = "own"
MOST_STAGES = 4  # encoder blocks are unfrozen in at most this many groups, as the convolutional models are


def build(
    num_classes: int,
    *,
    image_size: int = 48,
    channels: int = 1,
    backbone: str = "own",
    patch_size: int = 6,
    embed_dim: int = 192,
    depth: int = 12,
    num_heads: int = 3,
    mlp_ratio: float = 4.0,
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> EmotionViT:
    """An EmotionViT; `backbone` is a timm name that brings its sizes, or "own": those given here."""
    if not 1 <= patch_size <= image_size:
        raise InputError(
            f"emotion_vit: patch_size = {patch_size}; it must lie between 1 and image_size = {image_size}."
        )
    padding = -image_size % patch_size
    shape: dict[str, Any] = {
        "img_size": image_size + padding,
        "patch_size": patch_size,
        "in_chans": channels,
        "num_classes": 0,
        "drop_path_rate": drop_path,
    }
    if backbone == OWN:
        if embed_dim % num_heads:
            raise InputError(
                f"emotion_vit: embed_dim = {embed_dim} is no multiple of num_heads = {num_heads}; "
                f"use {embed_dim // num_heads * num_heads or num_heads}."
            )
        encoder = VisionTransformer(
            embed_dim=embed_dim, depth=depth, num_heads=num_heads, mlp_ratio=mlp_ratio, **shape
        )
    else:
        encoder = _from_timm(backbone, shape)
    return EmotionViT(backbone, encoder, padding, num_classes, dropout)


class EmotionViT(nn.Module):
    """timm's VisionTransformer on images padded to whole patches; class token, dropout, linear head."""

    def __init__(
        self, architecture: str, encoder: VisionTransformer, padding: int, classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.architecture, self.padding = architecture, padding
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.embed_dim, classes)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.head(self.dropout(self.features(images_NCHW)))
        return logits_NK

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND, the class token after the last norm."""
        if self.padding:
            before, after = self.padding // 2, self.padding - self.padding // 2
            images_NCHW = functional.pad(images_NCHW, (before, after, before, after))
        embeddings_ND: Tensor = self.encoder(images_NCHW)
        return embeddings_ND

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """(name, modules): embedding, up to four groups of encoder blocks (the last with its norm), head."""
        groups = [(name, [*blocks]) for name, blocks in self._block_groups()]
        groups[-1][1].extend(self._closing())
        return [("embedding", self._embedding()), *groups, ("head", [self.head])]

    def layer_groups(self) -> list[LayerGroup]:
        """Rows of the layer table: patches, tokens, groups of encoder blocks, class token, classifier."""
        encoder: Any = self.encoder
        first = encoder.blocks[0]
        patch = encoder.patch_embed.patch_size[0]
        detail = f"{first.attn.num_heads} heads, MLP {first.mlp.fc1.out_features}"
        projection, *tokens = self._embedding()
        rows = [
            LayerGroup("Patch embedding", f"{patch}×{patch} conv, stride {patch}", [projection], "embedding"),
            LayerGroup("Tokens", "class token, position embedding", [*tokens, encoder.pos_drop], "embedding"),
        ]
        for name, blocks in self._block_groups():
            rows.append(
                LayerGroup(name.capitalize(), f"{len(blocks)} × encoder block, {detail}", blocks, name)
            )
        return [
            *rows,
            LayerGroup(
                "Class token",
                "layer norm, first token",
                [*self._closing(), encoder.head_drop],
                rows[-1].stage,
            ),
            LayerGroup("Classifier", "dropout, linear", [self.dropout, self.head], "head"),
        ]

    def no_weight_decay(self) -> set[str]:
        """Names of the class token and the position embedding."""
        own = {name for name, _ in self.named_parameters()}
        return {f"encoder.{name}" for name in self.encoder.no_weight_decay()} & own

    def load_backbone(self, weights: Mapping[str, Tensor]) -> set[str]:
        """Names of the encoder's entries, filled from timm's weights; patches and positions are resampled."""
        ready = fitted(weights, "patch_embed.proj.weight", self.encoder.patch_embed.proj.in_channels)
        filled = fill(self.encoder, checkpoint_filter_fn(ready, self.encoder), self.architecture)
        return {f"encoder.{name}" for name in filled}

    def _embedding(self) -> list[nn.Module]:
        tokens = nn.ParameterList(self.encoder.parameters(recurse=False))
        return [self.encoder.patch_embed, self.encoder.norm_pre, tokens]

    def _closing(self) -> list[nn.Module]:
        return [self.encoder.norm, self.encoder.fc_norm]

    def _block_groups(self) -> list[tuple[str, list[nn.Module]]]:
        blocks = list(self.encoder.blocks)
        size = -(-len(blocks) // MOST_STAGES)
        groups = [blocks[start : start + size] for start in range(0, len(blocks), size)]
        names = [
            f"blocks {i * size + 1}-{i * size + len(group)}" if len(group) > 1 else f"block {i * size + 1}"
            for i, group in enumerate(groups)
        ]
        return list(zip(names, groups, strict=True))


def _from_timm(name: str, shape: Mapping[str, Any]) -> VisionTransformer:
    if not timm.is_model(name):
        known = timm.list_models(module="vision_transformer")
        raise InputError(f"emotion_vit: timm has no model {name!r}.{did_you_mean(name, known)}")
    encoder = timm.create_model(name, **shape)
    if (
        not isinstance(encoder, VisionTransformer)
        or not encoder.has_class_token
        or encoder.attn_pool is not None
    ):
        raise InputError(
            f"emotion_vit: {name!r} is not a Vision Transformer with a class token; "
            "use one such as 'vit_tiny_patch16_224', or the model 'timm_model'."
        )
    return encoder
