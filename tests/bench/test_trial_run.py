"""One trial: the same training as a run's, judged on validation, with the test images never opened."""

from pathlib import Path

import pytest

from paper_kit.bench.run import run_one
from paper_kit.bench.trial import Task
from paper_kit.bench.trial_run import run_trial
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Optim, Resources, RunSpec
from paper_kit.core.store import Store
from paper_kit.data.cache import open_dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def resources(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    return Resources(device="cpu", threads=1, cache=tmp_path / "data")


@pytest.fixture
def spec(resources):
    """A tiny training whose decoded data have lost their test images."""
    dataset = complete("dataset", Part(name="tests.bench.tiny:patterns"))
    model = complete("model", Part(name="tests.bench.tiny:build"))
    asked = RunSpec(
        dataset=dataset, model=model, image_size=16, batch_size=16, epochs=3, optim=Optim(lr=1e-2)
    )
    for file in open_dataset(dataset, {}, resources.cache).folder.glob("test_*.npy"):
        file.unlink()
    return asked


def tried(spec, tmp_path, resources, judge=lambda *_: "go", watch=lambda _: None):
    return run_trial(Task(spec, tmp_path / "trial"), Store(tmp_path / "runs"), resources, judge, watch)


def test_a_trial_never_opens_the_test_images_and_leaves_nothing(spec, tmp_path, resources):
    asked, seen = [], []
    outcome = tried(spec, tmp_path, resources, lambda *said: asked.append(said) or "go", seen.append)
    assert outcome.state == "complete"
    assert [epoch for epoch, _ in asked] == [1, 2]  # after the last there is nothing to decide
    assert outcome.value == outcome.accuracy >= max(value for _, value in asked)
    assert (outcome.epochs, outcome.validation_images) == (3, 32)
    assert len(outcome.fingerprint) == 16
    assert {one.run_id for one in seen} == {spec.id}
    assert not (tmp_path / "trial").exists()
    assert not (tmp_path / "runs").exists()


def test_a_run_of_the_same_spec_cannot_do_without_them(spec, tmp_path, resources):
    store = Store(tmp_path / "runs")
    run_one(spec, store, resources)
    assert "test_images.npy" in store.reason(spec.id)


def test_a_trial_is_the_training_that_a_run_would_be(spec, tmp_path, resources):
    asked = []
    tried(spec, tmp_path, resources, lambda *said: asked.append(said) or "go")
    store = Store(tmp_path / "runs")
    run_one(spec, store, resources)  # its training is whole before it misses the test images
    assert [row["validation_accuracy"] for row in store.history(spec.id)][:2] == [value for _, value in asked]


def test_a_stopped_trial_goes_on_where_it_was_and_a_pruned_one_is_gone(spec, tmp_path, resources):
    whole = tried(spec, tmp_path, resources)
    stopped = tried(spec, tmp_path, resources, lambda epoch, _: "stop" if epoch == 2 else "go")
    assert (stopped.state, stopped.epochs) == ("stopped", 2)
    asked = []
    resumed = tried(spec, tmp_path, resources, lambda *said: asked.append(said) or "go")
    assert [epoch for epoch, _ in asked] == [1, 2]  # told again, for the pruner; trained once
    assert (resumed.state, resumed.value, resumed.epochs) == ("complete", whole.value, 3)
    pruned = tried(spec, tmp_path, resources, lambda *_: "prune")
    assert (pruned.state, pruned.epochs) == ("pruned", 1)
    assert not (tmp_path / "trial").exists()


def test_a_trial_that_leaves_the_finite_numbers_has_diverged(spec, tmp_path, resources):
    wild = spec.model_copy(update={"optim": Optim(lr=1e30)})
    outcome = tried(wild, tmp_path, resources)
    assert outcome.state == "diverged"
    assert "no longer a finite number" in outcome.reason
