"""Tables of what a setting's values reached on validation, from searches that a Store holds."""

import pytest

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.analysis.searches import beyond_noise, searched
from paper_kit.analysis.tables.search import make
from paper_kit.core.errors import InputError
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord
from tests.analysis.fabricated import FINGERPRINT, fabricate

WEIGHT_DECAY, RATE = "optim.weight_decay", "optim.lr"
REACHED = {0.005: 0.512, 0.05: 0.523, 0.5: 0.471}


def a_search(kind="grid", reached=REACHED, own=0.05, field=WEIGHT_DECAY, **more):
    trials = tuple(
        TrialRow(
            number=number, params={field: value}, own=value == own,
            settings={} if value == own else {field: value},
            state="complete", value=accuracy, accuracy=accuracy, epochs=3, seconds=1.0,
        )
        for number, (value, accuracy) in enumerate(reached.items())
    )  # fmt: skip
    fields = {
        "kind": kind, "fields": (field,), "trials_planned": 3, "epochs": 3, "train_fraction": 0.3,
        "seed": 0, "sampler_seed": 0, "select": "accuracy", "validation_images": 1000, "trials": trials,
        "noise": 0.031, "verdict": "kept", "command": "paperkit tune",
        "ended_at": "2026-01-02T03:04:05+00:00",
        "fingerprint": FINGERPRINT,
    }  # fmt: skip
    return SearchRecord(**(fields | more))


@pytest.fixture
def study(tmp_path):
    """A function: a search for each model -> the results that stand on them."""
    plans, store = fabricate(tmp_path, models=2, images=30)

    def results(*searches, models=2, **changes):
        for entry in plans[0].experiment.model[:models]:
            spec = next(row.reading.run for row in plans[0].rows if row.model_key == entry.key)
            told = spec.model_copy(update=changes).full()
            record = TuningRecord(
                experiment="tuned", model=entry.key, spec=told, parameters=9, searches=searches
            )
            store.write_tuning(record)
        return collect(plans, store)

    return results


def test_a_grid_has_a_column_for_each_value_and_the_best_is_bold(study):
    results = study(a_search())
    table = make(results)
    assert table.texts()[0] == ["", "", "0.005", "0.05", "0.5", ""]
    assert table.texts()[1] == ["ResEmoteNet", "0.41", "51.2", "52.3", "47.1", "0.05"]
    assert [cell.bold for cell in table.cells[1]] == [False, False, False, True, False, False]
    assert table.notes[0] == (
        "6 trainings of 3 epochs on 30 % of the training images, judged on 1,000 validation images; "
        "none read a test image."
    ).replace("30 %", "30\N{NO-BREAK SPACE}%")
    assert searched(results) == (WEIGHT_DECAY,)
    assert beyond_noise(results, WEIGHT_DECAY)


def test_a_search_gives_its_best_value_and_how_many_were_tried(study):
    found = {0.05: 0.5, 0.0123: 0.61, 0.2: 0.4}  # as trained: rounded in the settings
    table = make(study(a_search("search", found)))
    assert table.texts()[0] == ["ResEmoteNet", "0.41", "3", "0.05", "50.0", "0.0123", "61.0", "0.05"]


def test_a_search_for_another_recipe_or_other_images_does_not_count(study):
    assert not searched(study(a_search(), image_size=64))
    assert not searched(study(a_search(fingerprint="0" * 16)))
    assert not searched(study(a_search(), models=1))
    assert searched(study(a_search(), epochs=3, train_fraction=0.3))


def test_a_value_in_use_that_no_search_gave_is_not_said_to_be_beyond_noise(study):
    first_had = a_search(reached={0.1: 0.5, 0.05: 0.52}, own=0.1)
    assert not beyond_noise(study(first_had), WEIGHT_DECAY)
    gained = a_search(reached={0.1: 0.5, 0.05: 0.62}, own=0.1)
    assert beyond_noise(study(gained), WEIGHT_DECAY)


def test_without_a_search_the_values_in_use_stand_alone(study):
    results = study()
    assert make(results).texts()[0] == ["ResEmoteNet", "0.41", "0.05"]
    assert "paperkit tune" in make(results).notes[0]
    facts = {key: fact for key, fact in collect_facts(results).items() if key.startswith("tuning.")}
    assert facts
    assert all(fact.missing for fact in facts.values())


def test_a_learning_rate_has_a_table_of_its_own_and_no_trial_of_another_setting(study):
    rates = a_search(reached={0.001: 0.5, 0.002: 0.55}, own=0.001, field=RATE)
    results = study(a_search(), rates)
    assert searched(results) == (RATE, WEIGHT_DECAY)
    table = make(results, field=RATE)
    assert table.texts()[0][2:4] == ["0.001", "0.002"]
    assert table.texts()[1][2:4] == ["50.0", "55.0"]
    assert table.groups[1] == ("Accuracy (%) at a learning rate of", 2)
    facts = collect_facts(results)
    assert facts["tuning.lr.resemotenet.best_value"].value == 0.002
    assert facts["tuning.weight_decay.resemotenet.best_value"].value == 0.05


def test_a_setting_that_no_search_varies_is_refused_with_those_that_are(study):
    with pytest.raises(InputError, match="weight_decay"):
        make(study(), field="optim.weight_decai")
