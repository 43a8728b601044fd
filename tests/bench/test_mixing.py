import numpy as np
import pytest
import torch
from timm.data.mixup import Mixup

from paper_kit.bench import mixing
from paper_kit.core.spec import Mixing


class AsTimmDraws:
    """numpy's global generator, which timm draws from, under the names of a Generator."""

    def random(self):
        return np.random.rand()

    def beta(self, a, b):
        return np.random.beta(a, b)

    def integers(self, high):
        return np.random.randint(0, high)


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.4, 0.0), (0.0, 1.0), (0.2, 1.0)])
def test_mixed_images_and_labels_agree_with_timm(mixup, cutmix):
    images, labels = torch.rand(8, 3, 24, 24), torch.arange(8) % 5
    settings = Mixing(mixup_alpha=mixup, cutmix_alpha=cutmix, probability=0.7, switch_probability=0.5)
    reference = Mixup(mixup, cutmix, prob=0.7, switch_prob=0.5, label_smoothing=0.0, num_classes=5)
    for seed in range(20):
        np.random.seed(seed)
        expected_images, expected_targets = reference(images.clone(), labels)
        np.random.seed(seed)
        mix = mixing.draw(settings, 24, 24, AsTimmDraws())
        assert torch.allclose(mix.images(images), expected_images, atol=1e-6)
        assert torch.allclose(mix.targets(torch.eye(5)[labels]), expected_targets, atol=1e-6)


def test_the_mixed_accuracy_counts_lambda_for_the_own_and_the_rest_for_the_partners_label():
    labels = torch.tensor([0, 1, 1, 3])
    predicted = torch.tensor([0, 0, 1, 0])
    assert mixing.Mix(0.7).correct(predicted, labels).tolist() == pytest.approx([0.7, 0.0, 1.0, 0.3])
    assert mixing.Mix().correct(predicted, labels).tolist() == [1, 0, 1, 0]


def test_cutmix_corrects_lambda_where_the_box_leaves_the_image():
    mix = mixing.boxed(0.75, 40, 40, 0, 0)
    assert mix.box == (0, 10, 0, 10)
    assert mix.share == 1 - 100 / 1600
    changed = mix.images(torch.arange(2.0).reshape(2, 1, 1, 1).expand(2, 1, 40, 40))
    assert changed[0].mean() == pytest.approx(1 - mix.share)


def test_the_probability_is_that_of_a_batch_being_mixed():
    settings = Mixing(mixup_alpha=1.0, cutmix_alpha=1.0, probability=0.4, switch_probability=0.25)
    mixes = [mixing.draw(settings, 16, 16, np.random.default_rng(seed)) for seed in range(2000)]
    assert np.mean([mix != mixing.Mix() for mix in mixes]) == pytest.approx(0.4, abs=0.03)
    assert np.mean([mix.box is not None for mix in mixes]) == pytest.approx(0.1, abs=0.02)
    found = {step["name"]: step["probability"] for step in mixing.sequence(settings)}
    assert found == pytest.approx({"mixup": 0.3, "cutmix": 0.1})


def test_nothing_is_mixed_where_both_alphas_are_zero():
    assert mixing.draw(Mixing(probability=1.0), 8, 8, np.random.default_rng(0)) == mixing.Mix()
    assert mixing.sequence(Mixing(probability=1.0)) == []
