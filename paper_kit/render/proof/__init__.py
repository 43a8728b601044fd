r"""Reads the words of a paper for what nobody measured: numbers that were typed, claims that were not tested.

Every digit and number word in a template must come from a fact, stand in \literal{number}{reason}, or be no
result, setting or count; every comparative about the study must stand in a claim tag or in \opinion{...}.
"""

from __future__ import annotations

from paper_kit.render.proof.artifacts import artifact_findings
from paper_kit.render.proof.manuscript import Literal, Opinion, Proof, check_manuscript, check_template
from paper_kit.render.proof.subjects import Subjects

__all__ = [
    "Literal",
    "Opinion",
    "Proof",
    "Subjects",
    "artifact_findings",
    "check_manuscript",
    "check_template",
]
