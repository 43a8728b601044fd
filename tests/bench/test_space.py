"""What a search may vary, and the specs that follow."""

import pytest

from paper_kit.bench.space import (
    AUGMENT,
    FIELDS,
    LR,
    WEIGHT_DECAY,
    Budget,
    grid_of,
    known_fields,
    ranges,
    searched,
    settings_of,
    trial_spec,
)  # fmt: skip
from paper_kit.core.errors import InputError
from paper_kit.core.spec import Augment, Optim, RunSpec

SPEC = RunSpec(augment=Augment(flip=0.5, rotate_p=0.3, erase_p=0.6), optim=Optim(lr=2e-3, weight_decay=0.05))


def test_one_number_makes_every_transform_in_use_rarer_or_more_frequent():
    assert settings_of(SPEC, {AUGMENT: 0.5}) == {
        "augment.flip": 0.25,
        "augment.rotate_p": 0.15,
        "augment.erase_p": 0.3,
    }


def test_no_probability_leaves_its_range_and_no_face_is_mirrored_every_time():
    assert settings_of(SPEC, {AUGMENT: 2.0}) == {"augment.rotate_p": 0.6, "augment.erase_p": 1.0}
    assert trial_spec(SPEC, settings_of(SPEC, {AUGMENT: 2.0}), Budget(0, 0.0)).augment.flip == 0.5


def test_what_is_trained_has_the_digits_that_are_written():
    assert settings_of(SPEC, {LR: 0.00123456, WEIGHT_DECAY: 0.0987654}) == {LR: 0.00123, WEIGHT_DECAY: 0.0988}


def test_the_own_values_set_nothing():
    assert settings_of(SPEC, {LR: 2e-3, AUGMENT: 1.0, WEIGHT_DECAY: 0.05}) == {}
    assert trial_spec(SPEC, {}, Budget(0, 0.0)) == SPEC


def test_ranges_hold_the_files_own_values_even_where_these_are_unusual():
    for lr, decay in ((2e-3, 0.05), (0.5, 3.0), (1e-6, 1e-5)):
        spec = SPEC.model_copy(update={"optim": Optim(lr=lr, weight_decay=decay)})
        found = ranges(spec)
        assert found[LR].holds(lr)
        assert found[WEIGHT_DECAY].holds(decay)
    assert not ranges(SPEC.model_copy(update={"optim": Optim(weight_decay=0.0)}))[WEIGHT_DECAY].holds(0.0)


def test_augmentation_is_not_searched_where_there_is_none():
    assert searched(SPEC, FIELDS) == FIELDS
    assert searched(RunSpec(), FIELDS) == (LR, WEIGHT_DECAY)


def test_a_budget_makes_a_trial_cheaper_and_one_above_the_files_own_is_told():
    assert Budget(5, 0.5).of(SPEC).epochs == 5
    assert Budget(5, 0.5).of(SPEC).train_fraction == 0.5
    assert Budget(0, 0.0).of(SPEC) == SPEC
    assert Budget(5, 0.5).larger_than(SPEC) == []
    assert Budget(31, 1.0).larger_than(SPEC) == [
        "--epochs 31: above the file's own 30; give less, or leave it out."
    ]


def test_a_field_that_cannot_be_searched_is_refused_with_the_one_that_was_meant():
    with pytest.raises(
        InputError, match=r"--search optim\.weigth_decay: .* Did you mean 'optim\.weight_decay'"
    ):
        known_fields("optim.weigth_decay")
    with pytest.raises(InputError, match="name at least one of"):
        known_fields(" , ")


def test_a_grid_is_read_from_what_is_typed():
    assert grid_of(["optim.weight_decay=0.5,0.05,0.5"]) == {WEIGHT_DECAY: (0.5, 0.05)}
    for wrong in ("optim.weight_decay", "optim.weight_decay=a,b", "epochs=3,4"):
        with pytest.raises(InputError, match="--grid"):
            grid_of([wrong])
