"""A disk that is full, a store read-only or gone in mid-run, damaged files: told, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paper_kit.core.damage import set_damaged_aside, store_lost
from paper_kit.core.errors import StoreLost
from paper_kit.core.files import write_bytes
from paper_kit.core.incidents import incidents
from paper_kit.core.plan import all_runs
from paper_kit.core.status import statuses
from paper_kit.core.store import RunState, Store
from tests.faults.tiny_study import changes, check_readable, in_child, predictions, train_all

KEPT = ("predictions.npz", "record.json")
ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import subprocess, sys
from pathlib import Path
from paper_kit.core.errors import StoreLost
from tests.faults.tiny_study import a_plan, check_readable, in_child, train_all

place, cache = Path(sys.argv[1]), Path(sys.argv[2])
planned, root = a_plan(), place / "runs"


def disk(size, *more):
    options = ",".join([*more, f"size={size}k"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)


def study():
    try:
        train_all(planned, root, cache)
    except StoreLost as error:
        print(error, flush=True)
        raise


disk(100)
stopped = []
for size in (100, 200, 300, 400):
    disk(size, "remount")
    stopped.append(in_child(study))
    check_readable(planned, root)
disk(65536, "remount")
assert in_child(study) == 0
check_readable(planned, root)
assert not list(root.rglob("*.part"))
subprocess.run(["cp", "-r", root, place.parent / "copied"], check=True)
print("stopped", stopped)
"""


@pytest.mark.slow
def test_a_full_disk_stops_a_study_which_then_goes_on_to_the_same_bits(undisturbed, place):
    planned, cache, expected = undisturbed
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("unshare (util-linux) may not make a mount namespace here")
    (place / "disk").mkdir()
    script = place / "child.py"
    script.write_text(CHILD)
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, str(script), str(place / "disk"), str(cache)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stopped [1" in done.stdout
    assert "No space left on device. What is there is whole." in done.stdout
    assert predictions(planned, place / "copied") == expected


def closing(number, planned, root, cache, told):
    """The study by somebody who is not root; before a change of a file the folders become read-only."""
    if not os.geteuid():
        os.setgid(65534)
        os.setuid(65534)

    def close(found):
        if found == number:
            for folder in (root, *(each for each in root.rglob("*") if each.is_dir())):
                folder.chmod(0o555)

    changes(root, close)
    try:
        train_all(planned, root, cache)
    except StoreLost as error:
        told.write_text(str(error))
    finally:
        for folder in (root, *(each for each in root.rglob("*") if each.is_dir())):
            folder.chmod(0o777)


def test_a_store_made_read_only_in_mid_run_stops_a_study_which_then_goes_on_to_the_same_bits(
    undisturbed, place
):
    planned, cache, expected = undisturbed
    for folder in (place, cache.parent):
        folder.chmod(0o777)
    for number in (20, 54, 55, 56):  # at work, and around the second run's lease
        root = place / f"runs-{number}"
        assert in_child(closing, number, planned, root, cache, place / "told") == 0
        told = (place / "told").read_text()
        assert str(root) in told
        assert "Permission denied. What is there is whole." in told
        assert "type `paperkit run-all` to go on" in told
        (place / "told").unlink()
        check_readable(planned, root)
        assert in_child(train_all, planned, root, cache) == 0
        assert predictions(planned, root) == expected


def test_errors_of_the_disk_are_told_from_those_of_a_run(place):
    inside, outside = str(place / "a" / "b"), "/elsewhere/b"
    assert store_lost(OSError(28, "No space left on device", inside), place)
    assert store_lost(OSError(13, "Permission denied", inside), place)
    assert store_lost(OSError(13, "Permission denied", outside), place) is None
    assert store_lost(FileNotFoundError(2, "No such file", inside), place) is None
    assert store_lost(ValueError("no"), place) is None


def vanishing(planned, root, cache, told):
    changes(root, lambda number: shutil.rmtree(root) if number == 45 else None)
    try:
        train_all(planned, root, cache)
    except StoreLost as error:
        told.write_text(str(error))


def test_a_store_that_vanishes_in_mid_run_stops_the_study(undisturbed, place):
    planned, cache, expected = undisturbed
    assert in_child(vanishing, planned, place / "runs", cache, place / "told") == 0
    assert "gone while the run was at work" in (place / "told").read_text()
    assert in_child(train_all, planned, place / "runs", cache) == 0
    assert predictions(planned, place / "runs") == expected


def half(content, _other):
    return content[: len(content) // 2]


def zeros(content, _other):
    return bytes(len(content))


def no_content(_content, _other):
    return b""


def of_another_run(_content, other):
    return other


def words(_content, _other):
    return b'{"epoch": "one"}\n'


@pytest.mark.parametrize(
    ("file", "damaged"),
    [
        *((file, how) for file in ("record.json", "spec.json") for how in (half, zeros, no_content)),
        *(("predictions.npz", how) for how in (half, zeros, no_content)),
        *(("history.jsonl", how) for how in (half, zeros, words)),
        ("record.json", of_another_run),
    ],
)
def test_a_damaged_run_is_set_aside_and_named(file, damaged, undisturbed, place):
    planned, cache, _ = undisturbed
    shutil.copytree(cache.parent / "runs", place / "runs")
    store, (other, *_, run) = Store(place / "runs"), all_runs((planned,))
    path = store.file(run.id, file)
    content = damaged(path.read_bytes(), store.file(other.id, file).read_bytes())
    path.write_bytes(content)
    ((run_id, told),) = set_damaged_aside(all_runs((planned,)), store)
    aside = place / "runs" / f"{run.id}.old-1"
    assert run_id == run.id
    assert f"Set aside as {aside}; the run is trained again." in told
    assert (aside / file).read_bytes() == content
    assert store.state(run) is RunState.MISSING
    assert any("Set aside" in line for line in incidents(store, run.id))
    assert set_damaged_aside(all_runs((planned,)), store) == ()
    (status,) = [one for one in statuses((planned,), store) if one.run == run]
    assert "Set aside" in status.note


def test_a_study_with_a_damaged_record_trains_that_run_again_to_the_same_bits(undisturbed, place):
    planned, cache, expected = undisturbed
    shutil.copytree(cache.parent / "runs", place / "runs")
    store, run = Store(place / "runs"), all_runs((planned,))[-1]
    store.file(run.id, "record.json").write_text("{")
    (status,) = [one for one in statuses((planned,), store) if one.run == run]
    assert status.damaged
    assert in_child(train_all, planned, place / "runs", cache) == 0
    assert predictions(planned, place / "runs") == expected
    check_readable(planned, place / "runs")


def test_a_loss_of_power_leaves_no_record_without_its_files(monkeypatch, undisturbed, place):
    planned, cache, _ = undisturbed
    done, run = Store(cache.parent / "runs"), all_runs((planned,))[-1]
    record, told = done.record(run.id), []
    fsync, replace = os.fsync, Path.replace

    def synced(handle):
        told.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def renamed(path, to):
        told.append((str(path), str(to)))
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    store = Store(place / "runs")
    write_bytes(store.file(run.id, "predictions.npz"), b"arrays")
    store.write_record(record)
    folder = str(store.folder(run.id))
    arrays, names = (next(each for each in told if each[1] == f"{folder}/{name}") for name in KEPT)
    order = [arrays[0], arrays, folder, names[0], names, folder]
    assert told == order
