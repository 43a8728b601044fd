"""Four run-all on one store, one killed, one stopped for longer than a lease and continued."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from paper_kit.core.files import sha256_file
from paper_kit.core.owner import PERIOD_VARIABLE
from paper_kit.core.store import RunState, Store
from tests.bench import writer

ROOT = Path(__file__).resolve().parents[2]
PERIOD_S = 6.0
REMEMBERING = "attr_timeout=1,entry_timeout=1,negative_timeout=1"


@pytest.fixture(params=["one folder", "two mounts"])
def roots(request, tmp_path):
    """Where each of the four finds the Store: through two mounts as two machines find that of a server.

    Each remembers for a second what it saw, knows no lock of the other, and exchanges no names.
    """
    real = tmp_path / "runs"
    real.mkdir()
    if request.param == "one folder":
        yield [real] * 4
        return
    if not shutil.which("bindfs"):
        pytest.skip("bindfs is missing: make extras")
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("nothing can be mounted here: /dev/fuse is not there, or not for this user")
    mounts = [tmp_path / "here", tmp_path / "there"]
    for mount in mounts:
        mount.mkdir()
        subprocess.run(["bindfs", "-o", REMEMBERING, str(real), str(mount)], check=True)
    try:
        yield mounts * 2
    finally:
        for mount in mounts:
            subprocess.run(["fusermount", "-u", str(mount)], check=True)


def start(root, tmp_path, pause_s):
    """A run-all in a process group of its own, whose number is in the lines of its epochs."""
    settings = {
        "PYTHONPATH": str(ROOT),
        PERIOD_VARIABLE: str(PERIOD_S),
        "PAPERKIT_TEST_PAUSE_S": str(pause_s),
        "PAPERKIT_TEST_LOG": str(tmp_path / "epochs.log"),
    }
    with (tmp_path / f"{time.monotonic_ns()}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tests/bench/writer.py"), str(root), str(tmp_path / "data")],
            cwd=ROOT,
            env=os.environ | settings,
            start_new_session=True,
            stdout=log,
            stderr=log,
        )


def epochs(tmp_path):
    """(run, epoch, process group) of every epoch that was trained, in order."""
    log = tmp_path / "epochs.log"
    lines = log.read_text().splitlines() if log.is_file() else []
    return [(run, int(epoch), int(group)) for run, epoch, group in map(str.split, lines)]


def until(question, seconds=120):
    """The first answer that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return answer


def run_at_work(tmp_path, process):
    """The run that a writer has just trained an epoch of, not its last."""
    mine = [(run, epoch) for run, epoch, group in epochs(tmp_path) if group == process.pid]
    return mine[-1][0] if mine and mine[-1][1] < writer.EPOCHS - 1 else ""


def predictions(store, run):
    found = np.load(store.file(run, "predictions.npz"))
    return {name: found[name].tobytes() for name in found.files}


@pytest.mark.slow
def test_of_four_writers_one_is_killed_and_one_sleeps_too_long_and_every_run_is_trained_once(
    roots, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    writers = [start(root, tmp_path, pause_s=0.5) for root in roots]
    killed, sleeper, *others = writers
    try:
        killed_in = until(lambda: run_at_work(tmp_path, killed))
        os.killpg(killed.pid, signal.SIGKILL)
        slept_in = until(lambda: run_at_work(tmp_path, sleeper))
        os.killpg(sleeper.pid, signal.SIGSTOP)
        until(lambda: {group for run, _, group in epochs(tmp_path) if run == slept_in} - {sleeper.pid})
        os.killpg(sleeper.pid, signal.SIGCONT)
        assert [process.wait(timeout=200) for process in (sleeper, *others)] == [0, 0, 0]
    finally:
        for process in writers:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        killed.wait()

    store, runs = Store(tmp_path / "runs"), writer.a_plan().runs
    assert {store.state(run) for run in runs} == {RunState.DONE}
    trained = epochs(tmp_path)
    again = {run for (run, _), times in Counter(line[:2] for line in trained).items() if times > 1}
    assert again <= {killed_in, slept_in}
    groups = [group for run, _, group in trained if run == slept_in]
    first_other = next(number for number, group in enumerate(groups) if group != sleeper.pid)
    assert sleeper.pid not in groups[first_other:], "the one who slept gave way"

    alone = Store(tmp_path / "alone")
    assert start(alone.root, tmp_path, pause_s=0).wait(timeout=100) == 0
    for run in runs:
        assert predictions(store, run.id) == predictions(alone, run.id)
        record = store.record(run.id)
        assert record.weights_sha256 == sha256_file(store.file(run.id, "weights.safetensors"))
        assert record.epochs_run == len(store.history(run.id)) == writer.EPOCHS
        wanted = {path.name for path in alone.folder(run.id).iterdir()}
        assert {path.name for path in store.folder(run.id).iterdir()} == wanted
