"""A spec's id, its strictness and its parts."""

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import DEFAULTS, RunSpec, spec_from


def test_only_fields_that_differ_from_their_defaults_make_the_id():
    spelled_out = spec_from({"epochs": DEFAULTS["epochs"], "optim": {"lr": DEFAULTS["optim"]["lr"]}}, "x")
    assert spelled_out.id == RunSpec().id


def test_a_part_spelled_out_with_its_defaults_has_the_same_id():
    short = RunSpec(model=Part(name="resemotenet", arguments={"width": 16}))
    whole = short.model_copy(update={"model": complete("model", short.model)})
    assert len(whole.model.arguments) > 1
    assert whole.id == short.id
    assert whole.id != RunSpec().id


def test_a_changed_field_changes_the_id():
    ids = {RunSpec().id, spec_from({"seed": 1}, "x").id, spec_from({"loss": {"gamma": 2.0}}, "x").id}
    assert len(ids) == 3


def test_a_copy_with_another_seed_has_another_id():
    spec = RunSpec()
    assert spec.id != spec.model_copy(update={"seed": 1}).id


def test_every_problem_is_told_at_once_with_the_key_that_was_meant():
    with pytest.raises(InputError) as caught:
        spec_from({"optim": {"lrr": 1}, "epocs": 3, "seed": "x"}, "study.toml")
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "'optim.lrr'. Did you mean 'lr'?" in text
    assert "'epocs'. Did you mean 'epochs'?" in text
    assert text.count("study.toml") == 3
