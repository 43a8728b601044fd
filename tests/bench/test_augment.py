import numpy as np
import pytest
import torch

from paper_kit.bench import augment
from paper_kit.bench.pixels import Normalisation
from paper_kit.core.spec import Augment

ALL = Augment(
    flip=0.5, rotate_p=0.5, shift_p=0.5, scale_p=0.5, brightness_p=0.5, contrast_p=0.5, erase_p=0.5,
    randaugment_ops=2,
)  # fmt: skip


def images(count=64, size=24):
    ramp = torch.arange(size * size, dtype=torch.float32).reshape(1, 1, size, size) % 200
    return (ramp + torch.arange(count).reshape(-1, 1, 1, 1) % 50).to(torch.uint8)


def draws(count=64, **values):
    found = dict(augment.draw(count, np.random.default_rng(0)))
    return found | {name: np.full(count, value, np.float32) for name, value in values.items()}


def test_an_image_is_unchanged_where_every_transform_is_off():
    assert torch.equal(augment.standard(images(), Augment(), draws()), images().float())


def test_the_batch_that_comes_in_is_never_written_to():
    before = images()
    augment.standard(before, ALL, draws(flip=0.0, rotate=0.0, brightness=0.0))
    assert torch.equal(before, images())


def test_flip_mirrors_about_the_given_share_of_images():
    given = draws(4000)
    result = augment.standard(images(4000, 8), Augment(flip=0.3), given)
    mirrored = (result == images(4000, 8).float().flip(-1)).all(dim=(1, 2, 3))
    assert torch.equal(mirrored, torch.from_numpy(given["flip"] < 0.3))
    assert mirrored.float().mean() == pytest.approx(0.3, abs=0.03)


def test_a_rotation_by_a_right_angle_agrees_with_rot90():
    turned = augment.standard(images(), Augment(rotate_p=1, rotate_degrees=90), draws(angle=1.0))
    assert torch.allclose(turned, torch.rot90(images().float(), 1, (2, 3)), atol=1e-2)


def test_a_shift_moves_by_its_fraction_of_the_side_and_repeats_the_border():
    moved = augment.standard(images(), Augment(shift_p=1, shift=0.25), draws(shift_x=1.0, shift_y=0.5))
    expected = images().float()
    assert torch.allclose(moved[..., :18], expected[..., 6:], atol=1e-3)
    assert torch.allclose(moved[..., 18:], expected[..., -1:].expand(-1, -1, -1, 6), atol=1e-3)


def test_scale_enlarges_about_the_centre():
    square = torch.zeros(1, 1, 24, 24, dtype=torch.uint8)
    square[..., 10:14, 10:14] = 200
    larger = augment.standard(square, Augment(scale_p=1, scale=1.0), draws(1, factor=1.0))
    assert larger.sum() == pytest.approx(4 * 16 * 200, rel=0.01)


def test_brightness_and_contrast_follow_their_formulas_and_stay_in_range():
    x = images().float()
    brighter = augment.standard(images(), Augment(brightness_p=1, brightness=0.5), draws(level=1.0))
    assert torch.allclose(brighter, (x * 1.5).clamp(0, 255))
    mean = x.mean((1, 2, 3), keepdim=True)
    flatter = augment.standard(images(), Augment(contrast_p=1, contrast=0.5), draws(strength=0.0))
    assert torch.allclose(flatter, (mean + (x - mean) * 0.5).clamp(0, 255), atol=1e-3)


def test_an_erased_rectangle_has_an_area_within_the_limits_and_the_mean_grey():
    given = draws(500)
    result = augment.erase(torch.ones(500, 1, 48, 48), Augment(erase_p=0.5, erase_area=0.2), given)
    areas = (result == 0).float().mean((1, 2, 3))
    chosen = torch.from_numpy(given["erase"] < 0.5)
    assert torch.equal(areas > 0, chosen)
    assert areas.max() < 0.22
    assert areas[chosen].min() > 0.015


def test_switching_one_transform_off_leaves_the_others_as_they_were():
    given = augment.draw(64, np.random.default_rng(3))
    both = augment.standard(images(), Augment(flip=0.5, brightness_p=0.5), given)
    one = augment.standard(images(), Augment(flip=0.5), given)
    untouched = torch.from_numpy(given["brightness"] >= 0.5)
    assert torch.equal(both[untouched], one[untouched])


def test_the_recorded_sequence_names_what_is_on_in_the_order_in_which_it_is_done():
    steps = augment.sequence(ALL, Normalisation(0.5, 0.25))
    assert [step["name"] for step in steps] == [
        "randaugment", "rotate", "shift", "scale", "flip", "brightness", "contrast", "normalise", "erase",
    ]  # fmt: skip
    assert steps[-2] == {"name": "normalise", "probability": 1.0, "parameters": {"mean": 0.5, "std": 0.25}}
    assert [step["name"] for step in augment.sequence(Augment(), Normalisation(0.5, 0.25))] == ["normalise"]
