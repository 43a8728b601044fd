r"""Verbs that are bound to a test: \VAR{outperforms(a, b)} prints what the test supports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from paper_kit.analysis.claims import SEEDS_FOR_METHODS, Relation
from paper_kit.render.claim_tag import PENDING, Judge, side
from paper_kit.render.tex import Tex

# verb -> (relation, what is printed for each verdict)
SAID: Mapping[str, tuple[Relation, Mapping[str, str]]] = {
    "outperforms": (
        ">",
        {
            "holds": "outperforms",
            "reversed": "is outperformed by",
            "equivalent": "matches",
            "undecided": "cannot be told apart from",
        },
    ),
    "exceeds": (
        ">",
        {
            "holds": "exceeds",
            "reversed": "is exceeded by",
            "equivalent": "equals, within the margin,",
            "undecided": "cannot be told apart from",
        },
    ),
    "matches": (
        "==",
        {
            "holds": "matches",
            "reversed": "differs from",
            "undecided": "is neither shown to match nor to differ from",
        },
    ),
    "improves": (
        ">",
        {
            "holds": "improves",
            "reversed": "degrades",
            "equivalent": "leaves unchanged, within the margin,",
            "undecided": "does not measurably change",
        },
    ),
    "degrades": (
        "<",
        {
            "holds": "degrades",
            "reversed": "improves",
            "equivalent": "leaves unchanged, within the margin,",
            "undecided": "does not measurably change",
        },
    ),
}


def verbs(judge: Judge) -> dict[str, Callable[..., Tex]]:
    """The verbs as functions for templates: of two facts, or of one difference against nought."""
    return {name: _verb(judge, *said) for name, said in SAID.items()}


def _verb(judge: Judge, relation: Relation, words: Mapping[str, str]) -> Callable[..., Tex]:
    def said(left: Any, right: Any = 0) -> Tex:
        verdict = judge(side(left), relation, side(right), "equivalent" in words).verdict
        return Tex(PENDING if verdict == "pending" else words.get(verdict, words["undecided"]))

    return said


def subject(seeds: int, show: Callable[[Any], Tex]) -> Callable[[Any], Tex]:
    """A function for templates: a name, of the trained network where the seeds are too few for the method."""
    trained = Tex("" if seeds >= SEEDS_FOR_METHODS else "the trained ")
    return lambda name: Tex(trained + show(name))
