"""A disk that is full, a store that is read-only or gone in mid-run, damaged files: told, and nothing lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paper_kit.core.damage import lost, set_damaged_aside
from paper_kit.core.errors import StoreLost
from paper_kit.core.incidents import incidents
from paper_kit.core.plan import all_runs
from paper_kit.core.status import statuses
from paper_kit.core.store import RunState, Store
from tests.faults.tiny_study import changes, check_readable, in_child, predictions, train_all

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import subprocess, sys
from pathlib import Path
from paper_kit.core.errors import StoreLost
from tests.faults.tiny_study import a_plan, changes, check_readable, in_child, predictions, train_all

how, place, cache = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
planned, root, other = a_plan(), place / "runs", place.parent / "other"
mount = lambda *options: subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(place)], check=True)


def study(size):
    try:
        train_all(planned, root, cache)
    except StoreLost as error:
        print(error, flush=True)
        sys.exit(7)  # in_child tells 1 of it


def becomes_read_only(number):
    if number == 40:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


def read_only():
    changes(root, becomes_read_only)
    study(None)


assert in_child(train_all, planned, other, cache) == 0
mount("-o", "size=300k" if how == "full" else "size=64m")
told = []
if how == "full":
    for kib in (300, 600, 900):
        mount("-o", f"remount,size={kib}k")
        told.append(in_child(study, None))
        check_readable(planned, root)
else:
    told.append(in_child(read_only))
    check_readable(planned, root)
mount("-o", "remount,rw,size=64m")
assert 1 in told, told
assert in_child(train_all, planned, root, cache) == 0
check_readable(planned, root)
assert predictions(planned, root) == predictions(planned, other)
assert not list(root.rglob("*.part"))
print("the same bits")
"""


def in_a_namespace(how, place, cache):
    """What a process says that may mount disks, for itself alone."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("unshare (util-linux) may not make a mount namespace here")
    (place / "disk").mkdir()
    script = place / "child.py"
    script.write_text(CHILD)
    command = ["unshare", "-rm", sys.executable, str(script), how, str(place / "disk"), str(cache)]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "why"), [("full", "No space left on device"), ("ro", "Read-only file system")]
)
def test_a_store_that_takes_no_more_stops_the_study_which_then_goes_on_to_the_same_bits(
    how, why, undisturbed, place
):
    done = in_a_namespace(how, place, undisturbed[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same bits" in done.stdout
    assert why in done.stdout
    assert "then type `paperkit run-all` to go on" in done.stdout


def test_errors_of_the_disk_are_told_from_those_of_a_run(place):
    inside, outside = str(place / "a" / "b"), "/elsewhere/b"
    assert lost(OSError(28, "No space left on device", inside), place)
    assert lost(OSError(13, "Permission denied", inside), place)
    assert lost(OSError(13, "Permission denied", outside), place) is None
    assert lost(FileNotFoundError(2, "No such file", inside), place) is None
    assert lost(ValueError("no"), place) is None


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
