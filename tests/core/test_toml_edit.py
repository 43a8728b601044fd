"""Fields set in an experiment file by a program."""

import difflib
import shutil
import tomllib
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.experiment import load_experiment
from paper_kit.core.toml_edit import edit_experiment

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SHIPPED = sorted(EXPERIMENTS.glob("*.toml"))


@pytest.fixture
def quick(tmp_path):
    return Path(shutil.copy(EXPERIMENTS / "quick.toml", tmp_path / "quick.toml"))


def lines_changed(before, after):
    found = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in found if line[0] in "+-" and line[2:].strip()]


def spec(path, key):
    experiment = load_experiment(path)
    return experiment.spec(next(model for model in experiment.model if model.key == key), 0, {})


def test_only_the_line_of_a_value_changes_and_its_comment_stays(quick):
    text = quick.read_text().replace("lr = 2e-3\nweight_decay", "lr = 2e-3  # by hand\nweight_decay")
    quick.write_text(text)
    assert edit_experiment(quick, base={"optim.lr": 0.004}) == quick
    assert lines_changed(text, quick.read_text()) == ["- lr = 2e-3  # by hand", "+ lr = 0.004  # by hand"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_new_fields_can_be_set_in_every_shipped_experiment(path, tmp_path):
    first, *others = (model.key for model in load_experiment(path).model)
    changes = {"precision": "bf16", "optim.beta2": 0.97}
    out = edit_experiment(path, base=changes, models={first: {"compile": True}}, out=tmp_path / path.name)
    assert (spec(out, first).precision, spec(out, first).optim.beta2) == ("bf16", 0.97)
    assert spec(out, first).compile
    assert not any(spec(out, other).compile for other in others)
    changed = lines_changed(path.read_text(), out.read_text())
    assert all(line.startswith("- set = {") for line in changed if line[0] == "-")
    assert comments(out) == comments(path)


def comments(path):
    return [line.partition("#")[2] for line in path.read_text().splitlines() if "#" in line]


def test_a_section_that_is_not_there_is_made(quick):
    head, _, tail = quick.read_text().partition("[base.schedule]")
    quick.write_text(head + tail[tail.index("[reading]") :])
    edit_experiment(quick, base={"schedule.floor": 0.1})
    assert tomllib.loads(quick.read_text())["base"]["schedule"] == {"floor": 0.1}


def test_an_argument_of_a_model_goes_into_its_part(quick):
    edit_experiment(quick, models={"emotion_vit": {"model.depth": 6, "optim.lr": 0.001}})
    found = spec(quick, "emotion_vit")
    assert (found.model.arguments["depth"], found.optim.lr) == (6, 0.001)
    assert 'set = {"optim.lr" = 0.001}' in quick.read_text()


def test_what_is_set_for_all_models_wins_over_what_one_sets(quick):
    edit_experiment(quick, models={"emotion_vit": {"optim.lr": 0.5, "epochs": 3}})
    edit_experiment(quick, base={"optim.lr": 0.25}, models={"resemotenet": {"optim.lr": 0.125}})
    keys = ("resemotenet", "advanced_emotenet", "emotion_vit")
    assert [spec(quick, key).optim.lr for key in keys] == [0.125, 0.25, 0.25]
    assert spec(quick, "emotion_vit").epochs == 3


def test_a_set_written_in_nested_tables_is_edited_where_it_stands(quick):
    text = quick.read_text().replace(
        'label = "EmotionViT"', 'label = "EmotionViT"\nset = { optim = { lr = 0.5 } }'
    )
    quick.write_text(text)
    edit_experiment(quick, models={"emotion_vit": {"optim.lr": 0.25}})
    assert "set = { optim = { lr = 0.25 } }" in quick.read_text()
    edit_experiment(quick, base={"optim.lr": 0.1})
    assert spec(quick, "emotion_vit").optim.lr == 0.1


def test_a_dataset_given_by_name_alone_takes_an_argument(quick):
    quick.write_text(
        quick.read_text().replace('dataset = { name = "synthetic_faces" }', 'dataset = "synthetic_faces"')
    )
    edit_experiment(quick, base={"dataset.train": 100})
    assert spec(quick, "resemotenet").dataset.arguments["train"] == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base": {"optim.rl": 1}}, "unknown key"),
        ({"base": {"precision": "int8"}}, "fp32"),
        ({"models": {"emotion_vti": {"compile": True}}}, "Did you mean 'emotion_vit'"),
        ({"models": {"emotion_vit": {"model.deep": 1}}}, "unknown argument 'deep'"),
    ],
)
def test_what_would_not_be_a_valid_experiment_is_not_written(quick, changes, message):
    before = quick.read_text()
    with pytest.raises(InputError, match=message):
        edit_experiment(quick, **changes)
    assert quick.read_text() == before
    assert [path.name for path in quick.parent.iterdir()] == ["quick.toml"]


def test_line_ends_of_windows_stay(quick):
    quick.write_bytes(quick.read_bytes().replace(b"\n", b"\r\n"))
    edit_experiment(quick, base={"epochs": 3})
    assert b"epochs = 3\r\n" in quick.read_bytes()
