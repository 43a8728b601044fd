"""A run has one owner; who is silent for a lease period loses it, and nothing that he writes then arrives."""

import json
import os
import shutil
import threading
import time

import pytest

from paper_kit.core import lease
from paper_kit.core.errors import InputError, Superseded
from paper_kit.core.files import replacing, write_json
from paper_kit.core.lease import Sign, newest, take
from paper_kit.core.owner import PERIOD_VARIABLE, period_s, this_process
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Busy, RunState, Store

PERIOD_S = 1.0


@pytest.fixture
def spec(monkeypatch):
    monkeypatch.setenv(PERIOD_VARIABLE, str(PERIOD_S))
    return RunSpec()


@pytest.fixture
def store(tmp_path, spec):
    made = Store(tmp_path / "runs")
    made.begin(spec)
    return made


def on_another_machine(store, spec, **changes):
    """The owner.json of a lease that a process of another machine holds."""
    owner = this_process("slurm:7").model_copy(update={"machine": "another", "host": "node7", **changes})
    place = store.folder(spec.id) / "lease.1" / "owner.json"
    place.parent.mkdir()
    place.write_text(owner.model_dump_json())
    return place


def superseded(store, spec):
    """The lease of a process that has taken over what another holds."""
    folder = store.folder(spec.id)
    return take(folder, newest(folder))


def names(store, spec):
    return sorted(path.name for path in store.folder(spec.id).iterdir())


def test_a_lease_given_back_is_free_at_once_and_gone_where_the_run_is_done(store, spec):
    for _ in range(2):
        with store.lease(spec.id):
            assert store.leased(spec.id)
            with pytest.raises(Busy, match=f"process {os.getpid()} on "):
                store.lease(spec.id).__enter__()
        assert not store.leased(spec.id)
    with store.lease(spec.id):
        write_json(store.file(spec.id, "record.json"), {})
    assert names(store, spec) == ["record.json", "spec.json"]


def test_of_many_who_want_a_lease_at_once_one_gets_it(store, spec):
    folder, found, start = store.folder(spec.id), newest(store.folder(spec.id)), threading.Barrier(8)
    got = []

    def want():
        start.wait()
        got.append(take(folder, found))

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (held,) = filter(None, got)
    assert names(store, spec) == ["lease.1", "spec.json"]
    held.give_back()


def test_nothing_that_is_written_after_a_lease_was_lost_arrives(store, spec):
    history = store.file(spec.id, "history.jsonl")
    with pytest.raises(Busy, match="gave no sign of life"), store.lease(spec.id):  # noqa: PT012
        write_json(history, 1)
        after = superseded(store, spec)
        write_json(history, 2)
    assert json.loads(history.read_text()) == 1
    assert store.leased(spec.id)
    after.give_back()


def test_a_file_that_was_being_written_while_the_lease_was_lost_does_not_arrive(store, spec):
    checkpoint = store.file(spec.id, "checkpoint.pt")
    with store.lease(spec.id):
        with pytest.raises(Superseded), replacing(checkpoint) as part:  # noqa: PT012
            part.write_bytes(b"of a process that slept")
            after = superseded(store, spec)
        assert not checkpoint.exists()
    assert store.state(spec) is RunState.RUNNING, "what the late one gives back is not what it holds no more"
    after.give_back()
    assert names(store, spec) == ["lease.2", "spec.json"]


def test_a_run_folder_that_vanished_is_told_as_such_and_does_not_come_back(store, spec):
    history = store.file(spec.id, "history.jsonl")
    with store.lease(spec.id):
        shutil.rmtree(store.folder(spec.id))
        with pytest.raises(FileNotFoundError) as caught:
            write_json(history, 1)
    assert caught.value.filename == str(history)
    assert not store.folder(spec.id).exists()


def test_a_contender_who_slept_takes_nothing_from_a_later_owner(store, spec):
    folder = store.folder(spec.id)
    seen = newest(folder)
    for _ in range(3):
        take(folder, newest(folder)).give_back()
    with store.lease(spec.id):
        assert take(folder, seen) is None
        write_json(store.file(spec.id, "history.jsonl"), 1)
    assert not store.leased(spec.id)


def test_a_lease_of_another_machine_is_taken_over_after_its_silent_period_and_not_before(store, spec):
    on_another_machine(store, spec)
    started = time.monotonic()
    assert store.sign(spec.id) is Sign.UNSURE
    with pytest.raises(Busy, match=r"on node7 \(slurm:7\) works on it"):
        store.lease(spec.id).__enter__()
    while store.sign(spec.id) is not Sign.NONE:
        assert store.state(spec) is RunState.RUNNING
        time.sleep(PERIOD_S / 20)
    assert time.monotonic() - started >= PERIOD_S
    with store.lease(spec.id):
        assert store.owner(spec.id).pid == os.getpid()


@pytest.mark.parametrize("year_s", [0, 4e9])
def test_a_clock_that_jumps_is_a_heartbeat_and_never_silence(year_s, store, spec):
    owner_file = on_another_machine(store, spec)
    os.utime(owner_file, (year_s, year_s))
    assert store.sign(spec.id) is Sign.UNSURE
    assert store.leased(spec.id)
    os.utime(owner_file, (1e9 - year_s / 8, 1e9 - year_s / 8))
    assert store.sign(spec.id) is Sign.ALIVE


def test_who_looks_after_a_long_sleep_of_his_own_does_not_count_it_as_silence(store, spec, monkeypatch):
    on_another_machine(store, spec)
    assert store.sign(spec.id) is Sign.UNSURE
    later = time.monotonic() + 3600
    monkeypatch.setattr(lease.time, "monotonic", lambda: later)
    assert store.sign(spec.id) is Sign.UNSURE


def test_a_lease_is_kept_by_its_heartbeat(store, spec):
    other = Store(store.root)
    with store.lease(spec.id):
        until = time.monotonic() + 1.5 * PERIOD_S
        while time.monotonic() < until:
            assert other.sign(spec.id) is not Sign.NONE
            time.sleep(PERIOD_S / 20)
        assert other.sign(spec.id) is Sign.ALIVE
        write_json(store.file(spec.id, "history.jsonl"), 1)


def test_a_lease_whose_job_the_queue_no_longer_knows_is_taken_over_at_once(store, spec):
    on_another_machine(store, spec)
    asked = []
    assert store.sign(spec.id, lambda job: bool(asked.append(job))) is Sign.UNSURE
    assert store.sign(spec.id, lambda _job: True) is Sign.NONE
    assert asked == ["slurm:7"]


def test_a_job_is_named_in_the_leases_of_its_store(tmp_path, spec):
    store = Store(tmp_path, job="slurm:8_1")
    with store.lease(spec.id):
        assert Store(tmp_path).owner(spec.id).job == "slurm:8_1"


def test_a_process_number_that_was_used_again_is_not_its_former_owner(store, spec):
    mine = this_process("")
    assert not mine.gone
    on_another_machine(store, spec, machine=mine.machine, start=mine.start + 1)
    assert not store.leased(spec.id)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"period_s": 1e999}'])
def test_a_damaged_lease_is_waited_for(content, store, spec):
    on_another_machine(store, spec).write_bytes(content)
    assert store.leased(spec.id)
    assert store.owner(spec.id) is None
    with pytest.raises(Busy, match="another process works on it"):
        store.lease(spec.id).__enter__()


def test_a_run_that_somebody_works_on_is_not_set_aside(store, spec):
    with store.lease(spec.id), pytest.raises(Busy):
        store.forget(spec.id)
    store.forget(spec.id)
    assert [path.name for path in store.root.glob("*/*")] == ["spec.json"]


def test_a_lease_period_that_is_no_number_is_told(monkeypatch):
    for wrong in ("five", "-1", "nan"):
        monkeypatch.setenv(PERIOD_VARIABLE, wrong)
        with pytest.raises(InputError, match="expected seconds, such as 300"):
            period_s()
