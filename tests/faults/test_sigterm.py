"""SIGTERM: what was done is saved, and everybody leaves within seconds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paper_kit.bench.stopping import Terminated, stopping
from paper_kit.core.plan import all_runs
from paper_kit.core.store import RunState, Store
from tests.faults.tiny_study import check_readable, in_child, predictions, train_all

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
import sys
from pathlib import Path
from paper_kit.bench import study
from paper_kit.bench.study import run_study
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store
from tests.faults.tiny_study import a_plan
if __name__ == "__main__":
    study.cores = lambda: 1
    resources = Resources(device="cpu", threads=1, jobs=1, cache=Path(sys.argv[2]))
    planned = a_plan(epochs=int(sys.argv[3]), train=int(sys.argv[4]))
    print(run_study((planned,), Store(Path(sys.argv[1])), resources, lambda _: None, only=("net",)).stopped)
"""


def terminated(planned, root, cache):
    """The study; it gets SIGTERM as soon as its first run has begun, and must leave midway."""
    import threading

    def soon():
        while not list(root.glob("*/spec.json")):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=soon, daemon=True).start()
    assert train_all(planned, root, cache).stopped == "terminated"


def test_a_study_that_gets_sigterm_is_saved_and_goes_on_to_the_same_bits(undisturbed, place):
    planned, cache, expected = undisturbed
    root = place / "runs"
    assert in_child(terminated, planned, root, cache) == 0
    store = Store(root)
    assert {store.state(run) for run in all_runs((planned,))} <= {RunState.PARTIAL, RunState.MISSING}
    assert list(root.glob("*/checkpoint.pt"))
    assert not list(root.glob("*/lease.*/owner.json"))
    check_readable(planned, root)
    assert in_child(train_all, planned, root, cache) == 0
    assert predictions(planned, root) == expected


def test_what_does_not_come_back_after_sigterm_is_left():
    started = time.monotonic()
    with pytest.raises(Terminated), stopping(grace_s=0.2) as stop:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.why == "terminated"
        time.sleep(30)
    assert time.monotonic() - started < 5
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.slow
def test_workers_that_get_sigterm_with_their_parent_save_in_the_midst_of_an_epoch(place):
    script = place / "study.py"
    script.write_text(STUDY)
    command = [sys.executable, str(script), str(place / "runs"), str(place / "data"), "2", "400000"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    study = subprocess.Popen(
        command, cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.PIPE
    )
    until = time.monotonic() + 120
    while not list((place / "runs").glob("*/lease.*/owner.json")) and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(5)
    began = time.monotonic()
    os.killpg(study.pid, signal.SIGTERM)
    said, _ = study.communicate(timeout=60)
    assert time.monotonic() - began < 20
    assert said.split()[-1:] == [b"terminated"]
    store = Store(place / "runs")
    (run_id,) = store.ids()
    assert not store.reason(run_id)
    assert store.file(run_id, "checkpoint.pt").is_file()
    assert not store.history(run_id)
