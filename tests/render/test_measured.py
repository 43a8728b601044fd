r"""No template branches on a measured number without a test, or makes a number that nobody measured."""

from __future__ import annotations

import pytest

from paper_kit.core.errors import InputError
from tests.render.small import written
from tests.render.test_claim_tag import found, tex  # noqa: F401

A, B = "results.emotion_vit.accuracy", "results.resemotenet.accuracy"
BRANCHES = (
    rf"\BLOCK{{if {A}.text > {B}.text}}x\BLOCK{{endif}}",
    rf'\BLOCK{{if "47" in {A}.text}}x\BLOCK{{endif}}',
    rf'\BLOCK{{if {A}.text.startswith("4")}}x\BLOCK{{endif}}',
    rf'\BLOCK{{if {A}.text is gt "5"}}x\BLOCK{{endif}}',
    rf'\VAR{{["w", "l"][{A}.text < "5"]}}',
    rf'\BLOCK{{if ({A} ~ "") > "5"}}x\BLOCK{{endif}}',
    rf"\BLOCK{{if ([{A}]|join) > ([{B}]|join)}}x\BLOCK{{endif}}",
    rf"\BLOCK{{macro f(x)}}\VAR{{x}}\BLOCK{{endmacro}}\BLOCK{{if f({A}) > f({B})}}x\BLOCK{{endif}}",
    rf'\BLOCK{{set x}}\VAR{{{A}}}\BLOCK{{endset}}\BLOCK{{if x > "x"}}x\BLOCK{{endif}}',
    rf'\BLOCK{{set n = namespace(x={A}.text)}}\BLOCK{{if n.x == "5"}}x\BLOCK{{endif}}',
    rf'\VAR{{([{A}, {B}]|sort(attribute="text")|first)}}',
    rf"\VAR{{[{A}.text, {B}.text]|sort|first}}",
    rf'\VAR{{[{A}, {B}]|selectattr("text", "gt", "5")|first}}',
    rf"\VAR{{[{A}, {B}]|unique|list|length}}",
    rf'\VAR{{(({A} - {B}) / (({A} - {B})|abs)).plural("wins", "loses")}}',
    rf'\BLOCK{{if "-" in ({A} - {B}).text}}x\BLOCK{{endif}}',
    rf'\BLOCK{{if {A}.name == "accuracy"}}x\BLOCK{{endif}}',
    r'\BLOCK{if data.name|label == "fer"}x\BLOCK{endif}',
    rf"\VAR{{{A}.text|length}}",
    rf"\VAR{{{A}.text[0:2]}}",
    rf"\VAR{{{A}.text|reverse}}",
)
ARITHMETIC = (
    rf'\VAR{{{A} * ("ab"|length)}}',
    rf"\VAR{{{A} * counts.models}}",
    rf"\VAR{{{A} + 3}}",
    rf"\VAR{{{A} / {A} + {A}}}",
    rf"\VAR{{100 - {A}}}",
)


@pytest.mark.parametrize("text", BRANCHES)
def test_no_branch_depends_on_a_measured_value_without_a_test(text):
    with pytest.raises(InputError, match=r"manuscript\.tex:1"):
        written(text)


@pytest.mark.parametrize("text", ARITHMETIC)
def test_no_number_is_made_of_a_fact_and_something_that_nobody_measured(text):
    with pytest.raises(InputError, match=r"nobody measured|no quantities of one kind"):
        written(text)


@pytest.mark.parametrize("text", [rf"\VAR{{{A} - {B}}}", rf"\VAR{{({A} - {B})|abs}}", rf"\VAR{{{A} / {B}}}"])
def test_facts_of_one_kind_are_added_and_divided(text):
    assert r"\pkfact{1}" in written(text)


def test_plain_names_are_still_compared():
    asked = '"emotion_vit" in model_keys and model_keys|length > 1'
    assert "yes" in written(rf"\BLOCK{{if {asked}}}yes\BLOCK{{endif}}")


def test_a_counted_claim_has_no_p_to_print(found):  # noqa: F811
    with pytest.raises(InputError, match="was counted and has no p"):
        tex(found, r"\BLOCK{claim counts.models > counts.seeds}\VAR{claim.p}\BLOCK{endclaim}")


def test_whoever_is_chosen_by_looking_pays_by_any_way(found):  # noqa: F811
    from paper_kit.analysis.facts._tree import collect_facts, fact_trees

    results = fact_trees(collect_facts(found))["results"]
    assert results[results.best.model].accuracy.chosen_of == results.best.accuracy.chosen_of == 3
    assert results.emotion_vit.accuracy.chosen_of == 1
