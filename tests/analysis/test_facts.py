"""Facts print rightly, keep their origin, add up as printed, and refuse to be compared."""

from __future__ import annotations

import jinja2
import pytest

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._format import prefix
from paper_kit.analysis.facts._tree import FactTree, slug, slugs
from paper_kit.core.errors import InputError


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (Fact("a", 0.7243, "percent"), "72.4\u00a0%"),
        (Fact("a", 0.7243, "percent", spread=0.0042), "72.4\u00a0\u00b1\u00a00.4\u00a0%"),
        (Fact("a", -0.063, "points"), "\u22126.3\u00a0points"),
        (Fact("a", 0.012, "points"), "+1.2\u00a0points"),
        (Fact("a", -0.0001, "points"), "0.0\u00a0points"),
        (abs(Fact("a", -0.063, "points")), "6.3\u00a0points"),
        (Fact("a", 28709, "count"), "28,709"),
        (Fact("a", 412_345, "number", 2, "M"), "0.41\u00a0M"),
        (Fact("a", 12_345_678, "number", 1, "M"), "12.3\u00a0M"),
        (Fact("a", 4e8, "number", 2, "G"), "0.40\u00a0G"),
        (Fact("a", 2.345, "quantity", 2, "ms"), "2.3\u00a0ms"),
        (Fact("a", 0.0996, "quantity", 2, "ms"), "0.10\u00a0ms"),
        (Fact("a", 99.7, "quantity", 2, "ms"), "100\u00a0ms"),
        (Fact("a", 1234.5, "quantity", 2, "ms"), "1,234\u00a0ms"),
        (Fact("a", 0.0003, "setting"), "0.0003"),
        (Fact("a", 1e-05, "setting"), "0.00001"),
        (Fact("a", 100, "setting"), "100"),
        (Fact("a", "EmotionViT", "text"), "EmotionViT"),
        (Fact("a", None, "percent"), "[pending]"),
    ],
)
def test_a_fact_prints_with_its_digits_sign_and_unit(fact, text):
    assert fact.text == text
    assert str(fact) == text


def test_a_list_prints_with_and_and_loops_over_its_items():
    names = tuple(Fact(f"names.m{i}", name, "text") for i, name in enumerate("ABC"))
    fact = Fact("study.models", "", "list", items=names)
    assert fact.text == "A, B and C"
    assert [item.name for item in fact] == ["m0", "m1", "m2"]
    assert Fact("l", "", "list", items=names[:2]).text == "A and B"
    with pytest.raises(InputError, match="one value, not a list"):
        iter(names[0])


def test_counts_have_words_ordinals_and_plurals():
    three, one, many = (Fact("counts.x", n, "count") for n in (3, 1, 21))
    assert (three.words, three.Words, three.ordinal) == ("three", "Three", "third")
    assert (many.words, many.ordinal) == ("21", "21st")
    assert [f"{f.words} {f.plural('training')}" for f in (one, three)] == ["one training", "three trainings"]


@pytest.mark.parametrize(
    "test", ["a == b", "a != b", "a < b", "a >= 0.5", "not a", "a and b", "a in [b]", "a|float > 1", "a|int"]
)
def test_a_template_that_compares_facts_is_told_to_write_a_claim(test):
    a, b = Fact("a", 0.5, "percent"), Fact("b", 0.4, "percent")
    template = jinja2.Environment(autoescape=True).from_string("{% if " + test + " %}x{% endif %}")
    with pytest.raises(InputError, match="claim"):
        template.render(a=a, b=b)


def test_a_difference_of_percents_is_that_of_the_printed_numbers():
    base, without = Fact("base", 0.70064, "percent"), Fact("without", 0.70046, "percent")
    change = without - base
    assert (base.text, without.text, change.text) == ("70.1\u00a0%", "70.0\u00a0%", "\u22120.1\u00a0points")
    assert change.origin.formula == "without - base (of the printed numbers)"
    assert (base + change).text == without.text


def test_arithmetic_keeps_origins_and_a_formula():
    a = Fact("a", 12.0, "number", 1, "s", origin=Origin(seeds=(0,), runs=("r1",)))
    b = Fact("b", 4.0, "number", 1, "s", origin=Origin(seeds=(0, 1), runs=("r2",)))
    ratio = a / b
    assert ratio.text == "3.0"
    assert ratio.origin == Origin(runs=("r1", "r2"), seeds=(0, 1), formula="a / b")
    assert (2 * a).text == "24.0"
    assert (a / 60).origin.formula == "a / 60"
    assert (Fact("m", 3, "count") * Fact("s", 4, "count")).words == "twelve"
    assert ((a + b) / b).origin.formula == "(a + b (of the printed numbers)) / b"


def test_a_missing_value_stays_missing_and_division_by_zero_is_missing():
    a, none = Fact("a", 1.0), Fact("b", None)
    assert (a - none).missing
    assert (-none).missing
    assert (a / Fact("zero", 0.0)).missing


def test_a_name_has_no_arithmetic():
    with pytest.raises(InputError, match="is a name"):
        Fact("n", "EmotionViT", "text") + 1
    with pytest.raises(InputError, match="numbers only"):
        Fact("a", 1.0) + "x"


def test_large_counts_share_the_unit_of_the_smallest():
    assert [prefix(v) for v in ([4.1e5, 2e7], [4e8], [4e8, 5e7], [900], [])] == ["M", "G", "M", "k", ""]


def test_a_tree_answers_attributes_items_and_facts_and_suggests_a_key():
    name = Fact("names.emotion_vit", "EmotionViT", "text")
    tree = FactTree({"results.emotion_vit.accuracy": Fact("k", 0.5, "percent")}, "results")
    assert tree.emotion_vit.accuracy is tree["emotion_vit"]["accuracy"] is tree[name].accuracy
    with pytest.raises(InputError, match=r"no fact 'results.emotion_vit.acuracy'. Did you mean 'accuracy'"):
        _ = tree.emotion_vit.acuracy
    with pytest.raises(InputError, match="a group; name one of: accuracy"):
        str(tree.emotion_vit)


def test_slugs_are_steps_of_a_key_and_differ():
    assert [slug(n) for n in ("Happy", "50% & _weird_ #1 \\input{x}", "{")] == [
        "happy",
        "c50_weird_1_input_x",
        "unnamed",
    ]
    assert slugs(("a b", "a-b")) == ("a_b", "a_b_2")
