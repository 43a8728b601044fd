"""Records of searches, joined and asked."""

from paper_kit.core.spec import RunSpec
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord, best_of


def a_search(*fields, trials=(), **more):
    values = {
        "kind": "search", "fields": fields, "trials_planned": 1, "epochs": 1, "train_fraction": 1.0,
        "seed": 0, "sampler_seed": 0, "select": "accuracy", "validation_images": 9, "trials": trials,
        "verdict": "kept", "command": "paperkit tune", "ended_at": "2026-01-02T03:04:05+00:00",
        "fingerprint": "f" * 16,
    }  # fmt: skip
    return SearchRecord(**(values | more))


def a_record(*searches, spec=None):
    full = (spec or RunSpec()).full()
    return TuningRecord(experiment="study", model="net", spec=full, parameters=9, searches=searches)


def a_row(number, value, state="complete", own=False):
    return TrialRow(number=number, params={}, settings={}, state=state, value=value, own=own)


def test_another_search_stands_beside_the_first_and_the_same_one_in_its_place():
    first, other, again = a_search("optim.lr"), a_search("augment"), a_search("optim.lr", verdict="changed")
    joined = a_record(again).joined(a_record(first, other))
    assert joined.searches == (other, again)
    smaller = a_search("optim.lr", epochs=5)
    assert a_record(smaller).joined(a_record(first)).searches == (first, smaller)


def test_searches_around_other_settings_are_not_joined():
    before = a_record(a_search("augment"), spec=RunSpec(epochs=3))
    now = a_record(a_search("optim.lr"))
    assert now.joined(before) == now
    assert now.joined(None) == now


def test_the_best_trial_is_a_finished_one_and_the_own_one_among_equals():
    rows = [a_row(0, 0.5, own=True), a_row(1, 0.5), a_row(2, 0.9, "pruned"), a_row(3, None, "failed")]
    assert best_of(rows) == rows[0]
    assert best_of([*rows, a_row(4, 0.6)]).number == 4
    assert best_of(rows[2:]) is None
