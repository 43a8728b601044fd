import numpy as np
import pytest
import torch
from PIL import Image

from paper_kit.bench.examples import drawn_labels, examples, order
from paper_kit.bench.pixels import Normalisation, Pixels, Preparation, normalisation_of
from tests.bench.tiny import patterns

CPU = torch.device("cpu")
LABELS = np.repeat(np.arange(3), [900, 90, 10])


def test_shuffling_shows_each_image_once_an_epoch_and_in_another_order_the_next():
    first, second = order(LABELS, "shuffle", 0, 1), order(LABELS, "shuffle", 0, 2)
    assert sorted(first) == list(range(1000))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, order(LABELS, "shuffle", 0, 1))


def test_balanced_sampling_shows_every_class_about_equally_often():
    shown = np.concatenate([LABELS[order(LABELS, "balanced", 0, epoch)] for epoch in range(1, 6)])
    assert np.bincount(shown) / len(shown) == pytest.approx([1 / 3] * 3, abs=0.03)
    assert not np.array_equal(order(LABELS, "balanced", 0, 1), order(LABELS, "balanced", 0, 2))


def test_labels_are_drawn_with_the_chances_of_the_soft_targets():
    targets = torch.tensor([[0.1, 0.0, 0.6, 0.3]]).expand(20000, 4)
    drawn = drawn_labels(targets, 0, 1)
    assert drawn.mean(0).tolist() == pytest.approx([0.1, 0.0, 0.6, 0.3], abs=0.02)
    assert torch.equal(drawn.sum(1), torch.ones(20000))
    assert not torch.equal(drawn, drawn_labels(targets, 0, 2))


def test_labels_become_one_hot_targets_and_a_subset_keeps_its_rows():
    split = patterns().train
    subset = np.array([3, 5, 7])
    data = examples(split, 4, CPU, subset)
    assert data.targets.argmax(1).tolist() == split.labels[subset].tolist()
    assert data.ids.tolist() == split.ids[subset].tolist()
    assert np.array_equal(data.pixels.rows(np.array([2, 0]))[:, 0].numpy(), split.images[[7, 3]])


def test_the_normalisation_is_that_of_the_images():
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    found = normalisation_of(images)
    assert found.mean == pytest.approx(images.mean() / 255, abs=1e-6)
    assert found.std == pytest.approx(images.std() / 255, abs=1e-6)
    assert normalisation_of(np.full((2, 8, 8), 7, np.uint8)).std == 1.0


def test_prepared_images_have_the_models_size_channels_and_scale():
    split = patterns().train
    prepare = Preparation(16, 1, normalisation_of(split.images))
    ready = prepare(Pixels(split.images, CPU).rows(np.arange(96)))
    assert ready.shape == (96, 1, 16, 16)
    assert float(ready.mean()) == pytest.approx(0, abs=1e-4)
    assert float(ready.std()) == pytest.approx(1, abs=1e-3)
    wide = Preparation(24, 3, Normalisation(0.0, 1.0))(Pixels(split.images, CPU).rows(np.arange(2)))
    assert wide.shape == (2, 3, 24, 24)
    assert torch.equal(wide[:, 0], wide[:, 2])


def test_colour_images_become_grey_as_pillow_makes_them():
    colours = np.random.default_rng(0).integers(0, 256, (1, 12, 12, 3), dtype=np.uint8)
    grey = Preparation(12, 1, Normalisation(0.0, 1.0))(Pixels(colours, CPU).rows(np.array([0])))
    expected = np.asarray(Image.fromarray(colours[0]).convert("L")) / 255
    assert grey[0, 0].numpy() == pytest.approx(expected, abs=1 / 255)
