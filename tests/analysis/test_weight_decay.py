"""The table of parameters and weight decay, from searches that a Store holds."""

import pytest

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.analysis.searches import WEIGHT_DECAY, decays_beyond_noise, decays_searched
from paper_kit.analysis.tables.weight_decay import make
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord
from tests.analysis.fabricated import FINGERPRINT, fabricate

REACHED = {0.005: 0.512, 0.05: 0.523, 0.5: 0.471}


def a_search(kind="grid", reached=REACHED, own=0.05, **more):
    trials = tuple(
        TrialRow(
            number=number, params={WEIGHT_DECAY: value}, own=value == own,
            settings={} if value == own else {WEIGHT_DECAY: value},
            state="complete", value=accuracy, accuracy=accuracy, epochs=3, seconds=1.0,
        )
        for number, (value, accuracy) in enumerate(reached.items())
    )  # fmt: skip
    fields = {
        "kind": kind, "fields": (WEIGHT_DECAY,), "trials_planned": 3, "epochs": 3, "train_fraction": 0.3,
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
    assert decays_searched(results)
    assert decays_beyond_noise(results)


def test_a_search_gives_its_best_value_and_how_many_were_tried(study):
    found = {0.05: 0.5, 0.0123: 0.61, 0.2: 0.4}  # as trained: rounded in the settings
    table = make(study(a_search("search", found)))
    assert table.texts()[0] == ["ResEmoteNet", "0.41", "3", "0.05", "50.0", "0.0123", "61.0", "0.05"]


def test_a_search_for_another_recipe_or_other_images_does_not_count(study):
    assert not decays_searched(study(a_search(), image_size=64))
    assert not decays_searched(study(a_search(fingerprint="0" * 16)))
    assert not decays_searched(study(a_search(), models=1))
    assert decays_searched(study(a_search(), epochs=3, train_fraction=0.3))


def test_a_value_in_use_that_no_search_gave_is_not_said_to_be_beyond_noise(study):
    first_had = a_search(reached={0.1: 0.5, 0.05: 0.52}, own=0.1)
    assert not decays_beyond_noise(study(first_had))
    gained = a_search(reached={0.1: 0.5, 0.05: 0.62}, own=0.1)
    assert decays_beyond_noise(study(gained))


def test_without_a_search_the_values_in_use_stand_alone(study):
    results = study()
    assert make(results).texts()[0] == ["ResEmoteNet", "0.41", "0.05"]
    assert "paperkit tune" in make(results).notes[0]
    facts = {key: fact for key, fact in collect_facts(results).items() if key.startswith("tuning.")}
    assert facts
    assert all(fact.missing for fact in facts.values())
