"""SIGKILL: between any two changes of a file, and at random moments."""

import os
import random
import signal
import threading
import time

import pytest

from paper_kit.core.store import Store
from tests.faults.tiny_study import changes, check_readable, die, in_child, predictions, train_all

KILLS = int(os.environ.get("PAPERKIT_KILLS", "50"))


def counted(planned, root, cache, told):
    number = 0

    def count(found):
        nonlocal number
        number = found

    changes(root, count)
    train_all(planned, root, cache)
    told.write_text(str(number))


def killed_before(number, planned, root, cache):
    changes(root, lambda found: die() if found == number else None)
    train_all(planned, root, cache)


def whole(undisturbed, root):
    """Whether the study, begun anew as often as it takes, comes to the predictions of the undisturbed one."""
    planned, cache, expected = undisturbed
    check_readable(planned, root)
    assert in_child(train_all, planned, root, cache) == 0
    check_readable(planned, root)
    return predictions(planned, root) == expected


def test_a_study_killed_before_some_changes_of_files_comes_to_the_same_bits(undisturbed, place):
    kill_before_each(undisturbed, place, step=61)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_study_killed_before_any_change_of_a_file_comes_to_the_same_bits(undisturbed, place):
    assert kill_before_each(undisturbed, place, step=1) > 100


def kill_before_each(undisturbed, folder, step):
    planned, cache, _ = undisturbed
    told = folder / "count"
    assert in_child(counted, planned, folder / "counted", cache, told) == 0
    total = int(told.read_text())
    print(f"{total} changes of files")
    for number in range(1, total + 1, step):
        root = folder / f"killed-{number}"
        assert in_child(killed_before, number, planned, root, cache) == -signal.SIGKILL, number
        assert whole(undisturbed, root), f"change {number} of {total}"
    return total


def killed_after(seconds, planned, root, cache):
    threading.Timer(seconds, die).start()
    train_all(planned, root, cache)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_studies_killed_at_random_moments_finish_and_come_to_the_same_bits(undisturbed, place):
    planned, cache, expected = undisturbed
    start = time.monotonic()
    assert in_child(train_all, planned, place / "timed", cache) == 0
    takes, drawn = time.monotonic() - start, random.Random(0)
    kills = studies = 0
    while kills < KILLS:
        root = place / f"study-{studies}"
        while (code := in_child(killed_after, drawn.uniform(0, takes), planned, root, cache)) != 0:
            assert code == -signal.SIGKILL
            kills += 1
            check_readable(planned, root)
        assert predictions(planned, root) == expected
        studies += 1
    print(f"{kills} kills in {studies} studies")


def test_what_a_killed_process_left_half_written_is_swept_when_its_run_goes_on(undisturbed, place):
    planned, cache, _ = undisturbed
    root = place / "runs"
    in_child(killed_before, 40, planned, root, cache)
    begun = [path.parent for path in root.glob("*/spec.json")]
    cut_off = next(folder for folder in begun if not (folder / "record.json").exists())
    (cut_off / ".checkpoint.pt.abcd1234.part").write_bytes(b"half")
    assert in_child(train_all, planned, root, cache) == 0
    assert not list(root.rglob("*.part"))


def test_a_killed_study_leaves_no_lease_that_anybody_has_to_wait_for(undisturbed, place):
    planned, cache, _ = undisturbed
    in_child(killed_before, 30, planned, place / "runs", cache)
    store = Store(place / "runs")
    assert not any(store.leased(run_id) for run_id in store.ids())
