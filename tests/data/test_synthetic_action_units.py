"""The source task: targets that say what each face shows."""

from __future__ import annotations

import numpy as np
import pytest

from paper_kit.core.errors import InputError
from paper_kit.data.faces.units import NAMES
from paper_kit.data.sources import Splits
from paper_kit.data.sources.synthetic_action_units import TARGETS, load


@pytest.fixture(scope="module")
def faces() -> Splits:
    return load(train=600, validation=20, test=20, size=24)


def test_targets_are_the_units_and_the_pose(faces: Splits) -> None:
    assert (*NAMES, "yaw", "pitch", "roll") == TARGETS
    assert faces.card.targets == TARGETS
    assert faces.classes == TARGETS
    assert faces.train.targets is not None
    assert faces.train.targets.shape == (600, len(TARGETS))
    assert faces.train.targets.dtype == np.float32


def test_targets_have_mean_zero_and_variance_one(faces: Splits) -> None:
    targets = faces.train.targets
    assert targets is not None
    assert np.abs(targets.mean(axis=0)).max() < 0.2
    assert np.abs(targets.std(axis=0) - 1.0).max() < 0.25


def test_targets_do_not_depend_on_each_other(faces: Splits) -> None:
    assert faces.train.targets is not None
    correlation = np.corrcoef(faces.train.targets.T) - np.eye(len(TARGETS))
    assert np.abs(correlation).max() < 0.2


def test_all_labels_are_zero(faces: Splits) -> None:
    assert not faces.train.labels.any()
    assert faces.train.labels.dtype == np.int64


def test_a_larger_set_begins_with_the_smaller_one(faces: Splits) -> None:
    smaller = load(train=45, validation=5, test=5, size=24)
    assert np.array_equal(smaller.train.images, faces.train.images[:45])
    assert faces.train.targets is not None
    assert smaller.train.targets is not None
    assert np.array_equal(smaller.train.targets, faces.train.targets[:45])


def test_a_jaw_that_drops_darkens_the_mouth() -> None:
    split = load(train=300, validation=1, test=1).train
    assert split.targets is not None
    jaw = split.targets[:, TARGETS.index("AU26")]
    mouth = split.images[:, 32:42, 19:29].mean(axis=(1, 2)) / split.images[:, 20:32].mean(axis=(1, 2))
    assert np.corrcoef(jaw, mouth)[0, 1] < -0.2


def test_options_that_cannot_be_drawn_are_named() -> None:
    with pytest.raises(InputError, match="occlusion = 2"):
        load(occlusion=2.0)
