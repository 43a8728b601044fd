"""The local executor, with an engine that needs no torch."""

import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from paper_kit.bench import machine
from paper_kit.bench.executors import _worker, local
from paper_kit.bench.progress import Note, Progress, never
from paper_kit.bench.schedule import Pace, Schedule
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.files import read_json
from paper_kit.core.part import KINDS, available, options
from paper_kit.core.spec import Resources
from paper_kit.core.store import NO_MEMORY, RunState, Store
from tests.bench.runs_elsewhere import a_run, ends


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(local, "RUN", "fake_engine:run_one")


def a_pair(name="good"):
    source = a_run(name, task="action_units")
    return source, a_run(transfer={"source": "run", "run": source.id})


def run(store, *specs, should_stop=never, prepare=lambda: None, **resources):
    events = []
    asked = Resources(**{"device": "cpu", "jobs": 2} | resources)
    local.execute(specs, store, asked, events.append, should_stop, prepare)
    return events


def test_every_executor_offers_execute_with_documented_options():
    for name in available("executor"):
        assert options("executor", name) is not None
    assert KINDS["executor"][1] == "execute"


def test_workers_train_all_runs_and_keep_their_process(tmp_path):
    store, specs = Store(tmp_path), [a_run(seed=seed) for seed in range(4)]
    events = run(store, *specs)
    assert set(ends(events).values()) == {RunState.DONE}
    assert all(store.state(spec) is RunState.DONE for spec in specs)
    seen = [read_json(store.file(spec.id, "seen.json")) for spec in specs]
    assert len({entry["pid"] for entry in seen}) <= 2
    assert os.getpid() not in {entry["pid"] for entry in seen}
    assert sum(isinstance(event, Progress) for event in events) == 8


def test_a_worker_gets_its_share_of_the_threads_before_torch_is_loaded(tmp_path):
    store, spec = Store(tmp_path), a_run()
    run(store, spec, jobs=1, threads=3)
    seen = read_json(store.file(spec.id, "seen.json"))
    assert (seen["threads"], seen["torch"]) == ("3", False)


def test_a_source_runs_before_what_starts_from_it(tmp_path):
    store, (source, spec) = Store(tmp_path), a_pair()
    run(store, spec, source)
    first, second = (read_json(store.file(run_id, "order.json")) for run_id in (source.id, spec.id))
    assert first < second


def test_a_failed_run_does_not_stop_the_others_and_blocks_what_starts_from_it(tmp_path):
    store, (source, spec), other = Store(tmp_path), a_pair("broken"), a_run(seed=5)
    events = run(store, source, spec, other)
    assert ends(events) == {source.id: RunState.FAILED, spec.id: RunState.BLOCKED, other.id: RunState.DONE}
    assert store.reason(source.id) == "ValueError: the loss is not a number"
    assert "Traceback" in store.file(source.id, "error.txt").read_text()
    assert store.state(spec) is RunState.BLOCKED


def test_a_worker_that_is_killed_fails_its_run_and_is_replaced(tmp_path):
    store, killed, others = (
        Store(tmp_path),
        a_run("killed", epochs=9),
        [a_run(seed=seed) for seed in range(2)],
    )
    events = run(store, killed, *others, jobs=1)
    assert [ends(events)[spec.id] for spec in others] == [RunState.DONE, RunState.DONE]
    assert ends(events)[killed.id] is RunState.FAILED
    assert "memory ran out" in store.reason(killed.id)
    assert store.state(killed) is RunState.FAILED


def test_asked_to_stop_runs_end_after_an_epoch_and_no_run_starts(tmp_path):
    store, slow, later = Store(tmp_path), a_run("slow", epochs=500), a_run(seed=1)
    heard = []

    def report(event):
        heard.append(event)

    def should_stop():
        return any(isinstance(event, Progress) for event in heard)

    local.execute([slow, later], store, Resources(device="cpu", jobs=1), report, should_stop, lambda: None)
    assert ends(heard) == {slow.id: RunState.PARTIAL}
    assert store.state(slow) is RunState.PARTIAL
    assert store.state(later) is RunState.MISSING


def test_a_run_that_another_process_has_is_left_to_it(tmp_path):
    store, taken, free = Store(tmp_path), a_run(seed=1), a_run(seed=2)
    with store.lease(taken.id):
        events = run(store, taken, free)
    assert ends(events) == {taken.id: RunState.RUNNING, free.id: RunState.DONE}
    assert not store.reason(taken.id)


def test_the_run_of_a_worker_that_died_is_left_to_who_has_taken_it_over(tmp_path):
    store, killed = Store(tmp_path), a_run("killed")
    crew = local.Crew(store, Resources(device="cpu", jobs=1))
    schedule = Schedule([killed], Pace())
    crew.employ(schedule)
    try:
        crew._workers[0].process.join(60)
        with store.lease(killed.id):  # another run-all was faster than this one noticed
            taken = [event for _ in range(3) for event in crew.listen(1.0)]
    finally:
        crew.end()
    assert ends(taken) == {killed.id: RunState.RUNNING}
    assert not store.reason(killed.id)


def test_the_end_of_workers_brings_no_lost_store_back_and_hides_nothing(tmp_path, monkeypatch):
    store, slow = Store(tmp_path / "runs"), a_run("slow", epochs=100_000)
    crew = local.Crew(store, Resources(device="cpu", jobs=1))
    crew.employ(Schedule([slow], Pace()))
    assert soon(lambda: store.owner(slow.id) is not None)
    monkeypatch.setattr(store, "lease", full)
    crew.end()
    monkeypatch.undo()
    crew = local.Crew(store, Resources(device="cpu", jobs=1))
    crew._workers = [SimpleNamespace(process=Gone(), connection=Gone(), run=slow)]
    shutil.rmtree(store.root)
    crew.end()
    assert not store.root.exists()


def full(_):
    raise OSError(errno.ENOSPC, "No space left on device")


class Gone:
    """A process that was killed, and its connection."""

    def kill(self): ...

    def join(self): ...

    def close(self): ...


def test_workers_that_cannot_start_are_told_with_the_last_line_of_their_log(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "RUN", "no_such_engine:run_one")
    with pytest.raises(PaperkitError, match="No module named 'no_such_engine'"):
        run(Store(tmp_path), a_run())


def test_workers_start_while_the_data_are_prepared_and_leave_where_those_are_not_there(
    tmp_path,
):
    store, spec, started = Store(tmp_path), a_run(), []

    def prepare():
        log = store.root / "logs" / "worker-0.log"
        started.append(soon(log.is_file))
        assert not store.ids()
        raise InputError("no data")

    with pytest.raises(InputError, match="no data"):
        run(store, spec, prepare=prepare)
    assert started == [True]
    assert not multiprocessing.active_children()


@pytest.fixture
def two_cores_and_a_gpu(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: ("0",))
    monkeypatch.setattr(machine, "cores", lambda: 2)


@pytest.mark.usefixtures("two_cores_and_a_gpu")
def test_a_second_worker_joins_on_a_gpu_where_the_first_shows_that_there_is_room(tmp_path):
    store, specs = Store(tmp_path), [a_run("slow", seed=seed, epochs=25) for seed in range(3)]
    run(store, *specs, device="auto", jobs=0)
    seen = [read_json(store.file(spec.id, "seen.json")) for spec in specs]
    assert len({entry["pid"] for entry in seen}) == 2
    assert {entry["gpu"] for entry in seen} == {"0"}


@pytest.mark.usefixtures("two_cores_and_a_gpu")
def test_a_run_without_room_beside_another_is_tried_again_alone(tmp_path):
    store = Store(tmp_path)
    patient, large = a_run("patient", epochs=30), a_run("large", epochs=6)
    events = run(store, patient, large, device="auto", jobs=0)
    assert ends(events) == {patient.id: RunState.DONE, large.id: RunState.DONE}
    assert any(isinstance(event, Note) and large.id in event.text for event in events)
    alone = run(store, a_run("large", seed=1, epochs=6), device="auto", jobs=1)
    assert ends(alone) == {a_run("large", seed=1, epochs=6).id: RunState.FAILED}
    assert alone[-1].reason.startswith(NO_MEMORY)


def test_the_longest_run_that_can_start_comes_next():
    source, spec = a_pair()
    short, long = a_run(seed=1, epochs=3), a_run("other", epochs=40)
    pace = Pace()
    for run_spec in (source, short, long):
        pace.learn(run_spec, 1.0)
    schedule = Schedule([short, spec, source, long], pace)
    assert schedule.next() == long
    assert schedule.next() == source
    assert schedule.next() == short
    assert schedule.next() is None
    assert schedule.end(source.id, RunState.DONE) == ()
    assert schedule.next() == spec


def test_each_worker_sees_one_gpu():
    assert _worker.environment(4, "1")["CUDA_VISIBLE_DEVICES"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in _worker.environment(4, "")


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from paper_kit.bench.executors import local
from paper_kit.bench.progress import never
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Store
local.RUN = "fake_engine:run_one"
spec = RunSpec(model={"name": "slow"}, epochs=100000)
asked = Resources(device="cpu", jobs=1)
local.execute([spec], Store(Path(sys.argv[1])), asked, lambda event: None, never, lambda: None)
"""


def test_the_worker_of_a_killed_parent_saves_and_leaves(tmp_path):
    store, spec = Store(tmp_path), a_run("slow", epochs=100_000)
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    parent = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), *paths])
    seen = store.file(spec.id, "seen.json")
    assert soon(seen.is_file)
    worker = read_json(seen)["pid"]
    parent.kill()
    parent.wait()
    assert soon(lambda: not alive(worker))
    assert store.state(spec) is RunState.PARTIAL


def soon(true, seconds=30.0):
    """Whether `true()` comes true within so long."""
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
