"""What a paper may say of the experiments that it names after its main one."""

from __future__ import annotations

import pytest

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.analysis.tables import main_results
from paper_kit.core.plan import plan
from paper_kit.render.switches import switches
from tests.analysis.fabricated import experiment, fabricate, write_run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A study, one of the same images with other settings, and one that has not begun."""
    plans, store = fabricate(tmp_path_factory.mktemp("further"), images=140)
    longer, other = experiment(name="longer-runs", models=2), experiment(name="2nd", models=1)
    longer = longer.model_copy(update={"base": {**longer.base, "epochs": 7}, "title": "Longer training"})
    made = plan(longer)
    for spec in made.runs:
        write_run(store, spec, images=140)
    waits = {**other.base, "dataset": {"name": "synthetic_faces", "seed": 5}}
    return collect((*plans, made, plan(other.model_copy(update={"base": waits}))), store)


def test_every_further_experiment_has_facts_under_its_name(results):
    facts = collect_facts(results)
    assert facts["further.longer_runs.models"].text == "ResEmoteNet and AdvancedEmoteNet"
    accuracies = {
        model: results.measured(model, experiment="longer-runs").mean("accuracy")
        for model in ("resemotenet", "advanced_emotenet")
    }
    best = max(accuracies, key=accuracies.get)
    assert facts["further.longer_runs.best.model"].refers == best
    assert facts["further.longer_runs.best.accuracy"].value == accuracies[best]
    assert facts["further.longer_runs.best.accuracy"].key == f"results of longer-runs.{best}.accuracy"
    assert facts["further.longer_runs.best.accuracy"].chosen_of == 2
    assert facts["further.longer_runs.test"].value == 140
    assert facts["further.longer_runs.parameters"].text == "410 k and 410 k".replace(
        " k", "\N{NO-BREAK SPACE}k"
    )


def test_the_largest_effect_is_the_largest_of_that_experiment(results):
    facts = collect_facts(results)
    change = facts["further.longer_runs.largest_effect.change"]
    model, ablation = (
        facts[f"further.longer_runs.largest_effect.{what}"].refers for what in ("model", "ablation")
    )
    assert change.key == f"results of longer-runs.{model}.without.{ablation}.change"
    assert change.chosen_of == 8


def test_an_experiment_that_has_not_begun_tells_no_number(results):
    facts = collect_facts(results)
    for key in ("best.accuracy", "best.model", "largest_effect.change", "test"):
        assert facts[f"further.c2nd.{key}"].missing


def test_an_experiment_is_called_by_its_title_or_else_by_its_file(results):
    facts = collect_facts(results)
    assert facts["further.longer_runs.name"].text == "Longer training"
    assert facts["further.c2nd.name"].text == "2nd"
    table = main_results.make(results)
    assert any("Longer training" in str(row[0]) for row in table.rows)


def test_networks_of_two_experiments_on_the_same_images_can_be_compared(results):
    facts = collect_facts(results)
    judged = results.claims.judge(
        facts["results.best.accuracy"], ">", facts["further.longer_runs.best.accuracy"]
    )
    assert judged.comparison.images == 140


def test_templates_know_which_experiments_stand_on_the_same_images(results):
    known = switches(results)
    assert known["further_keys"] == ["longer_runs", "c2nd"]
    assert known["further_has"]["longer_runs"]["comparable"]
    assert not known["further_has"]["c2nd"]["comparable"]
    assert known["several_datasets"]
