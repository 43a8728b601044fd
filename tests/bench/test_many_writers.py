"""Four run-all on one store, one killed, one stopped for longer than a lease and continued."""

import os
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


def start(store, cache, pause_s):
    """A run-all in a process group of its own, whose number is in the lines of its epochs."""
    settings = {
        "PYTHONPATH": str(ROOT),
        PERIOD_VARIABLE: str(PERIOD_S),
        "PAPERKIT_TEST_PAUSE_S": str(pause_s),
    }
    store.root.mkdir(parents=True, exist_ok=True)
    with (store.root.parent / f"{time.monotonic_ns()}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tests/bench/writer.py"), str(store.root), str(cache)],
            cwd=ROOT,
            env=os.environ | settings | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
            stdout=log,
            stderr=log,
        )


def epochs(store):
    """(run, epoch, process group) of every epoch that was trained, in order."""
    log = store.root / "epochs.log"
    lines = log.read_text().splitlines() if log.is_file() else []
    return [(run, int(epoch), int(group)) for run, epoch, group in map(str.split, lines)]


def until(question, seconds=120):
    """The first answer that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return answer


def run_at_work(store, process):
    """The run that a writer has just trained an epoch of, not its last."""
    mine = [(run, epoch) for run, epoch, group in epochs(store) if group == process.pid]
    return mine[-1][0] if mine and mine[-1][1] < writer.EPOCHS - 1 else ""


def predictions(store, run):
    found = np.load(store.file(run, "predictions.npz"))
    return {name: found[name].tobytes() for name in found.files}


@pytest.mark.slow
def test_of_four_writers_one_is_killed_and_one_sleeps_too_long_and_every_run_is_trained_once(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    store, cache = Store(tmp_path / "runs"), tmp_path / "data"
    writers = [start(store, cache, pause_s=0.5) for _ in range(4)]
    killed, sleeper, *others = writers
    try:
        killed_in = until(lambda: run_at_work(store, killed))
        os.killpg(killed.pid, signal.SIGKILL)
        slept_in = until(lambda: run_at_work(store, sleeper))
        os.killpg(sleeper.pid, signal.SIGSTOP)
        until(lambda: {group for run, _, group in epochs(store) if run == slept_in} - {sleeper.pid})
        os.killpg(sleeper.pid, signal.SIGCONT)
        assert [process.wait(timeout=200) for process in (sleeper, *others)] == [0, 0, 0]
    finally:
        for process in writers:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        killed.wait()

    runs = writer.a_plan().runs
    assert {store.state(run) for run in runs} == {RunState.DONE}
    trained = epochs(store)
    again = {run for (run, _), times in Counter(line[:2] for line in trained).items() if times > 1}
    assert again <= {killed_in, slept_in}
    groups = [group for run, _, group in trained if run == slept_in]
    first_other = next(number for number, group in enumerate(groups) if group != sleeper.pid)
    assert sleeper.pid not in groups[first_other:], "the one who slept gave way"

    alone = Store(tmp_path / "alone")
    assert start(alone, cache, pause_s=0).wait(timeout=100) == 0
    for run in runs:
        assert predictions(store, run.id) == predictions(alone, run.id)
        record = store.record(run.id)
        assert record.weights_sha256 == sha256_file(store.file(run.id, "weights.safetensors"))
        assert record.epochs_run == len(store.history(run.id)) == writer.EPOCHS
        wanted = {path.name for path in alone.folder(run.id).iterdir()}
        assert {path.name for path in store.folder(run.id).iterdir()} == wanted
