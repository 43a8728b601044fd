"""paperkit tune, with trainings that need no torch."""

import tomllib

import pytest

from paper_kit.bench import trial_crew, tuning
from paper_kit.core.store import Store
from tests.bench.unsynced import unsynced  # noqa: F401  (an automatic fixture)

GRID = ("tune", "study", "--grid", "optim.weight_decay=0.005,0.05", "--jobs", 1)


@pytest.fixture
def root(root, monkeypatch):
    """The tiny study, whose trials are made up."""
    monkeypatch.setattr(trial_crew, "RUN", "fake_trials:run_trial")
    monkeypatch.setattr(tuning, "open_datasets", lambda *_: None)
    return root


def test_tune_writes_an_experiment_a_record_and_one_line_in_the_log(root, paperkit):
    result = paperkit(*GRID, "--take-best", "--epochs", 1, "--model", "other")
    assert result.exit_code == 0, result.stderr
    assert "[2/2] Other, trial 1: done, 51.0 % on validation" in result.stderr
    assert f"Next: paperkit run-all {root / 'experiments' / 'study_tuned.toml'}" in result.stdout
    written = root / "experiments" / "study_tuned.toml"
    command = "paperkit tune study --model other --epochs 1 --grid optim.weight_decay=0.005,0.05 --take-best"
    assert written.read_text().startswith(f"# Tuned by: {command}\n")
    models = tomllib.loads(written.read_text())["model"]
    assert [model.get("set") for model in models] == [None, {"optim.weight_decay": 0.005}]
    (record,) = Store(root / "experiments" / "runs").tunings()
    assert (record.name, record.parameters, record.searches[0].command) == ("study-other", 10, command)
    assert [row.own for row in record.searches[0].trials] == [True, False]
    log = (root / "experiments" / "LOG.md").read_text()
    assert "changed on request" in log
    assert paperkit("plan", "study_tuned").exit_code == 0
    again = paperkit(*GRID, "--epochs", 1, "--model", "other")  # all is done: chosen anew, not logged twice
    assert (again.exit_code, again.stderr) == (0, "")
    assert "not better than noise: kept" in again.stdout
    assert "(its settings are those of the experiment)" in again.stdout
    assert (root / "experiments" / "LOG.md").read_text() == log


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "god"], "--model god: study has no model with this key. Did you mean 'good'?"),
        (
            ["--search", "lr"],
            "--search lr: this field cannot be searched. Known: augment, optim.lr, optim.weight_decay.",
        ),
        (["--grid", "optim.lr"], "--grid optim.lr: expected field=values"),
        (["--search", "augment"], "Nothing to search for Other"),
        (["--out", "experiments/study.toml"], "--out experiments/study.toml: this is the experiment itself"),
        (["--epochs", "30"], "--epochs 30: above the file's own 2"),
        (["--time-limit", "soon"], "expected a duration such as 9m"),
    ],
)
def test_a_mistake_is_told_before_anything_starts(paperkit, options, message):
    result = paperkit("tune", "study", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_where_the_own_settings_fail_the_code_is_one_and_nothing_is_written(root, paperkit):
    path = root / "experiments" / "study.toml"
    path.write_text(path.read_text().replace('part = "good"', 'part = "broken"'))
    result = paperkit(*GRID, "--model", "good")
    assert result.exit_code == 1
    assert "Good: the file's own settings fail: ValueError: the shapes do not fit" in result.stderr
    assert not (root / "experiments" / "study_tuned.toml").exists()


@pytest.mark.slow
def test_a_real_search_reads_no_test_image(tmp_path, monkeypatch, paperkit):
    """The decoded test images are taken away; learning rates of two networks are searched all the same."""
    from pathlib import Path

    from paper_kit.core.part import Part
    from paper_kit.data.cache import open_dataset

    experiments = tmp_path / "experiments"
    experiments.mkdir()
    (experiments / "real.toml").write_text(REAL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))
    dataset = open_dataset(Part(name="tests.bench.tiny:patterns"), {}, experiments / "data")
    for file in dataset.folder.glob("test_*.npy"):
        file.unlink()
    result = paperkit("tune", "real", "--trials", 4, "--jobs", 2, "--device", "cpu", "--take-best")
    assert result.exit_code == 0, result.stderr
    records = Store(experiments / "runs").tunings()
    assert [len(record.searches[0].trials) for record in records] == [4, 4]
    assert {record.searches[0].fingerprint for record in records} == {dataset.fingerprint}
    assert "Training the source runs first" in result.stderr
    assert len(Store(experiments / "runs").ids()) == 2  # the two source runs; a trial is no run
    assert records[0].searches[0].environment["threads"] >= 1
    assert "lr = 3e-3  # by hand" in (experiments / "real_tuned.toml").read_text()


REAL = """
question = "Does it work?"
[base]
dataset = { name = "tests.bench.tiny:patterns" }
image_size = 16
batch_size = 16
epochs = 3
augment = { flip = 0.5 }
transfer = { source = "run", freeze_epochs = 1 }
[base.optim]
lr = 3e-3  # by hand
[source]
dataset = "tests.bench.tiny:brightness"
set = { epochs = 1, batch_size = 16 }
[[model]]
key = "tiny"
label = "Tiny"
part = "tests.bench.tiny:build"
[[model]]
key = "plain"
label = "Plain"
part = "tests.bench.tiny:plain"
"""
