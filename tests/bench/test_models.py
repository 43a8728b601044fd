"""Every model keeps the contract; weights, sizes and mistakes of single ones."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import nn

from paper_kit.bench.layers import layer_groups
from paper_kit.core.errors import InputError
from paper_kit.core.part import Part, available, complete, load

WEIGHTS = Path(os.environ.get("PAPERKIT_DATA", "/nowhere")) / "weights"
SMALL: dict[str, dict[str, Any]] = {
    "resemotenet": {"width": 8, "depths": (1, 1, 1), "fusion_width": 16, "drop_path": 0.1},
    "resemotenet_paper": {"width": 4},
    "advanced_emotenet": {"backbone": "test_efficientnet", "fusion_width": 16, "hidden": 8, "drop_path": 0.1},
    "emotion_vit": {"embed_dim": 16, "depth": 5, "num_heads": 2, "patch_size": 8, "drop_path": 0.1},
    "timm_model": {"architecture": "test_resnet", "drop_path": 0.1},
}
EVERY_MODEL = pytest.mark.parametrize("name", available("model"))


def small(name: str, classes: int = 8, image_size: int = 48, channels: int = 1, **options: Any) -> Any:
    part = complete("model", Part(name=name, arguments={**SMALL.get(name, {}), **options}))
    torch.manual_seed(0)
    return load("model", name)(classes, image_size=image_size, channels=channels, **part.arguments)


def parameters(modules: list[nn.Module]) -> int:
    return sum(value.numel() for module in modules for value in module.parameters())


@EVERY_MODEL
@pytest.mark.parametrize(("classes", "size", "channels"), [(8, 48, 1), (2, 40, 3), (7, 44, 1), (2, 64, 3)])
def test_a_model_gives_logits_and_embeddings_of_odd_sizes(
    name: str, classes: int, size: int, channels: int
) -> None:
    model = small(name, classes, size, channels).eval()
    images = torch.randn(2, channels, size, size)
    with torch.no_grad():
        logits, embeddings = model(images), model.features(images)
    assert logits.shape == (2, classes)
    assert embeddings.ndim == 2
    linear = [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    assert embeddings.shape[1] == linear[-1].weight.shape[1]


@EVERY_MODEL
def test_the_stages_hold_each_parameter_once_and_end_with_the_head(name: str) -> None:
    model = small(name)
    stages = model.stages()
    held = Counter(id(p) for _, modules in stages for module in modules for p in module.parameters())
    assert set(held.values()) == {1}
    assert held.keys() == {id(p) for p in model.parameters()}
    assert stages[-1][0] == "head"
    assert len({stage for stage, _ in stages}) == len(stages) >= 3
    last = list(model.parameters())[-1]
    assert any(p is last for module in stages[-1][1] for p in module.parameters())


@EVERY_MODEL
def test_the_layer_groups_hold_each_parameter_once(name: str) -> None:
    model = small(name)
    groups = layer_groups(model)
    held = Counter(id(p) for group in groups for module in group.modules for p in module.parameters())
    assert set(held.values()) == {1}
    assert len(held) == len(list(model.parameters()))
    stages = [stage for stage, _ in model.stages()]
    assert {group.stage for group in groups} == set(stages)
    assert len({group.name for group in groups}) == len(groups)


@EVERY_MODEL
def test_gradients_are_finite_and_reach_every_parameter(name: str) -> None:
    model = small(name, drop_path=0.0) if "drop_path" in SMALL.get(name, {}) else small(name)
    images = torch.randn(4, 1, 48, 48).to(memory_format=torch.channels_last)
    for _ in range(2):  # after the first step no gate that begins at zero hides what lies behind it
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), torch.tensor([0, 1, 2, 3]))
        torch.autograd.backward(loss)
        with torch.no_grad():
            for value in model.parameters():
                value.sub_(1e-2 * value.grad)
    for parameter, value in model.named_parameters():
        assert torch.isfinite(value.grad).all(), parameter
    assert sum(bool(value.grad.any()) for value in model.parameters()) > 0.95 * len(list(model.parameters()))


@EVERY_MODEL
def test_one_seed_gives_one_network(name: str) -> None:
    first, second = small(name).state_dict(), small(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@EVERY_MODEL
def test_what_must_not_decay_is_named_as_the_model_names_it(name: str) -> None:
    model = small(name)
    exempt = model.no_weight_decay() if hasattr(model, "no_weight_decay") else set()
    assert exempt <= {parameter for parameter, _ in model.named_parameters()}


def test_emotion_vit_exempts_its_class_token_and_positions() -> None:
    assert small("emotion_vit").no_weight_decay() == {"encoder.cls_token", "encoder.pos_embed"}


def test_resemotenet_paper_has_the_published_layers() -> None:
    model = small("resemotenet_paper", 7, width=64)
    shapes: dict[str, tuple[int, ...]] = {}
    for name in ("conv1", "conv2", "conv3", "attention", "res1", "res2", "res3"):
        getattr(model, name).register_forward_hook(
            lambda _m, _i, out, name=name: shapes.update({name: tuple(out.shape[1:])})
        )
    model.eval()(torch.zeros(1, 1, 64, 64))
    assert list(shapes.values()) == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
        (256, 8, 8),
        (512, 4, 4),
        (1024, 2, 2),
        (2048, 1, 1),
    ]
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert [m.bias is None for m in convolutions].count(True) == 2  # only squeeze-and-excitation has none
    assert model.attention.fc1.out_channels == 256 // 16
    assert [m.out_features for m in model.modules() if isinstance(m, nn.Linear)] == [1024, 512, 256, 7]


def test_mini_xception_has_the_published_number_of_parameters_and_maps() -> None:
    model = small("mini_xception", 7)
    statistics = sum(value.numel() for name, value in model.named_buffers() if "running" in name)
    assert parameters([model]) == 56_951
    assert parameters([model]) + statistics == 58_423  # Keras counts a batch norm's statistics too
    shapes: list[tuple[int, ...]] = []
    for module in (model.stem, *model.blocks, model.head):
        module.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    model.eval()(torch.zeros(1, 1, 48, 48))
    assert shapes == [(8, 44, 44), (16, 22, 22), (32, 11, 11), (64, 6, 6), (128, 3, 3), (7, 3, 3)]


def test_advanced_emotenet_keeps_the_resolution_its_stem_is_asked_for() -> None:
    images = torch.zeros(1, 1, 48, 48)
    for stride, side in ((1, 48), (2, 24)):
        assert small("advanced_emotenet", stem_stride=stride).conv_stem(images).shape[-1] == side


def test_emotion_vit_groups_its_blocks_into_at_most_four_stages() -> None:
    names = [name for name, _ in small("emotion_vit", depth=12).stages()]
    assert names == ["embedding", "blocks 1-3", "blocks 4-6", "blocks 7-9", "blocks 10-12", "head"]
    assert len(small("emotion_vit", depth=3).stages()) == 5


def test_emotion_vit_sees_as_many_patches_behind_its_convolutions() -> None:
    plain, stem = (small("emotion_vit", stem_convolutions=number) for number in (0, 2))
    assert plain.encoder.pos_embed.shape == stem.encoder.pos_embed.shape
    assert stem.eval()(torch.zeros(1, 1, 48, 48)).shape == (1, 8)
    operation = stem.layer_groups()[0].operation
    assert operation == "2 × 3×3 conv, stride 2, BN, ReLU; 2×2 conv, stride 2"
    with pytest.raises(InputError, match="stem_convolutions"):
        stem.load_backbone(timm.create_model("test_vit").state_dict())


def test_emotion_vit_starts_with_positions_that_tell_neighbours_apart() -> None:
    positions = small("emotion_vit").encoder.pos_embed[0, 1:].detach()
    near = torch.nn.functional.cosine_similarity(positions[0], positions[1], dim=0)
    far = torch.nn.functional.cosine_similarity(positions[0], positions[-1], dim=0)
    assert 1 > near > far


@pytest.mark.parametrize("channels", [1, 3])
def test_advanced_emotenet_takes_the_weights_of_its_backbone(channels: int) -> None:
    published = timm.create_model("test_efficientnet", num_classes=0).state_dict()
    model = small("advanced_emotenet", channels=channels)
    filled = model.load_backbone({name: value.half() for name, value in published.items()})
    stem, kept = published["conv_stem.weight"], model.conv_stem.weight
    expected = stem.sum(1, keepdim=True) if channels == 1 else stem
    torch.testing.assert_close(kept, expected, atol=2e-3, rtol=0)
    assert {name for name in model.state_dict() if name.startswith("blocks.")} < filled
    assert not any(name.startswith(("head", "fusion", "attention")) for name in filled)


def test_a_backbone_with_its_weights_sees_what_timms_model_sees() -> None:
    images = torch.randn(1, 3, 160, 160)
    published: Any = timm.create_model("test_vit", num_classes=0).eval()
    vit = small("emotion_vit", image_size=160, channels=3, backbone="test_vit", patch_size=16).eval()
    vit.load_backbone(published.state_dict())
    torch.testing.assert_close(vit.features(images), published(images))

    published = timm.create_model("test_efficientnet", num_classes=0).eval()
    net = small("advanced_emotenet", channels=3, stem_stride=2).eval()
    net.load_backbone(published.state_dict())
    last = published.forward_intermediates(images, intermediates_only=True)[-1]
    torch.testing.assert_close(net.blocks(net.bn1(net.conv_stem(images))), last)


@pytest.mark.skipif(not WEIGHTS.is_dir(), reason="PAPERKIT_DATA names no folder with weights/")
@pytest.mark.parametrize(
    ("name", "architecture"),
    [("emotion_vit", "deit_tiny_patch16_224"), ("advanced_emotenet", "tf_efficientnet_lite0")],
)
def test_published_weights_fill_the_backbone(name: str, architecture: str) -> None:
    model = small(name, backbone=architecture, **({"patch_size": 8} if name == "emotion_vit" else {}))
    filled = model.load_backbone(load_file(WEIGHTS / f"{architecture}.safetensors"))
    trunk = [module for _, modules in model.stages()[:-1] for module in modules]
    held = {id(value) for module in trunk for value in module.parameters()}
    assert {key for key, value in model.named_parameters() if id(value) in held} <= filled


def test_emotion_vit_keeps_the_first_blocks_of_its_backbone_and_their_weights() -> None:
    whole = timm.create_model("deit_tiny_patch16_224", num_classes=0).state_dict()
    model = small("emotion_vit", backbone="deit_tiny_patch16_224", backbone_depth=5, patch_size=16)
    filled = model.load_backbone(whole)
    assert len(model.encoder.blocks) == 5
    assert {"encoder.blocks.4.mlp.fc1.weight", "encoder.norm.weight"} <= filled
    assert torch.equal(model.encoder.blocks[4].mlp.fc1.weight, whole["blocks.4.mlp.fc1.weight"])


def test_emotion_vit_resamples_patches_and_positions() -> None:
    published = timm.create_model("test_vit").state_dict()
    model = small("emotion_vit", backbone="test_vit", patch_size=8)
    filled = model.load_backbone(published)
    assert filled == {name for name in model.state_dict() if name.startswith("encoder.")}
    assert model.encoder.pos_embed.shape == (1, 37, published["pos_embed"].shape[-1])
    torch.testing.assert_close(model.encoder.pos_embed[:, 0], published["pos_embed"][:, 0])


def test_a_flat_patch_is_seen_alike_in_either_patch_size() -> None:
    published = timm.create_model("test_vit").state_dict()
    published["patch_embed.proj.weight"].fill_(0.01)
    model = small("emotion_vit", backbone="test_vit", patch_size=8)
    model.load_backbone(published)
    seen = model.encoder.patch_embed.proj.weight.sum((1, 2, 3))
    torch.testing.assert_close(seen, torch.full_like(seen, 3 * 16 * 16 * 0.01), rtol=0.02, atol=0)


@pytest.mark.parametrize("architecture", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"])
def test_timm_model_takes_published_weights_all_but_the_classifier(architecture: str) -> None:
    published = timm.create_model(architecture).state_dict()
    model = small("timm_model", architecture=architecture)
    filled = model.load_backbone(published)
    left = {name for name in model.state_dict() if name not in filled}
    assert left
    assert all(model.state_dict()[name].shape[0] == 8 for name in left)


@pytest.mark.parametrize(
    "architecture", ["test_vit", "test_convnext", "vit_tiny_patch16_224", "mobilenetv3_small_050"]
)
def test_timm_model_finds_stages_in_any_family(architecture: str) -> None:
    model = small("timm_model", architecture=architecture)
    held = Counter(id(p) for _, modules in model.stages() for module in modules for p in module.parameters())
    assert held == Counter(id(p) for p in model.parameters())
    assert parameters(model.stages()[-1][1]) < parameters([model])


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("resemotenet", {"stem_stride": 3}, "1, 2 or 4"),
        ("resemotenet", {"depths": (2, 0)}, "[2, 2, 2, 2]"),
        ("advanced_emotenet", {"backbone": "efficientnet_b00"}, "'efficientnet_b0'"),
        ("advanced_emotenet", {"backbone": "resnet18"}, "timm_model"),
        ("advanced_emotenet", {"taps": (4, 2)}, "stages 0 to 4"),
        ("advanced_emotenet", {"taps": (5,)}, "stages 0 to 4"),
        ("emotion_vit", {"embed_dim": 20, "num_heads": 3}, "use 12"),
        ("emotion_vit", {"patch_size": 64}, "image_size = 48"),
        ("emotion_vit", {"patch_size": 6, "stem_convolutions": 2}, "a patch_size such as 8"),
        ("emotion_vit", {"backbone": "test_vit", "stem_convolutions": 1}, "use 0"),
        ("emotion_vit", {"backbone_depth": 4}, "write depth"),
        ("emotion_vit", {"backbone": "vit_tiny_patch16_225"}, "'vit_tiny_patch16_224'"),
        ("emotion_vit", {"backbone": "test_vit2"}, "class token"),
        ("timm_model", {"architecture": "resnet_18"}, "'resnet18'"),
    ],
)
def test_a_wrong_option_is_named_with_its_fix(name: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        small(name, **options)
    assert told in str(caught.value)


def test_weights_of_another_architecture_are_refused() -> None:
    other = timm.create_model("test_resnet").state_dict()
    for model in (small("advanced_emotenet"), small("timm_model", architecture="test_vit")):
        with pytest.raises(InputError, match="do not belong to"):
            model.load_backbone(other)
