"""The Ray executor on real Ray clusters of this machine, which the tests start."""

import importlib.util
import os
import signal
import socket
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from paper_kit.bench.executors import _ray_cluster, local
from paper_kit.bench.executors import ray as ray_executor
from paper_kit.bench.machine import cores
from paper_kit.bench.progress import Note, Progress, never
from paper_kit.core.files import read_json
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store
from tests.bench.runs_elsewhere import LONG, a_small_run, a_small_study, arrays, ends

ROOT = Path(__file__).resolve().parents[2]

NO_RAY = importlib.util.find_spec("ray") is None  # not imported: it reads then how it is to be closed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(NO_RAY, reason="needs Ray: pip install 'paper-kit[ray]'"),
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The runs' folder and what a run may use; workers find the tests' plug-ins and save every epoch."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(ray_executor, "RUN", "tests.bench.saving_engine:run_one")
    return Store(tmp_path / "runs"), Resources(device="cpu", threads=1, cache=tmp_path / "data")


@pytest.mark.parametrize(
    ("shared", "number"), [(True, signal.SIGKILL), (False, signal.SIGKILL), (True, signal.SIGTERM)]
)
def test_a_study_in_two_ray_workers_equals_the_local_executors_though_one_was_killed(
    place, tmp_path, shared, number
):
    (store, resources), runs, events = place, a_small_study(), []
    long = runs[0]
    killing = threading.Thread(target=kill, args=(store, long, number))
    killing.start()
    options = {"shared": shared, "scratch": str(tmp_path / "node")}
    execute(runs, store, resources, events, **options)
    killing.join()
    assert ends(events) == {run.id: RunState.DONE for run in runs}
    assert any("lost its worker" in event.text for event in events if isinstance(event, Note))
    check_equal(runs, store, resources, tmp_path / "here")
    assert not any(store.leased(run.id) for run in runs)
    assert not any(store.file(run.id, "checkpoint.pt").exists() for run in runs)
    log = (store.root / "logs" / f"ray-{long.id}.log").read_text()
    assert log.count(f": 0 of {LONG} epochs") == 1  # the second worker did not begin at the beginning
    left = list((tmp_path / "node").glob("*/run-*"))
    assert len(left) == (0 if shared else 1)  # of the worker that was killed


def kill(store, run, number):
    """Nothing; the worker that has the run got the signal once some epochs were saved."""
    until(lambda: store.file(run.id, "checkpoint.pt").is_file() and len(store.history(run.id)) > 20)
    os.kill(worker(run), number)


def worker(run):
    """The process that prints into the run's log."""
    for process in Path("/proc").iterdir():
        try:
            if (process / "fd" / "1").readlink().name == f"ray-{run.id}.log":
                return int(process.name)
        except OSError:
            continue
    raise AssertionError("no worker has the run")


def check_equal(runs, store, resources, folder):
    """Nothing; the local executor predicts the same, bit for bit, and no epoch is there twice."""
    here = Store(folder)
    local.execute(runs, here, resources.model_copy(update={"jobs": 1}), lambda _: None, never, lambda: None)
    for run in runs:
        ours, theirs = arrays(store, run.id), arrays(here, run.id)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
        assert [row["epoch"] for row in store.history(run.id)] == list(range(1, run.epochs + 1))


def test_a_run_whose_node_is_gone_goes_on_at_another_from_what_was_fetched_of_it(place, tmp_path):
    (store, resources), events = place, []
    runs = [a_small_run(seed=seed, epochs=LONG) for seed in (7, 8)]
    with two_nodes() as (cluster, second):

        def lose():
            for run in runs:
                until(lambda run=run: store.file(run.id, "checkpoint.pt").is_file())
            cluster.remove_node(second, allow_graceful=False)

        losing = threading.Thread(target=lose)
        losing.start()
        options = {"shared": False, "scratch": str(tmp_path / "node"), "address": cluster.address}
        execute(runs, store, resources, events, **options)
        losing.join()
    assert ends(events) == {run.id: RunState.DONE for run in runs}
    (told,) = [event.text for event in events if isinstance(event, Note) and "lost its worker" in event.text]
    assert sum(run.id in told for run in runs) == 1
    check_equal(runs, store, resources, tmp_path / "here")
    logs = [(store.root / "logs" / f"ray-{run.id}.log").read_text() for run in runs]
    assert [log.count(f": 0 of {LONG} epochs") for log in logs] == [1, 1]


@contextmanager
def two_nodes():
    """A cluster of two nodes with a core each, and the node that is not its head."""
    with _ray_cluster._settings(_ray_cluster._silent() | _ray_cluster._closed()):
        from ray.cluster_utils import Cluster

        with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as short:  # of socket names
            cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "temp_dir": short})
            try:
                yield cluster, cluster.add_node(num_cpus=1)
            finally:
                cluster.shutdown()


def test_who_stops_leaves_runs_that_can_be_resumed_within_seconds(place):
    (store, resources), events = place, []
    runs = [a_small_run(seed=seed, epochs=100_000) for seed in range(cores() + 1)]
    asked = []

    def should_stop():
        far = [event for event in events if isinstance(event, Progress) and event.epoch > 5]
        if len({event.run_id for event in far}) == cores() and not asked:
            asked.append(time.monotonic())
        return bool(asked)

    execute(runs, store, resources, events, should_stop)
    assert time.monotonic() - asked[0] < 20
    states = sorted(store.state(run) for run in runs)
    assert states == [RunState.MISSING] + [RunState.PARTIAL] * cores()
    begun = [run for run in runs if store.state(run) is RunState.PARTIAL]
    assert ends(events) == {run.id: RunState.PARTIAL for run in begun}
    assert all(store.file(run.id, "checkpoint.pt").is_file() for run in begun)


def test_a_run_whose_workers_all_die_fails_with_what_to_type_and_the_others_go_on(place, monkeypatch):
    (store, resources), events = place, []
    monkeypatch.setattr(ray_executor, "RUN", "tests.bench.fake_engine:run_one")
    killed, good = RunSpec(model={"name": "killed"}, epochs=2), RunSpec(model={"name": "good"}, epochs=2)
    later = RunSpec(model={"name": "good"}, transfer={"source": "run", "run": killed.id})
    execute([killed, good, later], store, resources, events, retries=1)
    assert ends(events) == {killed.id: "failed", good.id: "done", later.id: "blocked"}
    assert "its worker died 2 times" in store.reason(killed.id)
    assert "memory_gb in [resources.ray]" in store.reason(killed.id)
    assert store.state(later) is RunState.BLOCKED


def test_runs_share_a_gpu_by_parts_and_each_frees_its_memory_by_leaving(place, monkeypatch):
    (store, _), events = place, []
    monkeypatch.setattr(ray_executor, "RUN", "tests.bench.fake_engine:run_one")
    monkeypatch.setattr(ray_executor, "usable_gpus", lambda _: ("0",))  # one to Ray, for which it is a number
    runs = [RunSpec(model={"name": "slow"}, seed=seed, epochs=10) for seed in range(3)]
    execute(runs, store, Resources(), events, gpus=0.5)
    assert set(ends(events).values()) == {RunState.DONE}
    seen = [read_json(store.file(run.id, "seen.json")) for run in runs]
    assert [found["gpu"] for found in seen] == ["0"] * 3
    assert [found["device"] for found in seen] == ["auto"] * 3
    assert len({found["pid"] for found in seen}) == 3


def test_a_cluster_of_our_own_listens_on_loopback_only_and_leaves_nothing_behind():
    before = set(Path("/tmp").glob(f"{_ray_cluster.PREFIX}*"))
    handler = signal.getsignal(signal.SIGTERM)
    with _ray_cluster.cluster("", gpus=0) as ray:
        host, _, port = ray.get_runtime_context().gcs_address.partition(":")
        assert host == "127.0.0.1"
        socket.create_connection(("127.0.0.1", int(port))).close()
        with pytest.raises(ConnectionRefusedError):  # who listens everywhere listens there, too
            socket.create_connection(("127.0.0.2", int(port)))
        (new,) = set(Path("/tmp").glob(f"{_ray_cluster.PREFIX}*")) - before
        assert new.stat().st_mode & 0o077 == 0
        assert signal.getsignal(signal.SIGTERM) is handler
    assert set(Path("/tmp").glob(f"{_ray_cluster.PREFIX}*")) == before
    assert "RAY_AUTH_TOKEN" not in os.environ


def execute(runs, store, resources, events, should_stop=never, **options):
    ray_executor.execute(runs, store, resources, events.append, should_stop, lambda: None, **options)


def until(true, seconds=120):
    """Nothing, once `true()` is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
