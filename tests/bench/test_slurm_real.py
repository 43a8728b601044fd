"""The Slurm executor on a real Slurm of one node, which the test starts."""

import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from paper_kit.bench.executors import _slurm_watch, local, slurm
from paper_kit.bench.progress import Ended, Note, never
from paper_kit.core.slurm import log_of, submitted
from paper_kit.core.spec import Optim, Resources, RunSpec, Transfer
from paper_kit.core.store import RunState, Store
from tests.bench import slurm_cluster

ROOT = Path(__file__).resolve().parents[2]
SLURM = slurm_cluster.lacking()
OPTIONS = {"partition": "low", "time_min": 5, "array_size": 3}
LONG = 400  # epochs of some 20 ms: enough to be met at work

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(SLURM), reason=SLURM)]


def spec(dataset="patterns", **fields):
    settings = {"image_size": 16, "batch_size": 16, "epochs": 3, "optim": Optim(lr=1e-2), **fields}
    model = "tests.bench.tiny:build"
    return RunSpec(dataset=f"tests.bench.tiny:{dataset}", model=model, **settings)


def study():
    """A source run, two that start from it, and a long one."""
    source = spec("brightness", task="action_units")
    start = Transfer(source="run", run=source.id, unfreezing="all")
    return (
        spec(seed=5, epochs=LONG),
        spec(seed=1, transfer=start),
        spec(seed=2, transfer=start),
        source,
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm_cluster.slurm(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The runs' folder and what a run may use; jobs start in this folder and find the tests' plug-ins."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(_slurm_watch, "LOOK_S", 0.2)
    monkeypatch.setattr(_slurm_watch, "QUEUE_S", 1.0)
    return Store(tmp_path / "runs"), Resources(device="cpu", threads=1, cache=tmp_path / "data")


def arrays(store, run_id):
    with np.load(store.file(run_id, "predictions.npz")) as opened:
        return {name: opened[name] for name in opened.files}


@pytest.mark.usefixtures("cluster")
def test_a_study_through_slurm_equals_the_local_executors_though_a_job_was_requeued(place, tmp_path):
    (store, resources), runs = place, study()
    here, events = Store(tmp_path / "here"), []
    local.execute(runs, here, resources.model_copy(update={"jobs": 1}), lambda _: None, never, lambda: None)
    requeue = threading.Thread(target=requeued, args=(store, runs[0]))
    requeue.start()
    slurm.execute(runs, store, resources, events.append, never, lambda: None, **OPTIONS)
    requeue.join()
    ends = {event.run_id: event for event in events if isinstance(event, Ended)}
    assert {run_id: end.state for run_id, end in ends.items()} == {run.id: RunState.DONE for run in runs}
    for run in runs:
        ours, theirs = arrays(store, run.id), arrays(here, run.id)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert [row["epoch"] for row in store.history(runs[0].id)] == list(range(1, LONG + 1))
    started = log_of(store, submitted(store)[runs[0].id]).read_text()
    assert started.count("Starting with") == 2
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any("each after its source" in text for text in notes)


def requeued(store, run):
    """Nothing; the run's job was put back into the queue when it had finished some epochs."""
    slurm_cluster.until(lambda: len(store.history(run.id)) > 20, "some epochs", 120)
    job = submitted(store)[run.id]
    subprocess.run(["scontrol", "requeue", job], check=True)
