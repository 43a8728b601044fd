"""What the files of a run folder say."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, write_json
from paper_kit.core.slurm import submitted
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Busy, RunState, Store
from paper_kit.render.seal import read_manifest
from tests.core.audited import FINGERPRINT, an_audit


def test_the_files_are_the_state(tmp_path):
    store, spec = Store(tmp_path), RunSpec()
    assert store.state(spec) is RunState.MISSING
    store.begin(spec)
    assert store.state(spec) is RunState.PARTIAL
    store.fail(spec.id, "loss is NaN", "traceback")
    assert store.state(spec) is RunState.FAILED
    assert store.reason(spec.id) == "loss is NaN"
    write_json(store.file(spec.id, "record.json"), {})
    assert store.state(spec) is RunState.DONE


def test_a_run_whose_source_failed_is_blocked(tmp_path):
    store, source = Store(tmp_path), RunSpec(task="action_units")
    run = RunSpec(transfer={"source": "run", "run": source.id})
    store.begin(source)
    store.fail(source.id, "out of memory", "")
    assert store.state(run) is RunState.BLOCKED


def test_a_lease_is_held_by_one_and_given_back(tmp_path):
    store, spec = Store(tmp_path), RunSpec()
    store.begin(spec)
    with store.lease(spec.id):
        assert store.state(spec) is RunState.RUNNING
        code = (
            "import sys; from pathlib import Path; from paper_kit.core.store import *\n"
            "try:\n    Store(Path(sys.argv[1])).lease(sys.argv[2]).__enter__()\nexcept Busy: sys.exit(7)"
        )
        assert (
            subprocess.run([sys.executable, "-c", code, str(tmp_path), spec.id], check=False).returncode == 7
        )
    assert store.state(spec) is RunState.PARTIAL


def test_the_lease_of_a_killed_process_is_taken_over_at_once(tmp_path):
    store, spec = Store(tmp_path), RunSpec()
    store.begin(spec)
    code = (
        "import os, sys, signal; from pathlib import Path; from paper_kit.core.store import *\n"
        "held = Store(Path(sys.argv[1])).lease(sys.argv[2]); held.__enter__()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), spec.id], check=False)
    assert store.owner(spec.id).gone
    assert store.state(spec) is RunState.PARTIAL
    with store.lease(spec.id):
        assert store.state(spec) is RunState.RUNNING


def test_a_run_that_an_older_version_began_goes_on(tmp_path):
    store, spec = Store(tmp_path), RunSpec(epochs=3)
    older = {name: value for name, value in spec.full().items() if name != "compile_mode"}
    write_json(store.file(spec.id, "spec.json"), older)
    store.begin(spec)


def test_another_spec_under_the_same_id_is_named_by_its_field(tmp_path):
    store, spec = Store(tmp_path), RunSpec()
    store.begin(spec)
    value = read_json(store.file(spec.id, "spec.json"))
    value["optim"]["lr"] = 0.5
    write_json(store.file(spec.id, "spec.json"), value)
    with pytest.raises(InputError, match=r"optim\.lr: 0\.5 there, 0\.001 here"):
        store.begin(spec)


def test_a_damaged_record_says_what_to_type(tmp_path):
    store, spec = Store(tmp_path), RunSpec()
    write_json(store.file(spec.id, "record.json"), {"id": spec.id})
    with pytest.raises(InputError, match="paperkit run-all"):
        store.record(spec.id)


def test_a_forgotten_run_is_set_aside_and_not_lost(tmp_path):
    store, spec = Store(tmp_path), RunSpec()
    store.begin(spec)
    store.forget(spec.id)
    assert store.state(spec) is RunState.MISSING
    assert (tmp_path / f"{spec.id}.old-1" / "spec.json").is_file()


class Overtaken(Store):
    """A Store in which another process sets the run aside, and begins it again, before this one has it."""

    @contextmanager
    def lease(self, run_id):
        other = Store(self.root)
        spec = other.spec(run_id)
        other.forget(run_id)
        other.begin(spec)
        with other.lease(run_id):
            yield


def test_of_two_who_set_a_run_aside_neither_takes_the_others_place(tmp_path):
    store, spec = Overtaken(tmp_path), RunSpec()
    store.begin(spec)
    assert store.forget(spec.id) == tmp_path / f"{spec.id}.old-2"
    assert [path.name for path in sorted(tmp_path.glob("*/*"))] == ["spec.json", "spec.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{spec.id}.old-1", f"{spec.id}.old-2"]


def test_busy_is_a_paperkit_error():
    assert Busy("x").exit_code == 1


def test_an_audit_is_found_by_the_fingerprint_of_its_dataset(tmp_path):
    store = Store(tmp_path)
    assert store.audit(FINGERPRINT) is None
    store.write_audit(an_audit())
    assert store.audit(FINGERPRINT) == an_audit()
    assert store.ids() == ()


def test_leaked_test_images_are_those_with_a_copy_outside_of_test():
    assert an_audit().test_exact == {"test1"}
    assert an_audit().test_near == {"test2"}
    assert an_audit().test_leaked == {"test1", "test2"}


def test_a_damaged_audit_is_told_in_a_sentence(tmp_path):
    store = Store(tmp_path)
    store.write_audit(an_audit())
    (tmp_path / "audits" / f"{FINGERPRINT}.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"not a whole audit .* `paperkit data audit NAME --record`"):
        store.audits()


def test_a_record_that_is_no_json_says_what_to_type(tmp_path):
    path = tmp_path / "0123456789ab" / "record.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(
        InputError, match=r"not readable as JSON .* Delete the file and type `paperkit run-all`"
    ):
        Store(tmp_path).record("0123456789ab")


@pytest.mark.parametrize("text", ["{", '{"nothing": 1}', "[]"])
@pytest.mark.parametrize(
    ("file", "read", "typed"),
    [
        ("0123456789ab/spec.json", lambda store: store.spec("0123456789ab"), "`paperkit run-all`"),
        ("0123456789ab/record.json", lambda store: store.record("0123456789ab"), "`paperkit run-all`"),
        ("costs/0123456789ab.json", Store.costs, "`paperkit measure`"),
        ("audits/0123456789abcdef.json", Store.audits, "`paperkit data audit NAME --record`"),
        ("tuning/study-net.json", Store.tunings, "`paperkit tune EXPERIMENT`"),
        ("slurm/17.json", submitted, "`squeue --me`"),
        ("manifest.json", lambda store: read_manifest(store.root / "manifest.json"), "`paperkit build-pdf`"),
    ],
)
def test_each_damaged_file_is_named_with_what_to_type(tmp_path, text, file, read, typed):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(InputError, match=f"{file}: not .*{typed}"):
        read(Store(tmp_path))


def test_a_file_that_is_missing_is_told_without_advice_about_its_damage(tmp_path):
    with pytest.raises(InputError, match=r"record\.json: there is no such file\.$"):
        Store(tmp_path).record("0123456789ab")
