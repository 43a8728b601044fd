"""Maps of where a model looks: against sums by hand, for every kind of model, and as a run keeps them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from timm.layers.attention import Attention
from torch import nn

from paper_kit.bench import explanation, saliency
from paper_kit.bench.explain import Explained, explain
from paper_kit.bench.gallery import gallery
from paper_kit.bench.models import advanced_emotenet, emotion_vit, resemotenet, timm_model
from paper_kit.bench.pixels import Normalisation
from paper_kit.bench.run import run_one
from paper_kit.core.pack import pack
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Augment, Mixing, Optim, Resources, RunSpec
from paper_kit.core.store import GALLERY, SALIENCY, RunState, Store
from paper_kit.core.unpack import unpack
from paper_kit.data.drawn import drawn_faces
from tests.bench import tiny

ROOT = Path(__file__).resolve().parents[2]
GREY = Normalisation(0.5, 0.25)


def spec(**fields):
    dataset = complete("dataset", Part(name="tests.bench.tiny:patterns"))
    model = complete("model", Part(name=fields.pop("model", "tests.bench.tiny:build")))
    settings = {"image_size": 16, "batch_size": 16, "epochs": 1, "optim": Optim(lr=1e-2), **fields}
    return RunSpec(**{"dataset": dataset, "model": model, **settings})


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    return Store(tmp_path / "runs")


@pytest.fixture
def resources(tmp_path):
    return Resources(device="cpu", threads=1, cache=tmp_path / "data")


def images(count=4, side=48):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(1))


class OneConvolution(nn.Module):
    """A 1x1 convolution into two channels, the mean over places, and a linear head."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.head = nn.Linear(2, 2, bias=False)
        self.conv.weight.data = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1)
        self.head.weight.data = torch.tensor([[3.0, -1.0], [0.5, 1.0]])

    def forward(self, images_NCHW):
        return self.head(self.conv(images_NCHW).mean((2, 3)))


def test_grad_cam_of_a_linear_model_is_the_sum_by_hand():
    image = torch.tensor([[[[1.0, -2.0], [3.0, 4.0]]]])
    found = saliency.saliency(OneConvolution(), image, np.array([1]))
    # logits: mean 1.5 -> channels 1.5 and 3.0 -> 3 * 1.5 - 3 = 1.5 and 0.5 * 1.5 + 3 = 3.75: class 1
    assert found.logits.tolist() == [[1.5, 3.75]]
    # class 1: gradients 0.5 / 4 and 1 / 4; map = relu((0.5 * x + 1 * 2x) / 4) = relu(2.5 x / 4)
    assert found.maps[0, 1] == pytest.approx(np.array([[0.25, 0.0], [0.75, 1.0]]))
    assert (found.method, found.layer, found.targets) == ("Grad-CAM", "conv", ("predicted", "label"))
    other = saliency.saliency(OneConvolution(), image, np.array([0]))
    # class 0: relu((3 x - 1 * 2x) / 4) = relu(x / 4): the same places, and the predicted map stays as it was
    assert other.maps[0, 0] == pytest.approx(found.maps[0, 0])


class ChannelsLast(nn.Module):
    """OneConvolution whose map has its channels last, as timm's Swin and others have them."""

    def __init__(self):
        super().__init__()
        self.inner = OneConvolution()
        self.mixed = nn.Linear(2, 2, bias=False)
        self.mixed.weight.data = torch.eye(2)

    def forward(self, images_NCHW):
        return self.inner.head(self.mixed(self.inner.conv(images_NCHW).permute(0, 2, 3, 1)).mean((1, 2)))


def test_a_map_with_its_channels_last_is_read_as_one():
    image = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    first, last = (saliency.saliency(m, image, np.array([1])) for m in (OneConvolution(), ChannelsLast()))
    assert last.layer == "mixed"
    assert last.maps == pytest.approx(first.maps)


def test_rollout_of_two_layers_is_the_product_by_hand():
    first = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]])  # two heads
    second = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    # first: heads' mean [[.5, .5], [.5, .5]], with the residual path [[.75, .25], [.25, .75]]
    # second: [[.5, .5], [.5, .5]]; second @ first = [[.5, .5], [.5, .5]]
    assert saliency.roll_out([first, second])[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert saliency.roll_out([first])[0].tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_attention_from_queries_and_keys_is_what_the_unfused_layer_multiplies_with():
    torch.manual_seed(0)
    layer = Attention(8, num_heads=2, qk_norm=True, norm_layer=nn.LayerNorm).eval()
    layer.fused_attn = False
    used = []
    layer.attn_drop.register_forward_hook(lambda _module, _inputs, output: used.append(output))
    tokens = torch.randn(3, 5, 8)
    layer(tokens)
    assert torch.allclose(saliency._weights(layer, tokens), used[0], atol=1e-6)


BUILDS = {
    "resemotenet": (resemotenet.build, {"width": 8, "depths": (1, 1), "fusion_width": 16}, "Grad-CAM", 12),
    "advanced_emotenet": (
        advanced_emotenet.build,
        {"backbone": "tf_efficientnet_lite0", "stem_stride": 2, "taps": (2, 3), "fusion_width": 16},
        "Grad-CAM",
        3,
    ),
    "emotion_vit": (
        emotion_vit.build, {"embed_dim": 24, "depth": 2, "num_heads": 2, "patch_size": 7},
        "attention rollout", 7,
    ),
    "resnet": (timm_model.build, {"architecture": "test_resnet"}, "Grad-CAM", 2),
    "vit": (timm_model.build, {"architecture": "test_vit"}, "attention rollout", 3),
    "convnext": (timm_model.build, {"architecture": "test_convnext"}, "Grad-CAM", 3),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILDS)
def test_every_model_has_maps_that_are_the_same_twice_and_leave_the_model_as_it_was(name):
    build, options, method, side = BUILDS[name]
    torch.manual_seed(0)
    model = build(7, image_size=48, channels=1, **options)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for value in model.parameters():
        value.requires_grad_(False)  # as progressive unfreezing may leave them
    labels = np.array([0, 1, 2, 3])
    found, again = (saliency.saliency(model, images(), labels) for _ in range(2))
    assert found.method == method
    assert found.maps.shape == (4, 1 if method == "attention rollout" else 2, side, side)
    assert np.array_equal(found.maps, again.maps)
    assert found.maps.min() >= 0
    assert set(found.maps.max((2, 3)).ravel().tolist()) <= {0.0, 1.0}
    after = model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_maps_of_a_padded_image_say_how_far_they_reach():
    model = emotion_vit.build(7, image_size=48, patch_size=7, embed_dim=24, depth=1, num_heads=2)
    assert saliency.saliency(model, images(1), np.array([0])).covers == (0.0, 0.0, 49 / 48, 49 / 48)


def test_grad_cam_of_timms_resnet_is_that_of_its_last_stage():
    model = timm_model.TimmModel("resnet18", timm.create_model("resnet18", in_chans=1, num_classes=3))
    assert saliency.saliency(model, images(2), np.array([0, 1])).layer == "net.layer4"


def test_a_run_keeps_maps_of_the_same_test_images_for_every_model_and_never_pixels(store, resources):
    runs = spec(), spec(model="tests.bench.tiny:build", seed=1)
    for run in runs:
        assert run_one(run, store, resources) is RunState.DONE
    held = [np.load(store.file(run.id, SALIENCY)) for run in runs]
    assert held[0]["ids_N"].tolist() == held[1]["ids_N"].tolist()
    test = tiny.patterns().test
    label_of = dict(zip(test.ids.tolist(), test.labels.tolist(), strict=True))
    assert [label_of[one] for one in held[0]["ids_N"]] == held[0]["labels_N"].tolist()
    assert np.bincount(held[0]["labels_N"]).tolist() == [8, 8, 8, 8]
    assert held[0]["maps_NThw"].shape == (32, 2, 4, 4)
    assert held[0]["maps_NThw"].dtype == np.float16
    assert held[0]["drawn_labels_N"].tolist() == [0, 1, 2, 3]
    assert all(held[0][name].dtype != np.uint8 for name in held[0].files)


def test_a_model_without_feature_maps_is_told_so_and_its_run_is_done(store, resources):
    asked = spec(model="tests.bench.tiny:plain")
    assert run_one(asked, store, resources) is RunState.DONE
    held = np.load(store.file(asked.id, SALIENCY))
    assert str(held["reason"]).startswith("not recorded: no layer")
    assert "maps_NThw" not in held.files


def test_explain_adds_what_a_run_lacks_as_the_run_itself_wrote_it_and_then_nothing(
    store, resources, tmp_path, monkeypatch
):
    tiny.named_in(tmp_path, monkeypatch)
    asked = spec()
    run_one(asked, store, resources)
    files = [store.file(asked.id, name) for name in (SALIENCY, GALLERY)]
    before = [dict(np.load(file)) for file in files]
    assert list(explain((asked,), store, resources)) == [Explained(asked.id)]
    for file in files:
        file.unlink()
    assert list(explain((asked,), store, resources)) == [Explained(asked.id, (GALLERY, SALIENCY))]
    for held, file in zip(before, files, strict=True):
        again = dict(np.load(file))
        assert held.keys() == again.keys()
        assert all(np.array_equal(held[name], again[name]) for name in held)


def test_explain_says_what_cannot_be_made_and_what_to_type(store, resources):
    asked = spec(keep_weights=False)
    assert "run-all" in next(explain((asked,), store, resources)).problems[0]
    run_one(asked, store, resources)
    store.file(asked.id, SALIENCY).unlink()
    (found,) = explain((asked,), store, resources)
    assert "keep_weights = true" in found.problems[0]
    assert found.written == ()


def test_a_pack_takes_maps_and_gallery_along_and_adds_them_to_a_run_that_lacks_them(
    store, resources, tmp_path
):
    asked = spec()
    run_one(asked, store, resources)
    pack(store, [asked.id], tmp_path / "bare.zip")
    there = Store(tmp_path / "there")
    unpack(tmp_path / "bare.zip", there)
    for name in (SALIENCY, GALLERY):
        assert there.file(asked.id, name).read_bytes() == store.file(asked.id, name).read_bytes()
        there.file(asked.id, name).unlink()
    unpack(tmp_path / "bare.zip", there)
    assert there.file(asked.id, SALIENCY).is_file()
    assert there.file(asked.id, GALLERY).is_file()


FULL = spec(
    augment=Augment(
        randaugment_ops=2, flip=0.5, rotate_p=0.5, rotate_degrees=10.0, shift_p=0.5, scale_p=0.5,
        brightness_p=0.3, contrast_p=0.3, erase_p=0.1,
    ),
    mixing=Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.5),
)  # fmt: skip


def test_the_gallery_shows_each_step_of_the_run_once_and_label_weights_that_sum_to_one():
    held = gallery(FULL, GREY)
    assert held["steps_S"].tolist() == [
        "original", "randaugment", "rotate", "shift", "scale", "flip", "brightness", "contrast", "erase",
    ]  # fmt: skip
    assert held["steps_RSHW"].shape == (2, 9, 48, 48)
    steps = held["steps_RSHW"].astype(int)
    assert all((steps[0, n] != steps[0, n + 1]).any() for n in range(8))
    assert held["weights_MK"].sum(1) == pytest.approx(np.ones(6))
    assert held["mixed_M"].tolist() == ["mixup"] * 3 + ["cutmix"] * 3


def test_a_mixture_is_made_of_the_pair_by_the_weights_of_its_label():
    held = gallery(FULL, GREY)
    own, partner = held["pair_2HW"].astype(float)
    happy = held["classes_K"].tolist().index("happy")
    for picture, weights, kind in zip(held["mixed_MHW"], held["weights_MK"], held["mixed_M"], strict=True):
        share = weights[happy]
        if kind == "mixup":
            assert np.abs(picture - (share * own + (1 - share) * partner)).max() <= 1
        else:
            differs = own != partner
            assert (picture == own)[differs].mean() == pytest.approx(share, abs=0.1)


def test_the_gallery_holds_drawn_faces_only_and_is_small():
    held = gallery(FULL, GREY)
    happy, surprised = (faces[0] for faces in drawn_faces(("happy", "surprise"), 1, 2))
    assert np.abs(held["steps_RSHW"][0, 0].astype(int) - happy).max() <= 1
    assert np.abs(held["steps_RSHW"][1, 0].astype(int) - surprised).max() <= 1
    written = io.BytesIO()
    np.savez_compressed(written, **held)
    assert len(written.getvalue()) < 60_000
    assert not zipfile.ZipFile(io.BytesIO(written.getvalue())).testzip()


def test_a_run_without_transforms_has_a_gallery_of_the_faces_alone():
    held = gallery(spec(), GREY)
    assert held["steps_S"].tolist() == ["original"]
    assert held["mixed_MHW"].shape == (0, 48, 48)


def test_rows_with_maps_are_chosen_by_labels_alone_and_are_few_for_many_classes():
    labels = np.arange(3000) % 30
    rows = explanation.chosen(labels, 30)
    assert np.bincount(labels[rows]).tolist() == [4] * 30
    assert rows.tolist() == explanation.chosen(labels, 30).tolist()
