"""The Slurm executor on a real Slurm of one node, which the test starts."""

import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from paper_kit.bench.executors import _slurm_watch, local, slurm
from paper_kit.bench.progress import Note, Progress, never
from paper_kit.core.slurm import ask_queue, cancel, in_queue, log_of, submitted
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
from tests.bench import slurm_cluster
from tests.bench.runs_elsewhere import LONG, a_small_run, a_small_study, arrays, ends

ROOT = Path(__file__).resolve().parents[2]
SLURM = slurm_cluster.lacking()
OPTIONS = {"partition": "low", "time_min": 5, "array_size": 3}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.skipif(bool(SLURM), reason=SLURM)]


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


@pytest.mark.usefixtures("cluster")
def test_a_study_through_slurm_equals_the_local_executors_though_jobs_were_requeued(place, tmp_path):
    (store, resources), runs = place, a_small_study()
    here, events, long = Store(tmp_path / "here"), [], runs[0]
    local.execute(runs, here, resources.model_copy(update={"jobs": 1}), lambda _: None, never, lambda: None)
    troubles = threading.Thread(target=disturb, args=(store, long, tmp_path))
    troubles.start()
    slurm.execute(runs, store, resources, events.append, never, lambda: None, **OPTIONS)
    troubles.join()
    assert ends(events) == {run.id: RunState.DONE for run in runs}
    for run in runs:
        ours, theirs = arrays(store, run.id), arrays(here, run.id)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert [row["epoch"] for row in store.history(long.id)] == list(range(1, LONG + 1))
    log = log_of(store, submitted(store)[long.id]).read_text()
    assert log.count("Starting with") == 3  # at first, after the pre-emption, after the warning of its time
    assert log.count(f": 0 of {LONG} epochs") == 1  # only the first began at the beginning
    assert any("each after its source" in event.text for event in events if isinstance(event, Note))


def disturb(store, run, folder):
    """Nothing; the run was pre-empted by a job of a higher partition, and later warned of its time."""
    slurm_cluster.until(lambda: len(store.history(run.id)) > 15, "some epochs", 120)
    urgent = ["sbatch", "--partition=high", "--exclusive", f"--output={folder / 'urgent'}", "--wrap=sleep 1"]
    subprocess.run(urgent, check=True, capture_output=True)
    reached = len(store.history(run.id))
    slurm_cluster.until(lambda: len(store.history(run.id)) > reached + 20, "more epochs", 120)
    job = submitted(store)[run.id]
    subprocess.run(["scancel", "--signal=USR2", job], check=True)


@pytest.mark.usefixtures("cluster")
def test_a_cancelled_run_keeps_its_checkpoint_and_who_waits_for_it_is_told(place):
    (store, resources), long, events = place, a_small_run(seed=7, epochs=100_000), []

    def report(event):
        events.append(event)
        if isinstance(event, Progress) and event.epoch > 5:
            cancel([submitted(store)[long.id]])

    slurm.execute([long], store, resources, report, never, lambda: None, **OPTIONS)
    assert ends(events) == {long.id: RunState.PARTIAL}
    assert store.file(long.id, "checkpoint.pt").is_file()
    assert not in_queue(store, ask_queue())
