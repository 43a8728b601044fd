"""Numbers and claims planted in the shipped templates are found, and the templates themselves are clean."""

import random
import re
import time
from pathlib import Path

import pytest

from benchmarks.mutations import FORMS, LEAST, NO_PROSE, rates, read_templates
from paper_kit.core.paper import load_paper
from paper_kit.render.manuscript import load_manuscript
from paper_kit.render.proof import check_manuscript, check_template
from paper_kit.render.proof.manuscript import expressions

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = read_templates()
LITERALS = 30  # what the shipped manuscript may type, each with its reason
PLANTED = (
    r"\VAR{results.best.model} outperforms every other network.",
    r"\VAR{names.emotion_vit} is more accurate than \VAR{names.resemotenet}.",
    r"The highest accuracy of all belongs to \VAR{results.best.model}.",
    r"With \VAR{results.best.accuracy}, \VAR{results.best.model} comes out on top.",
    r"\VAR{names.resemotenet} falls short of the transformer.",
    r"\VAR{names.resemotenet} trails \VAR{names.emotion_vit} by a wide margin.",
    r"\VAR{data.largest_class} is recognised best, \VAR{data.smallest_class} worst.",
    r"\VAR{cost.cheapest.model} needs less memory than its rivals.",
    r"\VAR{names.advanced_emotenet} answers much faster than \VAR{names.emotion_vit}.",
    r"\VAR{names.emotion_vit} does not benefit from focal loss.",
    r"\VAR{names.emotion_vit} gains most from transfer.",
    r"\VAR{names.resemotenet} is on par with \VAR{names.emotion_vit}.",
    r"\VAR{names.emotion_vit} and \VAR{names.resemotenet} perform equally well.",
    r"No network is more robust to noise than \VAR{results.best.model}.",
    r"\VAR{names.emotion_vit} is not significantly better.",
    "Transfer learning gives a substantial boost.",
    "Mixup and CutMix increase accuracy considerably.",
    "Without transfer learning, accuracy collapses.",
    "Removing test-time augmentation costs accuracy.",
    "Focal loss has no measurable effect.",
    "The transformer generalises better than convolutional networks.",
    "Fear is confused more often than any other class.",
    "Our recipe reaches state-of-the-art results.",
    "CutMix hurts the transformer.",
    "Progressive unfreezing proves essential.",
    "AMP halves the training time.",
    "Disgust remains the hardest class.",
    "The smaller network is just as good as the others.",
    "Neither network suffers when attention is left out.",
    "FER2013 is harder than the synthetic faces.",
)


def manuscript():
    return load_manuscript(ROOT / "templates", load_paper(ROOT))


def test_the_shipped_manuscript_is_clean_and_types_little():
    sources = {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in ("paper/paper.toml", "templates/literature.toml")
    }
    proof = check_manuscript(manuscript(), sources=sources)
    assert [str(finding) for finding in proof.findings] == []
    assert len(proof.literals) <= LITERALS
    assert all(literal.reason for literal in proof.literals)


def test_the_shipped_manuscript_is_read_in_less_than_0_7_seconds():
    shipped = manuscript()
    check_manuscript(shipped)  # loads what is loaded once
    started = time.process_time()
    check_manuscript(shipped)
    assert time.process_time() - started < 0.7


def test_nearly_every_planted_number_is_found_at_its_line():
    """Forty of each form; `benchmarks/mutations.py` plants 1,500."""
    found = list(rates(TEMPLATES, 40, seed=1))
    assert len(found) == len(FORMS) + 1
    assert {rate.form: rate.missed for rate in found if rate.share < LEAST} == {}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nearly_every_one_of_1500_planted_numbers_a_form_is_found():
    found = list(rates(TEMPLATES, 1500, seed=0))
    assert {rate.form: rate.missed[:20] for rate in found if rate.share < LEAST} == {}


def ends_of_sentences(source: str) -> list[int]:
    """Where a sentence of prose ends and another begins, outside claim tags."""
    prose = re.sub(
        r"\\BLOCK\{claim .*?\\BLOCK\{endclaim\}", lambda span: "\0" * len(span[0]), source, flags=re.DOTALL
    )
    prose = NO_PROSE.sub(lambda span: "\0" * len(span[0]), prose)
    return [found.end() for found in re.finditer(r"(?<=[a-z]{3}\.)[ \n](?=[A-Z])", prose)]


@pytest.mark.parametrize("seed", range(3))
def test_planted_comparatives_are_found_at_their_line(seed):
    chance = random.Random(seed)
    sections = {name: text for name, text in TEMPLATES.items() if name.startswith("sections/")}
    places = [(name, at) for name, text in sections.items() for at in ends_of_sentences(text)]
    assert len(places) > 50
    environment = expressions()
    missed = []
    for sentence in PLANTED:
        name, at = chance.choice(places)
        planted = f"{TEMPLATES[name][:at]}{sentence} {TEMPLATES[name][at:]}"
        place = f"{name}:{planted.count(chr(10), 0, at) + 1}"
        proof = check_template(name, planted, environment=environment)
        if (("claim", place)) not in [(finding.kind, finding.place) for finding in proof.findings]:
            missed.append(f"{place}: {sentence}")
    assert len(missed) <= 2, missed
