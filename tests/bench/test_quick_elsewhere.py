"""The quick study through Slurm and through Ray, by a user's commands, against the local executor.

It is made small: PAPERKIT_WHOLE=1 trains it as it is, which takes about ten minutes an executor on two cores.
"""

import importlib.util
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tomlkit

from paper_kit.core.plan import load_plans
from paper_kit.core.slurm import log_of, submitted
from paper_kit.core.store import RunState, Store
from tests.bench import slurm_cluster

ROOT = Path(__file__).resolve().parents[2]
SLURM = slurm_cluster.lacking()
NO_RAY = importlib.util.find_spec("ray") is None
WHOLE = os.environ.get("PAPERKIT_WHOLE") == "1"
MODELS = "resemotenet,advanced_emotenet,emotion_vit"  # with --only no costs are measured
EPOCHS = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000 if WHOLE else 900)]


def study(folder):
    """The plan of the quick study in a folder of its own."""
    tables = tomlkit.parse((ROOT / "experiments" / "quick.toml").read_text(encoding="utf-8"))
    if not WHOLE:
        tables["base"]["epochs"] = EPOCHS
        tables["base"]["dataset"]["train"] = 320
        tables["source"]["dataset"]["train"] = 320
        tables["source"]["set"]["epochs"] = 1
    file = folder / "experiments" / "quick.toml"
    file.parent.mkdir(parents=True)
    file.write_text(tomlkit.dumps(tables), encoding="utf-8")
    resources = '[resources.slurm]\npartition = "low"\ncpus = 1\ntime_min = 50\narray_size = 8\n'
    (folder / "paperkit.local.toml").write_text(resources, encoding="utf-8")
    (planned,) = load_plans((file,))
    return planned


def trained(folder, *arguments):
    """What `paperkit run-all` said; every run of the study was trained."""
    command = [sys.executable, "-c", "from paper_kit.cli import app; app()", "run-all", "quick"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    variables["PATH"] = f"{variables['PATH']}:/usr/sbin"
    options = ["--only", MODELS, "--threads", "1", "--jobs", "2", "--device", "cpu"]
    done = subprocess.run(
        [*command, *options, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def predictions(planned, store):
    """Run id -> name -> array."""
    found = {}
    for run in planned.runs:
        assert store.state(run) is RunState.DONE
        with np.load(store.file(run.id, "predictions.npz")) as opened:
            found[run.id] = {name: opened[name] for name in opened.files}
    return found


def check_equal(found, expected):
    assert found.keys() == expected.keys()
    for run_id, arrays in expected.items():
        assert arrays.keys() == found[run_id].keys()
        for name, array in arrays.items():
            assert np.array_equal(array, found[run_id][name]), (run_id, name)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The study's predictions as the local executor leaves them."""
    folder = tmp_path_factory.mktemp("here")
    planned = study(folder)
    trained(folder)
    return predictions(planned, Store(folder / "experiments" / "runs"))


def at_work(planned, store):
    """A run with an epoch behind it and two or more to go."""
    met = []

    def look():
        for run in planned.runs:
            if store.leased(run.id) and 1 <= len(store.history(run.id)) <= run.epochs - 2:
                met.append(run)
                return True
        return False

    slurm_cluster.until(look, "a run at work", 300)
    return met[0]


@pytest.mark.skipif(bool(SLURM), reason=SLURM)
def test_the_quick_study_through_slurm_equals_the_local_one_though_a_job_was_requeued(
    here, tmp_path, tmp_path_factory
):
    planned, store = study(tmp_path), Store(tmp_path / "experiments" / "runs")

    def requeue():
        run = at_work(planned, store)
        job = submitted(store)[run.id]
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True)
        return run

    with slurm_cluster.slurm(tmp_path_factory.mktemp("slurm")), ThreadPoolExecutor() as beside:
        requeued = beside.submit(requeue)
        trained(tmp_path, "--executor", "slurm")
        run = requeued.result()
        log = log_of(store, submitted(store)[run.id]).read_text()
    assert log.count("Starting with") == 2
    assert [row["epoch"] for row in store.history(run.id)] == list(range(1, run.epochs + 1))
    check_equal(predictions(planned, store), here)


@pytest.mark.skipif(NO_RAY, reason="needs Ray: pip install 'paper-kit[ray]'")
def test_the_quick_study_through_ray_equals_the_local_one_though_a_worker_was_killed(here, tmp_path):
    planned, store = study(tmp_path), Store(tmp_path / "experiments" / "runs")

    def kill():
        run = at_work(planned, store)
        owner = store.owner(run.id)
        os.kill(owner.pid, signal.SIGKILL)
        return run

    with ThreadPoolExecutor() as beside:
        killed = beside.submit(kill)
        said = trained(tmp_path, "--executor", "ray")
        run = killed.result()
    assert "lost its worker" in said
    assert [row["epoch"] for row in store.history(run.id)] == list(range(1, run.epochs + 1))
    check_equal(predictions(planned, store), here)
