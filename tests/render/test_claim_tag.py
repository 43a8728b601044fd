r"""\BLOCK{claim …} prints what the test supports; a branch that is needed and missing stops the build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paper_kit.analysis.results import collect
from paper_kit.core.errors import InputError
from paper_kit.render.manuscript import typeset
from paper_kit.render.material import material
from paper_kit.render.venue import load_venue
from tests.analysis.fabricated import fabricate
from tests.render.small import TEMPLATES, drawn, manuscript

A, B = "results.advanced_emotenet.accuracy", "results.resemotenet.accuracy"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    plans, store = fabricate(tmp_path_factory.mktemp("runs"), images=600)
    return collect(plans, store)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    plans, store = fabricate(tmp_path_factory.mktemp("none"), finished=False)
    return collect(plans, store)


def tex(results, text):
    venue = load_venue(TEMPLATES, "ieeetran")
    made = replace(material(results, venue.figure_style()), figure=lambda _name, _options: drawn())
    return typeset(manuscript(text), made, venue).tex


def test_the_branch_that_the_test_supports_is_printed(found):
    text = r"\BLOCK{claim %s > %s}yes\BLOCK{reversed}no\BLOCK{undecided}open\BLOCK{endclaim}"
    assert "yes" in tex(found, text % (A, B))
    assert "no" in tex(found, text % (B, A))
    assert "open" in tex(found, text % (A, A))


def test_inside_a_claim_its_difference_and_p_can_be_printed(found):
    made = tex(
        found, rf"\BLOCK{{claim {A} > {B}}}by \VAR{{claim.difference}} (\VAR{{claim.p}})\BLOCK{{endclaim}}"
    )
    assert "points" in made
    assert "<" in made or "=" in made


def test_a_missing_branch_that_is_needed_stops_the_build_with_the_numbers(found):
    with pytest.raises(InputError, match=r"manuscript\.tex:1: .*is reversed: .*points, p.*BLOCK\{reversed\}"):
        tex(found, rf"\BLOCK{{claim {B} > {A}}}yes\BLOCK{{undecided}}open\BLOCK{{endclaim}}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rf"\BLOCK{{claim {A}}}x\BLOCK{{endclaim}}", "This is no claim"),
        (rf"\BLOCK{{claim {A} >= {B}}}x\BLOCK{{endclaim}}", "cannot be made with this comparison"),
        (rf"\BLOCK{{claim {A} > 0.5}}x\BLOCK{{endclaim}}", "compares facts with facts"),
        (
            rf"\BLOCK{{claim {A} > {B}}}x\BLOCK{{undecided}}y\BLOCK{{undecided}}z\BLOCK{{endclaim}}",
            "two branches",
        ),
        (rf"\BLOCK{{if {A} > {B}}}x\BLOCK{{endif}}", r"Write \\BLOCK\{claim a > b\}"),
    ],
)
def test_what_is_no_claim_is_told_with_the_form_to_write(found, text, said):
    with pytest.raises(InputError, match=said):
        tex(found, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rf"\VAR{{outperforms({A}, {B})}}", "outperforms"),
        (rf"\VAR{{outperforms({B}, {A})}}", "is outperformed by"),
        (rf"\VAR{{outperforms({A}, {A})}}", "cannot be told apart from"),
        (rf"\VAR{{matches({A}, {B})}}", "differs from"),
        (r"\VAR{degrades(results.advanced_emotenet.without.no_transfer.change)}", "degrades"),
        (r"\VAR{improves(results.advanced_emotenet.without.no_transfer.change)}", "degrades"),
        (r"\VAR{exceeds(counts.models, counts.seeds)}", "exceeds"),
        (r"\VAR{subject(names.emotion_vit)}", r"the trained \pkfact{1}{EmotionViT}"),
    ],
)
def test_a_verb_changes_with_its_test(found, text, said):
    assert said in tex(found, text)


def test_a_claim_on_missing_runs_shows_as_a_mark(empty):
    claim = rf"\BLOCK{{claim {A} > {B}}}yes\BLOCK{{undecided}}open\BLOCK{{endclaim}}"
    made = tex(empty, rf"{claim}\VAR{{outperforms({A}, {B})}}")
    assert made.count("[pending claim]") == 2
    assert "yes" not in made
