"""What --set and --seeds write."""

import math
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_kit.core.derive import derive, to_toml
from paper_kit.core.errors import InputError
from paper_kit.core.experiment import load_experiment
from paper_kit.core.plan import plan

QUICK = Path(__file__).resolve().parents[2] / "experiments" / "quick.toml"

scalars = st.text(max_size=9) | st.integers(-(2**62), 2**62) | st.booleans() | st.floats(allow_nan=False)
keys = st.text('ab. é"', max_size=4)
values = (
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(keys, scalars | st.lists(scalars), max_size=3)
)
tables = st.dictionaries(keys, values, max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(keys, values | tables | st.lists(tables, min_size=1, max_size=3), max_size=4))
def test_what_is_written_reads_back_the_same(value):
    assert tomllib.loads(to_toml(value)) == value


def test_every_shipped_experiment_survives_being_written():
    for path in QUICK.parent.glob("*.toml"):
        value = tomllib.loads(path.read_text(encoding="utf-8"))
        assert tomllib.loads(to_toml(value)) == value


def test_a_setting_reaches_every_model_and_the_header_tells_the_command(tmp_path):
    path = derive(QUICK, ("epochs=2", "optim.lr=1e-2", "select=macro_f1"), "3,4", tmp_path)
    assert path == tmp_path / "quick-1.toml"
    assert "paperkit run-all quick --set epochs=2" in path.read_text().splitlines()[0]
    experiment = load_experiment(path)
    assert experiment.name == "quick-1"
    assert experiment.seeds == (3, 4)
    for run in plan(experiment).trainings:
        assert (run.epochs, run.select) == (2, "macro_f1")
        assert math.isclose(run.optim.lr, 0.01)


def test_a_setting_wins_over_what_a_model_sets(tmp_path):
    text = QUICK.read_text().replace(
        'label = "EmotionViT"', 'label = "EmotionViT"\nset = { "optim.lr" = 0.5 }'
    )
    (tmp_path / "own.toml").write_text(text)
    runs = plan(load_experiment(derive(tmp_path / "own.toml", ("optim.lr=0.01",), "", tmp_path))).trainings
    assert {run.optim.lr for run in runs} == {0.01}


def test_source_settings_change_the_source_runs_alone(tmp_path):
    planned = plan(load_experiment(derive(QUICK, ("source.epochs=1",), "", tmp_path)))
    assert {run.epochs for run in planned.sources} == {1}
    assert {run.epochs for run in planned.trainings} == {load_experiment(QUICK).base["epochs"]}


def test_the_same_command_gives_the_same_file(tmp_path):
    first = derive(QUICK, ("epochs=2",), "", tmp_path)
    assert derive(QUICK, ("epochs=2",), "", tmp_path) == first
    assert derive(QUICK, ("epochs=3",), "", tmp_path) == tmp_path / "quick-2.toml"


@pytest.mark.parametrize(
    ("given_settings", "seeds", "message"),
    [
        (("epocs=2",), "", "Did you mean 'epochs'"),
        (("epochs",), "", "expected key=value"),
        (("model.widht=4",), "", "unknown argument 'widht'"),
        ((), "a,b", "expected whole numbers"),
        (("epochs=0",), "", "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_told_and_leaves_no_file(tmp_path, given_settings, seeds, message):
    with pytest.raises(InputError, match=message):
        derive(QUICK, given_settings, seeds, tmp_path)
    assert not list(tmp_path.iterdir())
