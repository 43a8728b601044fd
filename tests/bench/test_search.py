"""The trials of one search, in Optuna's storage."""

import sys
from dataclasses import replace

import pytest

from paper_kit.bench.search import Question, Search
from paper_kit.bench.space import FIELDS, LR, WEIGHT_DECAY, Budget
from paper_kit.bench.trial import Outcome
from paper_kit.core.errors import InputError
from paper_kit.core.spec import Augment, RunSpec
from tests.bench.unsynced import unsynced  # noqa: F401  (an automatic fixture)

SPEC = RunSpec(model={"name": "good"}, augment=Augment(rotate_p=0.3), epochs=6)
QUESTION = Question("study", "good", "Good", SPEC, FIELDS, {}, Budget(), trials=6, seed=0)
GRID = replace(QUESTION, grid={WEIGHT_DECAY: (0.005, 0.05, 0.5)})
LASTING = {"parameters": 10, "validation_images": 400, "fingerprint": "f" * 16}


def done(value, state="complete", **more):
    return Outcome(state=state, value=value, accuracy=value, epochs=6, seconds=1.0, **LASTING, **more)


@pytest.fixture
def opened(tmp_path):
    """A function: question -> its search, closed at the end."""
    searches = []

    def search(question=QUESTION):
        searches.append(Search(question, tmp_path / "tuning" / "study-good.db"))
        return searches[-1]

    yield search
    for each in searches:
        each.close()


def test_the_files_own_settings_come_first_and_each_trial_is_another(opened):
    search = opened()
    specs = []
    while (found := search.next()) is not None:
        specs.append(found[1])
        search.end(found[0], done(0.5))
    assert specs[0] == SPEC
    assert len({spec.id for spec in specs}) == len(specs) == 6
    assert search.complete
    first, *others = search.rows()
    assert first.own
    assert first.settings == {}
    assert not any(row.own for row in others)
    assert all(LR in row.settings for row in others)


def test_a_grid_tries_each_value_once_and_the_own_one_first(opened):
    search = opened(GRID)
    tried = []
    while (found := search.next()) is not None:
        tried.append(found[1].optim.weight_decay)
        assert not search.prunes(found[0], 5, 0.0)
        search.end(found[0], done(0.5))
    assert tried == [0.05, 0.005, 0.5]


def test_a_second_call_goes_on_and_draws_other_numbers(opened):
    first = opened()
    for _ in range(3):
        first.end(first.next()[0], done(0.5))
    first.close()
    second = opened()
    assert second.begun == 3
    while (found := second.next()) is not None:
        second.end(found[0], done(0.5))
    rates = [row.params[LR] for row in second.rows()]
    assert len(set(rates)) == len(rates) == 6


def test_more_trials_can_be_asked_for_later(opened):
    first = opened(replace(QUESTION, trials=2))
    for _ in range(2):
        first.end(first.next()[0], done(0.5))
    assert first.next() is None
    assert opened(replace(QUESTION, trials=3)).next() is not None


def test_what_a_dead_process_left_at_work_is_tried_again_with_the_same_settings(opened):
    first = opened()
    first.end(first.next()[0], done(0.5))
    _, spec = first.next()
    second = opened()
    assert second.next()[1] == spec


def test_the_own_settings_are_tried_again_where_the_first_process_died_in_them(opened):
    assert opened().next()[1] == SPEC
    second = opened()
    number, spec = second.next()
    second.end(number, done(0.5))
    assert spec == SPEC
    assert [row.own for row in second.rows()] == [True]


def test_a_stopped_trial_waits_and_a_killed_one_is_tried_once_more(opened):
    search = opened()
    search.end(search.next()[0], done(0.5))
    number, spec = search.next()
    search.end(number, done(None, "stopped"))
    number, again = search.next()
    assert again == spec
    search.end(number, done(None, "killed", reason="out of memory"))
    number, again = search.next()
    assert again == spec
    search.end(number, done(None, "killed", reason="out of memory"))
    assert search.next()[1] != spec
    assert [row.state for row in search.rows()] == ["complete", "failed", "failed"]


def test_a_trial_below_the_others_is_ended_early_but_never_the_own_one(opened):
    search = opened(replace(QUESTION, trials=9))
    for place in range(5):
        number, _ = search.next()
        for epoch in range(1, 6):
            assert not search.prunes(number, epoch, 0.5 + 0.01 * place)
        search.end(number, done(0.5 + 0.01 * place))
    number, _ = search.next()
    assert not search.prunes(number, 1, 0.1)
    assert search.prunes(number, 3, 0.1)
    search.end(number, done(0.1, "pruned"))
    assert search.begun == 6
    own = opened(replace(QUESTION, budget=Budget(4)))
    number, _ = own.next()
    assert not own.prunes(number, 3, 0.0)


def test_a_diverged_trial_counts_and_failures_end_the_search(opened):
    search = opened()
    search.end(search.next()[0], done(0.5))
    search.end(search.next()[0], Outcome(state="diverged", reason="Epoch 1: no finite number"))
    assert search.begun == 2
    for _ in range(3):
        assert not search.broken
        search.end(search.next()[0], Outcome(state="failed", reason="no space left"))
    assert search.broken == "3 trials failed; the last: no space left"
    assert search.next() is None


def test_where_the_own_settings_fail_nothing_else_is_tried(opened):
    search = opened()
    search.end(search.next()[0], Outcome(state="failed", reason="the shapes do not fit"))
    assert search.next() is None
    assert search.broken == "the file's own settings fail: the shapes do not fit"
    assert opened().next()[1] == SPEC


def test_without_optuna_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'paper-kit\[tune\]'"):
        Search(QUESTION, tmp_path / "a.db")
