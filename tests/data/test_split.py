"""Choices of images are seeded, stratified, nested, and keep people apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from paper_kit.core.errors import InputError
from paper_kit.data.split import stratified_split, stratified_subset, subject_split

LABELS = np.repeat(np.arange(4), (400, 200, 100, 20))


def test_a_subset_keeps_the_classes_in_proportion() -> None:
    chosen = stratified_subset(LABELS, 0.25, seed=3)
    assert np.bincount(LABELS[chosen]).tolist() == [100, 50, 25, 5]


def test_a_count_is_met_exactly() -> None:
    assert len(stratified_subset(LABELS, 123, seed=0)) == 123


def test_a_smaller_subset_lies_inside_a_larger_one_of_the_same_seed() -> None:
    subsets = [set(stratified_subset(LABELS, count, seed=1).tolist()) for count in (7, 50, 51, 300, 720)]
    assert all(small <= large for small, large in pairwise(subsets))


def test_another_seed_gives_another_subset() -> None:
    first, second = (stratified_subset(LABELS, 0.5, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_a_subset_is_the_same_on_every_machine() -> None:
    assert stratified_subset(np.repeat([0, 1], 10), 6, seed=7).tolist() == [3, 4, 6, 10, 11, 12]


@given(
    some.lists(some.integers(0, 4), min_size=1, max_size=200), some.floats(0.01, 1), some.integers(0, 2**32)
)
def test_every_class_is_in_every_subset(labels: list[int], fraction: float, seed: int) -> None:
    chosen = stratified_subset(np.array(labels), fraction, seed)
    assert set(np.array(labels)[chosen]) == set(labels)
    assert len(set(chosen.tolist())) == len(chosen)


@pytest.mark.parametrize("size", [0.0, 1.5, 0, 721])
def test_a_size_that_cannot_be_is_refused_with_the_limits(size: float) -> None:
    with pytest.raises(InputError, match="expected more than 0 and at most"):
        stratified_subset(LABELS, size, seed=0)


def test_a_split_covers_all_images_once() -> None:
    parts = stratified_split(LABELS, {"validation": 0.1, "test": 0.2}, seed=5)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(LABELS)))
    assert {name: len(rows) for name, rows in parts.items()} == {"validation": 72, "test": 144, "train": 504}
    assert np.bincount(LABELS[parts["test"]]).tolist() == [80, 40, 20, 4]


def test_a_class_too_small_to_split_is_named() -> None:
    with pytest.raises(InputError, match=r"Class 1 has 2 images.*at least 3 of each class"):
        stratified_split(np.array([0] * 9 + [1] * 2), {"validation": 0.2, "test": 0.2}, seed=0)


def test_no_subject_stands_in_two_parts() -> None:
    rng = np.random.default_rng(0)
    subjects = rng.integers(0, 30, 600).astype(str).tolist()
    labels = rng.integers(0, 5, 600)
    parts = subject_split(labels, subjects, {"validation": 0.15, "test": 0.25}, seed=2)
    people = [{subjects[row] for row in rows} for rows in parts.values()]
    assert sum(map(len, people)) == 30
    assert len(parts["test"]) == pytest.approx(150, abs=25)
    assert len(parts["validation"]) == pytest.approx(90, abs=25)


def test_each_part_has_a_subject_even_when_there_are_few() -> None:
    parts = subject_split(
        np.array([0, 1] * 6), ["a"] * 8 + ["b"] * 2 + ["c"] * 2, {"validation": 0.1, "test": 0.1}, 0
    )
    assert all(len(rows) for rows in parts.values())


def test_too_few_subjects_are_refused() -> None:
    with pytest.raises(InputError, match="2 subjects were found"):
        subject_split(np.array([0, 1, 0]), ["a", "b", "a"], {"validation": 0.1, "test": 0.1}, seed=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="The seed is -1; expected 0 or more"):
        stratified_subset(LABELS, 0.5, seed=-1)


def test_fractions_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(InputError, match="a sum below 1"):
        stratified_split(LABELS, {"validation": 0.5, "test": 0.5}, seed=0)
