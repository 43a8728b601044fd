"""EmotionViT: a Vision Transformer with small patches for small faces; its class token is classified."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, cast

import timm
import torch
from timm.layers.patch_embed import PatchEmbed
from timm.layers.pos_embed_sincos import build_sincos2d_pos_embed
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor, nn
from torch.nn import functional

from paper_kit.bench.models import LayerGroup
from paper_kit.bench.models._weights import fill, fitted
from paper_kit.core.errors import InputError, did_you_mean

OWN = "own"
MOST_STAGES = 4  # encoder blocks are unfrozen in at most this many groups, as the convolutional models are
POSITION_SCALE = 0.5  # of the sines and cosines that the learned position embedding begins with


def build(
    num_classes: int,
    *,
    image_size: int = 48,
    channels: int = 1,
    backbone: str = "own",
    backbone_depth: int = 0,
    patch_size: int = 6,
    stem_convolutions: int = 0,
    embed_dim: int = 192,
    depth: int = 12,
    num_heads: int = 3,
    mlp_ratio: float = 4.0,
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> EmotionViT:
    """An EmotionViT; `backbone` is a timm name that brings its sizes, or "own": those given here.

    `backbone_depth` keeps only so many of its encoder blocks, the first ones; 0: all.
    `stem_convolutions` of stride 2 come before the patches are cut; a patch still spans `patch_size` pixels.
    """
    padding = -image_size % patch_size if patch_size > 0 else 0
    shape: dict[str, Any] = {
        "img_size": image_size + padding,
        "patch_size": patch_size,
        "in_chans": channels,
        "num_classes": 0,
        "drop_path_rate": drop_path,
    }
    own = {"embed_dim": embed_dim, "depth": depth, "num_heads": num_heads, "mlp_ratio": mlp_ratio}
    problems = _problems(image_size, backbone, patch_size, stem_convolutions, embed_dim, num_heads)
    problems += _depth_problems(backbone, backbone_depth)
    if problems:
        raise InputError(f"emotion_vit: {problem}" for problem in problems)
    if backbone == OWN:
        encoder = _own(stem_convolutions, **own, **shape)
    else:
        encoder = _from_timm(backbone, backbone_depth, shape)
    return EmotionViT(backbone, encoder, padding, num_classes, dropout)


class ConvolvedPatches(PatchEmbed):
    """timm's patch embedding behind convolutions of stride 2 (Xiao et al., NeurIPS 2021): tokens_NTD."""

    def __init__(
        self, convolutions: int, *, patch_size: int, in_chans: int, embed_dim: int, **shape: Any
    ) -> None:
        super().__init__(patch_size=patch_size, in_chans=in_chans, embed_dim=embed_dim, **shape)
        layers: list[nn.Module] = []
        incoming = in_chans
        for width in (embed_dim // 2 ** (convolutions - i) for i in range(convolutions)):
            convolution = nn.Conv2d(incoming, width, 3, 2, 1, bias=False)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            incoming = width
        side = patch_size // 2**convolutions
        projection: Any = nn.Sequential(*layers, nn.Conv2d(incoming, embed_dim, side, side))
        self.proj = projection


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
        detail = f"{first.attn.num_heads} heads, MLP {first.mlp.fc1.out_features}"
        projection, *tokens = self._embedding()
        rows = [
            LayerGroup(
                "Patch embedding", _patch_operation(encoder.patch_embed.proj), [projection], "embedding"
            ),
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
        projection = self.encoder.patch_embed.proj
        if not isinstance(projection, nn.Conv2d):
            raise InputError("emotion_vit: published weights know no stem_convolutions; use 0 with them.")
        ready = fitted(weights, "patch_embed.proj.weight", projection.in_channels)
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


def _patch_operation(projection: nn.Module) -> str:
    stem = list(projection.children())
    last = stem[-1] if stem else projection
    side = last.kernel_size[0] if isinstance(last, nn.Conv2d) else 0
    cut = f"{side}×{side} conv, stride {side}"
    return f"{len(stem) // 3} × 3×3 conv, stride 2, BN, ReLU; {cut}" if stem else cut


def _problems(
    image_size: int, backbone: str, patch_size: int, convolutions: int, embed_dim: int, num_heads: int
) -> list[str]:
    """What is wrong with the options, each with a value that is right."""
    found = []
    if not 1 <= patch_size <= image_size:
        found.append(f"patch_size = {patch_size}; it must lie between 1 and image_size = {image_size}.")
    if convolutions < 0 or patch_size % 2**convolutions:
        found.append(
            f"stem_convolutions = {convolutions} halve a patch of {patch_size} pixels so often; use 0, or a "
            "patch_size such as 8 with 2 of them."
        )
    if convolutions and backbone != OWN:
        found.append(f"stem_convolutions = {convolutions}, but {backbone!r} brings its own patches; use 0.")
    if backbone == OWN and (embed_dim % num_heads or embed_dim % 4):
        step = math.lcm(num_heads, 4)
        found.append(
            f"embed_dim = {embed_dim} must be a multiple of 4 and of num_heads = {num_heads}; "
            f"use {embed_dim // step * step or step}."
        )
    return found


def _depth_problems(backbone: str, depth: int) -> list[str]:
    if depth == 0 or (depth > 0 and backbone != OWN):
        return []
    return [
        f"backbone_depth = {depth}; it is how many blocks of a timm backbone stay, 0 for all. "
        'With "own" write depth.'
    ]


def _own(convolutions: int, **shape: Any) -> VisionTransformer:
    """An encoder that learns from few images: Xavier weights (timm's "jax"), positions begun as sines."""
    patches = functools.partial(ConvolvedPatches, convolutions) if convolutions else PatchEmbed
    encoder: Any = VisionTransformer(embed_layer=patches, weight_init="jax", **shape)
    grid = list(encoder.patch_embed.grid_size)
    with torch.no_grad():
        waves = build_sincos2d_pos_embed(grid, encoder.embed_dim)
        encoder.pos_embed[:, encoder.num_prefix_tokens :] = POSITION_SCALE * waves
    return cast(VisionTransformer, encoder)


def _from_timm(name: str, depth: int, shape: Mapping[str, Any]) -> VisionTransformer:
    if not timm.is_model(name):
        known = timm.list_models(module="vision_transformer")
        raise InputError(f"emotion_vit: timm has no model {name!r}.{did_you_mean(name, known)}")
    kept: dict[str, Any] = {"depth": depth} if depth else {}
    encoder = timm.create_model(name, **kept, **shape)
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
