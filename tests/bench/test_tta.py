import torch

from paper_kit.bench.tta import view

IMAGES = torch.rand(2, 1, 48, 48)


def test_identity_and_flip_are_exact():
    assert torch.equal(view(IMAGES, "identity"), IMAGES)
    assert torch.equal(view(IMAGES, "flip"), IMAGES.flip(-1))


def test_crops_keep_seven_eighths_of_the_area_at_their_place_and_the_size():
    for name, rows, columns in (
        ("crop_tl", slice(0, 45), slice(0, 45)),
        ("crop_tr", slice(0, 45), slice(3, 48)),
        ("crop_bl", slice(3, 48), slice(0, 45)),
        ("crop_br", slice(3, 48), slice(3, 48)),
        ("crop_center", slice(1, 46), slice(1, 46)),
    ):
        expected = torch.nn.functional.interpolate(IMAGES[..., rows, columns], size=(48, 48), mode="bilinear")
        assert torch.equal(view(IMAGES, name), expected)
        assert torch.equal(view(IMAGES, f"{name}_flip"), expected.flip(-1))
    assert 45 * 45 / 48**2 > 0.87
