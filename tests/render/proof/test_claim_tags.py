"""Claim tags are read: each must test something, and each branch may say only what was tested."""

import pytest

from paper_kit.render.proof import check_template

A, B = "results.emotion_vit.accuracy", "results.resemotenet.accuracy"


def messages(expression: str, words: str) -> list[str]:
    source = rf"\BLOCK{{claim {expression}}}{words}\BLOCK{{endclaim}}"
    return [finding.message for finding in check_template("t.tex", source).findings]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (f"{A} + {A} > {B}", "computes with facts"),
        ("0 == 0", "compares a number"),
        (f"{A} > 0", "is always true"),
        ("counts.models > 0", "is always true"),
        (f"{A} > {A}", "compares a fact with itself"),
    ],
)
def test_a_claim_that_tests_nothing_is_found(expression, told):
    (message,) = messages(expression, "x")
    assert told in message


@pytest.mark.parametrize(
    ("expression", "words", "told"),
    [
        (f"{A} > {B}", "EmotionViT outperforms AdvancedEmoteNet.", "something of AdvancedEmoteNet"),
        (f"{A} > {B}", r"\VAR{names.advanced_emotenet} is better.", "something of AdvancedEmoteNet"),
        (f"{A} > {B}", "EmotionViT outperforms all other networks.", "says more than is tested"),
        ("counts.images > counts.models", "ResEmoteNet is best.", "something of ResEmoteNet"),
        ("counts.images > counts.models", "Mixup improves accuracy.", "something of accuracy"),
        (f"{A} > {B}", r"A wins.\BLOCK{undecided}EmotionViT outperforms ResEmoteNet.", r"\BLOCK{undecided}"),
        (f"{A} > {B}", r"A wins.\BLOCK{reversed}A wins.", r"in \BLOCK{reversed}"),
        (
            f"{A} > {B}",
            r"It exceeds ResEmoteNet.\BLOCK{reversed}It beats ResEmoteNet.",
            r"in \BLOCK{reversed}",
        ),
    ],
)
def test_a_branch_that_says_what_was_not_tested_is_found(expression, words, told):
    (message,) = messages(expression, words)
    assert told in message


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            f"{A} > {B}",
            r"EmotionViT outperforms ResEmoteNet.\BLOCK{reversed}ResEmoteNet outperforms EmotionViT.",
        ),
        (f"{A} > {B}", r"It loses more than that.\BLOCK{reversed}It loses less than that."),
        (f"{A} > {B}", r"EmotionViT is better.\BLOCK{undecided}EmotionViT is not clearly better."),
        (
            f"{A} > {B}",
            r"A wins.\BLOCK{same}\BLOCK{undecided}The highest cannot be told apart from the rest.",
        ),
        ("results.best.accuracy > results.best.others", "EmotionViT is the best of all networks."),
        ("results.largest_effect.change < 0", "The largest change is a loss."),
    ],
)
def test_what_a_claim_may_say_is_left_alone(expression, words):
    assert messages(expression, words) == []
