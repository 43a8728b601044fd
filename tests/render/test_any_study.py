"""The shipped text reads right for studies other than the shipped ones."""

import re

import pytest

from paper_kit.analysis.results import collect
from paper_kit.core.experiment import Experiment
from paper_kit.core.part import Part
from paper_kit.core.plan import plan
from paper_kit.core.store import Store
from paper_kit.render.proof.topics import cited_keys
from tests.analysis.fabricated import CLASSES, cost, experiment, write_run
from tests.render.stories import printed
from tests.render.test_stories import words

PLURALS = re.compile(
    r"(?i)one architectures|each network|all networks|networks are|the networks\b|by network"
)


def told(root, study: Experiment):
    """The manuscript of a study with made-up runs."""
    plans, store = (plan(study),), Store(root)
    for spec in plans[0].runs:
        write_run(store, spec, images=140)
    for place, entry in enumerate(study.model):
        spec = next(row.reading.run for row in plans[0].rows if row.model_key == entry.key)
        store.write_cost(cost(spec, place % 3, len(CLASSES)))
    return printed(collect(plans, store))


def body(made) -> str:
    """The words before the references."""
    return words(made).partition("\\bibliographystyle")[0].replace(" ,", ",").replace(" .", ".")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One model, no ablation."""
    study = experiment()
    study = study.model_copy(update={"model": study.model[2:], "ablation": ()})
    return told(tmp_path_factory.mktemp("alone"), study)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Five models, two of them built like others and named by the user."""
    study = experiment()
    first, _, third = study.model
    own = (
        first.model_copy(update={"key": "wide", "label": "WideNet", "set": {"optim.lr": 0.002}}),
        third.model_copy(update={"key": "mine", "label": "MyViT", "set": {"optim.lr": 0.003}}),
    )
    return told(tmp_path_factory.mktemp("many"), study.model_copy(update={"model": (*study.model, *own)}))


def test_one_model_is_spoken_of_in_the_singular(alone):
    text = body(alone)
    assert "one architecture, EmotionViT, is trained" in text
    ours = text.partition("section Related Work")[0] + text.partition("section Methodology")[2]
    assert PLURALS.findall(ours) == []


def test_without_ablations_nothing_is_said_of_them(alone):
    text = words(alone)
    told_of = [
        word
        for word in ("ablation", "are then removed or replaced", "took the recipe apart")
        if word in body(alone)
    ]
    assert told_of == []
    assert "tab:ablation" not in text


def test_every_reference_of_a_small_study_has_its_label(alone):
    labels = set(re.findall(r"\\label\{([^}]*)\}", alone.tex))
    assert set(re.findall(r"\\(?:eq)?ref\{([^}]*)\}", alone.tex)) <= labels


def test_every_float_is_referred_to(alone, many):
    for made in (alone, many):
        floats = set(re.findall(r"\\label\{((?:tab|fig|alg):[^}]*)\}", made.tex))
        named = set(re.findall(r"\\ref\{([^}]*)\}", made.tex))
        assert floats - named <= {"alg:tta"}


def test_numbered_equations_are_referred_to(many):
    numbered = set(re.findall(r"\\label\{(eq:[^}]*)\}", many.tex))
    assert numbered == set(re.findall(r"\\eqref\{([^}]*)\}", many.tex))


def test_a_users_model_gets_its_own_paragraph_and_the_author_is_asked_for_it(many):
    text = body(many)
    assert "five architectures" in text
    for name in ("WideNet", "MyViT"):
        assert f"subsubsection {name}" in text
        assert f"{name} is built of the stages" in text
    assert text.count("EmotionViT is a Vision Transformer") == 1


def test_a_model_under_another_name_is_described_as_what_it_is(tmp_path):
    study = experiment()
    renamed = study.model[2].model_copy(update={"key": "ours", "label": "OurNet"})
    text = body(told(tmp_path, study.model_copy(update={"model": (study.model[0], renamed)})))
    assert "OurNet is a Vision Transformer" in text
    assert "two architectures" in text


def test_a_small_study_cites_as_many_works_as_are_asked_for(alone):
    assert len(cited_keys(alone.tex)) >= 40


def test_a_study_without_transfer_or_ablations_says_nothing_of_their_parts(alone):
    text = words(alone)
    ours = text.partition("section Methodology")[2]
    for word in ("unfreez", "unfrozen", "source task", "An ablation differs", "McNemar's mid-p"):
        assert word not in ours, word
    assert "A single seed bounds what these numbers say" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depth": 4}, "There follow 4 encoder blocks with 3 heads each"),
        ({"backbone": "deit_tiny_patch16_224"}, "There follow the encoder blocks of"),
        (
            {"backbone": "deit_tiny_patch16_224", "backbone_depth": 6},
            "There follow the first 6 encoder blocks of",
        ),
    ],
)
def test_the_encoder_blocks_are_those_of_the_network(tmp_path, options, said):
    study = experiment()
    entry = study.model[2]
    entry = entry.model_copy(update={"part": Part(name="emotion_vit", arguments=options)})
    assert said in body(told(tmp_path, study.model_copy(update={"model": (entry,), "ablation": ()})))
