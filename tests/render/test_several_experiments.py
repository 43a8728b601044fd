"""The shipped text of a paper with several experiments: baselines, another dataset, one model taken apart."""

from __future__ import annotations

import re

import pytest

from paper_kit.analysis.results import collect
from paper_kit.core.experiment import AblationEntry
from paper_kit.core.plan import plan
from tests.analysis.fabricated import CLASSES, cost, experiment, fabricate, write_run
from tests.render.stories import printed
from tests.render.test_any_study import body


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three models, two baselines on the same images with three seeds less, FER+ and a study of one model."""
    plans, store = fabricate(tmp_path_factory.mktemp("several"), images=140)
    small = experiment(name="fer_baselines", models=2)
    small = small.model_copy(
        update={
            "base": {**small.base, "epochs": 7},
            "ablation": (),
            "question": "What do published networks reach by this protocol?",
            "model": tuple(
                entry.model_copy(update={"key": f"small_{n}", "label": f"SmallNet{n}"})
                for n, entry in enumerate(small.model)
            ),
        }
    )
    other = experiment(name="other_labels")
    other = other.model_copy(
        update={"base": {**other.base, "dataset": {"name": "synthetic_faces", "seed": 5}}}
    )
    apart = experiment(name="one_model", models=1)
    entries = tuple(
        AblationEntry(key=f"less_{n}", label=f"lr times {n}", set={"optim.lr": 1e-3 * n}) for n in range(2, 9)
    )
    apart = apart.model_copy(update={"ablation": entries})
    more = tuple(map(plan, (small, other, apart)))
    for spec in dict.fromkeys(spec.id for each in more for spec in each.runs):
        found = next(one for each in more for one in each.runs if one.id == spec)
        if store.state(found).name != "DONE":
            write_run(store, found, images=140)
    for place, entry in enumerate(small.model):
        spec = next(row.reading.run for row in more[0].rows if row.model_key == entry.key)
        store.write_cost(cost(spec, place, len(CLASSES)))
    return printed(collect((*plans, *more), store))


def test_every_experiment_has_a_paragraph_with_its_question_and_networks(made):
    text = body(made)
    assert "subsection Further studies" in text
    asked = "What do published networks reach by this protocol?"
    assert f"{asked} This study trains SmallNet0 and SmallNet1 (parameters:" in text
    for name in ("fer\\_baselines", "other\\_labels", "one\\_model"):
        assert f"emph {name}." in text


def test_networks_on_the_same_images_are_compared_with_the_best_of_the_main_study(made):
    assert body(made).count("On these test images, which are those of the main study") == 2
    sides = {one.comparison.name.partition(" - ")[2].partition(".")[0] for one in made.claims}
    assert {"results of fer_baselines", "results of one_model"} <= sides


def test_one_model_with_many_ablations_has_a_row_for_each(made):
    table = next(t for name, t in made.tables.items() if "ablation" in name and len(t.rows) == 8)
    assert table.headers() == ["Recipe", "Accuracy (%)", "Change (points)", "Corrected p"]
    assert [row[0] for row in table.texts()] == ["Base", *(f"lr times {n}" for n in range(2, 9))]


def test_every_reference_has_its_label_and_every_float_is_referred_to(made):
    labels = set(re.findall(r"\\label\{([^}]*)\}", made.tex))
    named = set(re.findall(r"\\(?:eq)?ref\{([^}]*)\}", made.tex))
    assert named <= labels
    floats = {label for label in labels if label.startswith(("tab:", "fig:", "alg:"))}
    assert floats - named <= {"alg:tta"}
    assert len(labels) == len(re.findall(r"\\label\{", made.tex)), "a label stands twice"


def test_two_datasets_share_a_wide_table_and_the_audits_name_the_experiment(made):
    assert "Test results of the full recipes" in body(made)
    assert re.search(r"\(other\\_labels\)", made.tex)
