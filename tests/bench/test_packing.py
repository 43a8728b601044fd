"""How many workers share a GPU, decided from measured memory and speed."""

import pytest

from paper_kit.bench.packing import Packing, fits, most_workers, speedup
from paper_kit.bench.progress import Ended, Progress
from paper_kit.core.spec import RunSpec, Transfer
from paper_kit.core.store import RunState

RUNS = [RunSpec(seed=seed) for seed in range(9)]
SMALL = {"memory_mib": 500.0, "free_mib": 20_000.0}


def epochs(packing, runs, seconds, now=0.0, count=3, **memory):
    """The time after all of `runs` trained some epochs side by side on GPU "0"."""
    for run in runs:
        packing.hear("0", run, Progress(run_id=run.id, **SMALL | memory), now)
    for epoch in range(1, count + 1):
        now += seconds
        for run in runs:
            event = Progress(run_id=run.id, epoch=epoch, epoch_seconds=seconds, **SMALL | memory)
            packing.hear("0", run, event, now)
    return now


def test_each_worker_of_a_gpu_has_a_core():
    assert [most_workers(cores, gpus) for cores, gpus in ((16, 1), (6, 1), (8, 4), (1, 2))] == [8, 6, 2, 1]


def test_a_run_needs_room_for_itself_its_growth_and_its_libraries():
    assert fits(free_mib=2001, run_mib=1000)
    assert not fits(free_mib=1900, run_mib=1000)
    assert not fits(free_mib=80_000, run_mib=0)  # nothing was measured


@pytest.mark.parametrize(("second", "expected"), [(10.0, 2.0), (20.0, 1.0), (16.0, 1.25)])
def test_the_speed_of_two_is_told_by_what_one_loses(second, expected):
    assert speedup({1: {"a": 10.0, "b": 3.0}, 2: {"a": second}}, 2) == pytest.approx(expected)


def test_without_a_kind_of_epoch_that_was_seen_both_ways_nothing_is_said():
    assert speedup({1: {"a": 10.0}, 2: {"b": 10.0}}, 2) is None


def test_workers_join_while_that_makes_the_whole_faster_and_the_one_that_did_not_leaves():
    packing = Packing(most=8)
    now = epochs(packing, RUNS[:1], 10.0)
    assert packing.workers == 2
    now = epochs(packing, RUNS[:2], 12.0, now)  # 2 / 1.2 = 1.67 times one
    assert packing.workers == 3
    now = epochs(packing, RUNS[:3], 17.5, now)  # 3 / 1.75 = 1.71 times one, 1.03 times two
    assert packing.workers == 2
    epochs(packing, RUNS[:2], 5.0, now, count=9)
    assert packing.workers == 2


def test_an_epoch_in_which_another_run_came_or_went_is_no_measurement():
    packing = Packing(most=8)
    now = epochs(packing, RUNS[:1], 10.0)
    assert packing.workers == 2
    packing.hear("0", RUNS[1], Progress(run_id=RUNS[1].id, **SMALL), now + 9)
    disturbed = Progress(run_id=RUNS[0].id, epoch=4, epoch_seconds=30.0, **SMALL)
    packing.hear("0", RUNS[0], disturbed, now + 10)
    assert packing.workers == 2
    packing.hear("0", RUNS[1], Ended(run_id=RUNS[1].id, state=RunState.DONE), now + 11)
    assert not packing.crowded("0")


def test_no_worker_joins_where_memory_has_no_room():
    packing = Packing(most=8)
    epochs(packing, RUNS[:1], 10.0, memory_mib=9000.0, free_mib=9000.0)
    assert packing.workers == 1


def test_after_a_run_had_no_room_there_are_fewer_for_good():
    packing = Packing(most=8)
    now = epochs(packing, RUNS[:1], 10.0)
    now = epochs(packing, RUNS[:2], 10.0, now)
    assert (packing.workers, packing.crowded("0")) == (3, True)
    packing.had_no_room()
    epochs(packing, RUNS[:2], 10.0, now)
    assert packing.workers == 2


def test_epochs_with_more_of_the_model_frozen_are_compared_with_their_like():
    packing = Packing(most=8)
    run = RunSpec(transfer=Transfer(source="file"))
    for epoch, seconds in ((1, 1.0), (2, 1.0), (3, 5.0)):
        packing.hear("0", run, Progress(run_id=run.id, epoch=epoch, epoch_seconds=seconds, **SMALL), epoch)
    other = run.model_copy(update={"seed": 1})
    for at in (5.0, 10.0):
        for each in (run, other):
            event = Progress(run_id=each.id, epoch=3 + (at == 10.0), epoch_seconds=5.0, **SMALL)
            packing.hear("0", each, event, at)
    assert packing.workers == 2  # epoch 4 was never seen alone
