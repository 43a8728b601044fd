"""The embedded faces: the same for a seed, counted as asked, with persons of their own in each split."""

from __future__ import annotations

import numpy as np
import pytest

from paper_kit.core.errors import InputError
from paper_kit.data.faces.labels import FER2013_COUNTS, class_shares, emotion_labels, with_noise
from paper_kit.data.faces.sample import Stream
from paper_kit.data.sources import SPLITS, Splits
from paper_kit.data.sources.synthetic_action_units import load as load_action_units
from paper_kit.data.sources.synthetic_faces import load


def persons(splits: Splits, name: str) -> set[str]:
    return {identity.rsplit("-", 1)[0] for identity in splits.each()[name].ids}


@pytest.fixture(scope="module")
def faces() -> Splits:
    return load(train=150, validation=40, test=70)


def test_splits_have_the_counts_and_types_that_were_asked_for(faces: Splits) -> None:
    assert [len(faces.each()[name]) for name in SPLITS] == [150, 40, 70]
    assert faces.train.images.shape == (150, 48, 48)
    assert faces.train.images.dtype == np.uint8
    assert faces.train.labels.dtype == np.int64
    assert set(faces.train.labels) == set(range(7))
    assert faces.train.targets is None
    assert faces.card.synthetic
    assert faces.classes == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_the_same_seed_draws_the_same_faces(faces: Splits) -> None:
    again = load(train=150, validation=40, test=70)
    for name in SPLITS:
        assert np.array_equal(faces.each()[name].images, again.each()[name].images)
        assert np.array_equal(faces.each()[name].labels, again.each()[name].labels)


def test_another_seed_draws_other_faces(faces: Splits) -> None:
    other = load(train=40, validation=1, test=1, seed=1)
    assert not (other.train.images == faces.train.images[:40]).all(axis=(1, 2)).any()


def test_a_larger_set_begins_with_the_smaller_one(faces: Splits) -> None:
    smaller = load(train=45, validation=7, test=33)
    for name in SPLITS:
        part, whole = smaller.each()[name], faces.each()[name]
        assert np.array_equal(part.images, whole.images[: len(part)])
        assert np.array_equal(part.labels, whole.labels[: len(part)])
        assert np.array_equal(part.ids, whole.ids[: len(part)])


def test_no_person_is_in_two_splits_nor_in_the_source_task(faces: Splits) -> None:
    source = load_action_units(train=40, validation=8, test=8)
    groups = [persons(faces, name) for name in SPLITS] + [persons(source, name) for name in SPLITS]
    assert sum(len(group) for group in groups) == len(set().union(*groups))


def test_ids_are_unique(faces: Splits) -> None:
    ids = np.concatenate([faces.each()[name].ids for name in SPLITS])
    assert len(set(ids)) == len(ids)


def test_no_image_is_drawn_twice(faces: Splits) -> None:
    pixels = np.concatenate([faces.each()[name].images for name in SPLITS])
    assert len({image.tobytes() for image in pixels}) == len(pixels)


@pytest.mark.parametrize("imbalance", [0.0, 0.5, 1.0])
def test_classes_come_in_the_shares_that_the_imbalance_asks_for(imbalance: float) -> None:
    labels = emotion_labels(Stream(0, 0), np.arange(700), imbalance)
    assert np.abs(np.bincount(labels, minlength=7) - 700 * class_shares(imbalance)).max() <= 3


def test_full_imbalance_is_that_of_fer2013() -> None:
    assert sum(FER2013_COUNTS) == 28709
    assert np.allclose(class_shares(1.0), np.array(FER2013_COUNTS) / 28709)


def test_label_noise_changes_its_fraction_of_the_training_labels_and_no_test_label(faces: Splits) -> None:
    noisy = load(train=150, validation=40, test=70, label_noise=0.2)
    assert np.mean(faces.train.labels != noisy.train.labels) == pytest.approx(0.2, abs=0.1)
    assert (faces.validation.labels != noisy.validation.labels).any()
    assert np.array_equal(faces.test.labels, noisy.test.labels)
    assert np.array_equal(faces.train.images, noisy.train.images)


def test_noise_names_every_other_class_equally_often() -> None:
    labels = with_noise(Stream(0, 0), np.full(6000, 3), 0.3)
    counts = np.bincount(labels, minlength=7)
    assert counts[3] == pytest.approx(4200, abs=150)
    assert np.abs(np.delete(counts, 3) - 300).max() < 80


def test_intensity_zero_draws_faces_that_hardly_move() -> None:
    still, moved = (load(train=64, validation=1, test=1, intensity=value).train for value in (0.0, 1.0))
    neutral = still.labels == 6
    same = (still.images == moved.images).all(axis=(1, 2))
    assert same[neutral].all()
    assert same[~neutral].mean() < 0.05  # closed eyes and missing units can leave nothing to see


def test_occlusion_covers_its_fraction_of_the_faces() -> None:
    free, half = (
        load(train=128, validation=1, test=1, size=24, occlusion=value).train for value in (0.0, 0.5)
    )
    covered = (free.images != half.images).any(axis=(1, 2))
    assert covered.mean() == pytest.approx(0.5, abs=0.12)


def test_a_face_is_the_same_face_in_every_size() -> None:
    small, large = (load(train=32, validation=1, test=1, size=size).train.images for size in (48, 96))
    halved = large.reshape(32, 48, 2, 48, 2).mean(axis=(2, 4))
    apart = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small, halved, strict=True)]
    assert min(apart) > 0.9


def test_options_that_cannot_be_drawn_are_all_named() -> None:
    with pytest.raises(InputError) as error:
        load(train=0, size=8, label_noise=1.5, seed=-1)
    assert len(error.value.problems) == 4
    assert "size = 48" in str(error.value)
    assert "label_noise = 1.5" in str(error.value)
