"""A search of several models in worker processes, with trainings that need no torch."""

from pathlib import Path

import pytest

from paper_kit.bench import trial_crew, tuning
from paper_kit.bench.progress import Ended, never
from paper_kit.bench.space import WEIGHT_DECAY, Budget
from paper_kit.bench.tuning import Place, questions, searching, tune
from paper_kit.core.errors import InputError
from paper_kit.core.experiment import Experiment
from paper_kit.core.plan import plan
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
from tests.bench.unsynced import unsynced  # noqa: F401  (an automatic fixture)

GRID = {WEIGHT_DECAY: (0.005, 0.05, 0.5)}
PLUGIN = '''"""A net."""


def build(num_classes, *, image_size=48, channels=1): ...
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(trial_crew, "RUN", "fake_trials:run_trial")
    monkeypatch.setattr(tuning, "open_datasets", lambda *_: None)
    (tmp_path / "plugins" / "model").mkdir(parents=True)
    (tmp_path / "experiments").mkdir()
    for name in ("good", "killed", "broken"):
        (tmp_path / "plugins" / "model" / f"{name}.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    resources = Resources(device="cpu", jobs=2, cache=tmp_path / "data")
    return Place(Store(tmp_path / "runs"), tmp_path / "tuning", resources)


def a_plan(*models):
    entries = [{"key": name, "label": name.title(), "part": name} for name in models]
    value = {"name": "study", "question": "?", "model": entries, "base": {"epochs": 3}}
    return plan(Experiment.model_validate(value))


def asked(*models, only=(), grid=GRID):
    return questions(a_plan(*models), only, (WEIGHT_DECAY,), grid, Budget(), 4, 0)


def test_models_are_searched_in_turn_and_a_killed_trial_is_tried_again(place):
    heard = []
    with searching(asked("good", "killed", "broken"), place) as searches:
        tune(searches, place, heard.append, never)
        good, killed, broken = searches
        for search in (good, killed):
            assert search.complete
            done = [row for row in search.rows() if row.state == "complete"]
            assert sorted(row.params[WEIGHT_DECAY] for row in done) == [0.005, 0.05, 0.5]
            assert max(done, key=lambda row: row.value).params == {WEIGHT_DECAY: 0.005}
        assert broken.broken == "the file's own settings fail: ValueError: the shapes do not fit"
        assert "memory ran out" in next(row.reason for row in killed.rows() if row.state == "failed")
    ended = [event for event in heard if isinstance(event, Ended)]
    order = [event.run_id for event in ended]  # which worker is the faster is left to the machine
    assert all(order.index(f"{model}, trial 0") < len(order) - 2 for model in ("Good", "Killed", "Broken"))
    assert [event.state for event in ended].count(RunState.DONE) == 6
    assert not list((place.folder / "at_work").glob("*/*"))


def test_a_stop_lets_go_and_the_next_call_ends_what_is_left(place):
    calls = []
    with searching(asked("good"), place) as (search,):
        tune((search,), place, lambda _: None, lambda: bool(calls.append(1)) or len(calls) > 2)
        assert not search.complete
        assert search.rows() == ()
    with searching(asked("good"), place) as (search,):
        tune((search,), place, lambda _: None, never)
        assert search.complete
        assert len(search.rows()) == 3


def test_two_searches_of_one_model_do_not_write_to_one_storage(place):
    with (
        searching(asked("good"), place),
        pytest.raises(InputError, match="another `paperkit tune` works on it"),
        searching(asked("good"), place),
    ):
        pass


def test_a_model_that_is_not_there_and_a_search_of_nothing_are_refused(place):
    del place
    with pytest.raises(InputError, match=r"--model god: study has no model .* Did you mean 'good'"):
        asked("good", only=("god",))
    with pytest.raises(InputError, match="Nothing to search for Good"):
        questions(a_plan("good"), (), ("augment",), {}, Budget(), 4, 0)
