"""Transforms, erasing, RandAugment, preparation and views against torchvision's, to float precision."""

import math

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as V

from paper_kit.bench import augment, randaugment
from paper_kit.bench.evaluate import outputs
from paper_kit.bench.examples import examples
from paper_kit.bench.pixels import Normalisation, Preparation
from paper_kit.bench.tta import view
from paper_kit.core.spec import Augment
from paper_kit.stats.metrics import probabilities
from tests.bench import tiny

GREY = 255 * 2e-4  # float32 places on a side of 50 pixels carry an error of 1e-5 pixels or so
BILINEAR = InterpolationMode.BILINEAR


def images(count=6, height=48, width=48, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def draws(count, **values):
    found = dict(augment.draw(count, np.random.default_rng(5)))
    return found | {name: np.full(count, value, np.float32) for name, value in values.items()}


def inside(move, like):
    """Where all four neighbours of a pixel's source lie in the image: there padding plays no part."""
    return move(torch.ones_like(like[:1].float())) > 1 - 1e-4


def assert_same_inside(found, move, given):
    expected, where = move(given.float()), inside(move, given).expand_as(found)
    assert where.float().mean() > 0.3
    torch.testing.assert_close(found[where], expected[where], rtol=0, atol=GREY)


@pytest.mark.parametrize(("height", "width"), [(48, 48), (40, 56)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("uniform", [0.0, 0.2, 0.9])
def test_a_rotation_is_torchvisions_counter_clockwise_by_bilinear_resampling(
    uniform, channels, height, width
):
    given = images(3, height, width, channels)
    settings = Augment(rotate_p=1, rotate_degrees=25)
    angle = float(np.float32(uniform) * 2 - 1) * 25
    found = augment.standard(given, settings, draws(3, angle=uniform))
    assert_same_inside(found, lambda x: V.rotate(x, angle, interpolation=BILINEAR), given)


@pytest.mark.parametrize("uniform", [(0.0, 1.0), (0.3, 0.6)])
def test_a_shift_is_torchvisions_translation_in_fractions_of_the_sides(uniform):
    given = images(3, 40, 50)
    x, y = (-(float(np.float32(u)) * 2 - 1) * 0.2 for u in uniform)
    found = augment.standard(
        given, Augment(shift_p=1, shift=0.2), draws(3, shift_x=uniform[0], shift_y=uniform[1])
    )

    def move(batch):  # V.affine cuts translations to whole pixels; bilinear ones go by the matrix
        theta = torch.tensor([[[1, 0, -2 * x], [0, 1, -2 * y]]]).float().expand(len(batch), 2, 3)
        grid = torch.nn.functional.affine_grid(theta, batch.shape, align_corners=False)
        return torch.nn.functional.grid_sample(batch, grid, mode="bilinear", align_corners=False)

    assert_same_inside(found, move, given)
    whole = augment.standard(given, Augment(shift_p=1, shift=0.2), draws(3, shift_x=0.0, shift_y=1.0))
    shifted = V.affine(given.float(), 0.0, [10, -8], 1.0, [0.0, 0.0])
    torch.testing.assert_close(whole[..., :-8, 10:], shifted[..., :-8, 10:], rtol=0, atol=GREY)


@pytest.mark.parametrize("uniform", [0.0, 0.35, 1.0])
def test_a_scaling_is_torchvisions_about_the_centre(uniform):
    given = images(3, 40, 50)
    factor = 1 + (float(np.float32(uniform)) * 2 - 1) * 0.3
    found = augment.standard(given, Augment(scale_p=1, scale=0.3), draws(3, factor=uniform))
    move = lambda x: V.affine(x, 0.0, [0, 0], factor, [0.0, 0.0], interpolation=BILINEAR)  # noqa: E731
    assert_same_inside(found, move, given)


def test_rotation_scaling_and_shift_are_one_resampling_with_the_shift_first():
    """The input moves before it turns: torchvision's rotation and scaling of the shifted image."""
    given = images(3)
    settings = Augment(rotate_p=1, rotate_degrees=20, scale_p=1, scale=0.2, shift_p=1, shift=0.125)
    found = augment.standard(
        given, settings, draws(3, angle=0.8, factor=0.7, shift_x=0.0, shift_y=1.0, flip=1.0)
    )
    angle, factor = (float(np.float32(0.8)) * 2 - 1) * 20, 1 + (float(np.float32(0.7)) * 2 - 1) * 0.2

    def move(batch):
        padded = torch.nn.functional.pad(batch, (6, 0, 0, 6))[..., 6:, :-6]  # right and up by 6 = 48 / 8
        return V.affine(padded, -angle, [0, 0], factor, [0.0, 0.0], interpolation=BILINEAR)

    assert_same_inside(found, move, given)


@pytest.mark.parametrize("uniform", [0.0, 0.4, 1.0])
def test_brightness_and_contrast_are_torchvisions_for_grey_images(uniform):
    given = images()
    factor = 1 + (float(np.float32(uniform)) * 2 - 1) * 0.6
    brighter = augment.standard(given, Augment(brightness_p=1, brightness=0.6), draws(6, level=uniform))
    torch.testing.assert_close(brighter / 255, V.adjust_brightness(given / 255, factor))
    flatter = augment.standard(given, Augment(contrast_p=1, contrast=0.6), draws(6, strength=uniform))
    torch.testing.assert_close(flatter / 255, V.adjust_contrast(given / 255, factor), rtol=1e-4, atol=1e-6)


def test_an_erased_rectangle_is_that_of_torchvisions_random_erasing_for_the_same_draws():
    """Its make_params: area x (low, high), log-uniform aspect, rounded sides, any corner that fits."""
    count, height, width = 400, 48, 48  # images are square where they are erased
    given, settings = draws(count), Augment(erase_p=0.6, erase_area=0.3)
    batch = torch.randn(count, 2, height, width, generator=torch.Generator().manual_seed(1))
    expected = batch.clone()
    for n in range(count):
        area, aspect, row, column = (float(given[key][n]) for key in ("area", "aspect", "row", "column"))
        pixels = height * width * (0.02 + area * (0.3 - 0.02))
        ratio = math.exp(math.log(1 / 0.3) * (1 - 2 * aspect))
        tall, wide = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if given["erase"][n] < 0.6 and tall < height and wide < width:
            top, left = int(row * (height - tall + 1)), int(column * (width - wide + 1))
            expected[n] = V.erase(expected[n], top, left, tall, wide, torch.zeros(2, 1, 1))
    found = augment.erase(batch.clone(), settings, given)
    same = (found == expected).flatten(1).all(1)
    assert same.float().mean() > 0.98  # torchvision draws anew where a side is too long; here it is cut


def test_erased_areas_and_aspects_are_distributed_as_torchvisions():
    torch.manual_seed(0)
    reference = v2.RandomErasing(p=1.0, scale=(0.02, 0.2), ratio=(0.3, 1 / 0.3), value=0)
    made = [reference.make_params([torch.ones(1, 48, 48)]) for _ in range(2000)]
    theirs = np.array([[one["h"] * one["w"], math.log(one["h"] / one["w"])] for one in made])
    erased = augment.erase(torch.ones(2000, 1, 48, 48), Augment(erase_p=1, erase_area=0.2), draws(2000)) == 0
    tall, wide = erased.any(3).sum((1, 2)).numpy(), erased.any(2).sum((1, 2)).numpy()
    ours = np.stack([tall * wide, np.log(tall / wide)], axis=1)
    error = np.hypot(theirs.std(0), ours.std(0)) / math.sqrt(2000)
    assert (np.abs(theirs.mean(0) - ours.mean(0)) < 4 * error).all()
    assert theirs.std(0) == pytest.approx(ours.std(0), rel=0.05)


def test_the_operations_of_randaugment_are_torchvisions_fourteen_each_as_likely():
    ours = (*randaugment.SIGNED, *randaugment.UNSIGNED)
    spelled = {name: name.replace("_", "").replace("colour", "color") for name in ours}
    both_ways = {name.lower(): signed for name, (_, signed) in v2.RandAugment._AUGMENTATION_SPACE.items()}
    assert {spelled[name]: name in randaugment.SIGNED for name in ours} == both_ways
    called = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            randaugment, "operation", lambda x, name, level: called.append((name, level, len(x))) or x
        )
        randaugment.randaugment(images(14000, 2, 2), 1, 9, np.random.default_rng(0))
    for name in ours:
        assert sum(n for one, _, n in called if one == name) == pytest.approx(1000, abs=130)
    assert sum(n for _, level, n in called if level > 0) == pytest.approx(7000, abs=250)
    assert {abs(level) for _, level, _ in called} == {9 / 30}


@pytest.mark.parametrize(("channels", "size"), [(1, 48), (1, 64), (3, 40), (3, 96)])
def test_preparation_is_torchvisions_resize_and_normalise(channels, size):
    given = images(4, 48, 48)
    prepare = Preparation(size, channels, Normalisation(0.45, 0.21), channels_last=False)
    resized = V.resize(given.float(), [size, size], antialias=True).expand(-1, channels, -1, -1) / 255
    expected = V.normalize(resized, [0.45] * channels, [0.21] * channels)
    torch.testing.assert_close(prepare(given), expected, rtol=1e-4, atol=2e-5)


CORNERS = ("crop_tl", "crop_tr", "crop_bl", "crop_br", "crop_center")
MIRRORED = ("crop_tr", "crop_tl", "crop_br", "crop_bl", "crop_center")  # torchvision flips, then crops
TEN = (*CORNERS, *(f"{name}_flip" for name in MIRRORED))


@pytest.mark.parametrize("side", [32, 36, 64])  # sides that leave an even border: 2, 2, 4 pixels
def test_ten_views_are_torchvisions_ten_crop_resized(side):
    given, kept = torch.rand(2, 3, side, side), round(side * math.sqrt(0.875))
    for name, crop in zip(TEN, V.ten_crop(given, [kept, kept]), strict=True):
        expected = V.resize(crop, [side, side], antialias=False)
        torch.testing.assert_close(view(given, name), expected, rtol=0, atol=1e-5)


def test_where_the_border_is_odd_the_central_view_lies_one_pixel_before_torchvisions():
    given = torch.rand(2, 1, 48, 48)  # 45 are kept; torchvision's offset is round(1.5) = 2, this one's 1
    expected = V.resize(given[..., 1:46, 1:46], [48, 48], antialias=False)
    torch.testing.assert_close(view(given, "crop_center"), expected, rtol=0, atol=1e-5)
    assert torch.equal(V.center_crop(given, [45, 45]), given[..., 2:47, 2:47])
    for name, crop in zip(CORNERS[:4], V.five_crop(given, [45, 45]), strict=False):
        expected = V.resize(crop, [48, 48], antialias=False)
        torch.testing.assert_close(view(given, name), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("average", ["probability", "logit"])
def test_an_averaged_answer_is_the_mean_over_torchvisions_ten_crops(average):
    torch.manual_seed(0)
    model = tiny.build(4).eval()
    given = np.random.default_rng(0).integers(0, 256, (70, 32, 32), dtype=np.uint8)
    split = type(tiny.patterns().train)(given, np.zeros(70, np.int64), np.arange(70).astype(str))
    prepare = Preparation(32, 1, Normalisation(0.5, 0.25))
    views = outputs(model, examples(split, 4, torch.device("cpu")), prepare, "fp32", TEN)
    crops = V.ten_crop(prepare(torch.from_numpy(given)[:, None]), [30, 30])
    with torch.no_grad():
        logits = torch.stack([model(V.resize(crop, [32, 32], antialias=False)) for crop in crops]).double()
    expected = logits.softmax(2).mean(0) if average == "probability" else logits.mean(0).softmax(1)
    np.testing.assert_allclose(probabilities(views, average), expected.numpy(), rtol=1e-4, atol=1e-6)
    assert views.shape == (10, 70, 4)
