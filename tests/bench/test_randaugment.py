import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, RandAugment

from paper_kit.bench.randaugment import SIGNED, UNSIGNED, operation, randaugment

NAMES = {
    "shear_x": "ShearX", "shear_y": "ShearY", "translate_x": "TranslateX", "translate_y": "TranslateY",
    "rotate": "Rotate", "brightness": "Brightness", "contrast": "Contrast", "sharpness": "Sharpness",
    "colour": "Color", "identity": "Identity", "posterize": "Posterize", "solarize": "Solarize",
    "autocontrast": "AutoContrast", "equalize": "Equalize",
}  # fmt: skip


@pytest.mark.parametrize("name", [*SIGNED, *UNSIGNED])
@pytest.mark.parametrize("magnitude", [0, 9, 30])
def test_each_operation_agrees_with_torchvision(name, magnitude):
    images = torch.randint(
        0, 256, (3, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    sign = -1 if name in SIGNED else 1
    reference = RandAugment()
    levels, signed = reference._AUGMENTATION_SPACE[NAMES[name]]
    table = levels(31, 20, 20)
    level = 0.0 if table is None else float(table[magnitude]) * (sign if signed else 1)
    expected = reference._apply_image_or_video_transform(
        images, NAMES[name], level, interpolation=InterpolationMode.NEAREST, fill={torch.Tensor: None}
    )
    found = operation(images, name, sign * magnitude / 30)
    assert (found.int() - expected.int()).abs().max() <= 1  # the level differs in its last digit


def test_the_same_generator_gives_the_same_images_and_another_gives_others():
    images = torch.randint(0, 256, (32, 1, 20, 20), dtype=torch.uint8)
    first, again, other = (randaugment(images, 2, 9, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.dtype == torch.uint8
