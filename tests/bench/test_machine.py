"""Cores, GPUs, and each worker's share of them."""

import pytest

from paper_kit.bench import machine
from paper_kit.core.errors import InputError
from paper_kit.core.spec import Resources


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 8)
    monkeypatch.setattr(machine, "gpus", lambda: ())


@pytest.mark.parametrize(
    ("given", "runs", "jobs", "threads"),
    [
        ({}, 15, 8, 1),
        ({}, 3, 3, 2),
        ({"jobs": 2}, 15, 2, 4),
        ({"jobs": 2, "threads": 1}, 15, 2, 1),
        ({"jobs": 20}, 15, 15, 1),
    ],
)
def test_cpu_workers_share_the_cores(given, runs, jobs, threads):
    shared = machine.share(Resources(**given), runs)
    assert (shared.jobs, shared.threads) == (jobs, threads)


def test_gpus_get_up_to_a_worker_a_core_and_as_many_as_were_asked_for(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: ("0", "1"))
    shared = machine.share(Resources(), 15)
    assert (shared.jobs, shared.threads, shared.packing) == (8, 1, True)
    assert machine.share(shared, 15) == shared
    asked = machine.share(Resources(jobs=2), 15)
    assert (asked.jobs, asked.threads, asked.packing) == (2, 4, False)
    assert machine.usable_gpus(Resources(device="cpu")) == ()


def test_a_gpu_that_is_not_there_is_told():
    with pytest.raises(InputError, match="Type --device cpu"):
        machine.share(Resources(device="cuda"), 15)


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.undo()
    for text, expected in (("100000 100000\n", 1), ("50000 100000\n", 1)):
        (tmp_path / "cpu.max").write_text(text)
        monkeypatch.setattr(machine, "CGROUP_LIMIT", tmp_path / "cpu.max")
        assert machine.cores() == expected
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.cores() >= 1
