"""Records that travel as one file, and files that only pretend to be one."""

import json
import zipfile

import pytest

from paper_kit.core import unpack as unpacking
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_text, write_json, write_text
from paper_kit.core.pack import pack
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import ENGINE, RunSpec
from paper_kit.core.store import RunState, Store
from paper_kit.core.tuning import SearchRecord, TuningRecord
from paper_kit.core.unpack import unpack
from tests.core.audited import FINGERPRINT, an_audit

SPEC = RunSpec()


def a_store(root, accuracy=0.5, spec=SPEC):
    store = Store(root)
    store.begin(spec)
    for name in ("history.jsonl", "predictions.npz", "weights.safetensors", "checkpoint.pt"):
        write_text(store.file(spec.id, name), f"{name} {accuracy}")
    record = {
        "id": spec.id,
        "spec": spec.full(),
        "engine": ENGINE,
        "metrics": {"accuracy": accuracy},
        "selected_epoch": 1,
        "epochs_run": 1,
        "parameters": 1,
        "classes": ("a", "b"),
        "card": {},
        "data": {"fingerprint": FINGERPRINT},
    }
    store.write_record(RunRecord.model_validate(record))
    return store


def a_pack(tmp_path, **options):
    path = tmp_path / "records.zip"
    pack(a_store(tmp_path / "here"), [SPEC.id], path, **options)
    return path


def rewritten(path, change):
    """The pack with its {name: bytes} changed, and its manifest's entries with them."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(files, manifest["files"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def added(name, text="x"):
    def change(files, entries):
        files[name] = text.encode()
        entries[name] = {"sha256": sha256_text(text), "bytes": len(text)}

    return change


def test_records_come_out_as_they_went_in(tmp_path):
    found = unpack(a_pack(tmp_path), there := Store(tmp_path / "there"))
    assert found.new == (SPEC.id,)
    assert there.state(SPEC) is RunState.DONE
    assert there.record(SPEC.id).metrics == {"accuracy": 0.5}
    assert there.file(SPEC.id, "history.jsonl").read_text() == "history.jsonl 0.5"
    assert not list(there.root.glob(".unpack-*"))


def test_weights_travel_only_when_asked_and_checkpoints_never(tmp_path):
    unpack(a_pack(tmp_path), without := Store(tmp_path / "without"))
    unpack(a_pack(tmp_path, weights=True), with_weights := Store(tmp_path / "with"))
    assert not without.file(SPEC.id, "weights.safetensors").exists()
    assert with_weights.file(SPEC.id, "weights.safetensors").exists()
    assert not with_weights.file(SPEC.id, "checkpoint.pt").exists()


def test_the_same_records_give_the_same_bytes(tmp_path):
    first = a_pack(tmp_path).read_bytes()
    assert a_pack(tmp_path).read_bytes() == first


def test_unpacking_twice_changes_nothing(tmp_path):
    path, there = a_pack(tmp_path), Store(tmp_path / "there")
    unpack(path, there)
    assert unpack(path, there).present == (SPEC.id,)


def test_a_cut_off_run_is_set_aside_for_the_finished_one(tmp_path):
    path, there = a_pack(tmp_path), Store(tmp_path / "there")
    there.begin(SPEC)
    unpack(path, there)
    assert there.state(SPEC) is RunState.DONE
    assert (there.root / f"{SPEC.id}.old-1").is_dir()


def test_other_results_of_the_same_run_are_not_overwritten(tmp_path):
    path, there = a_pack(tmp_path), a_store(tmp_path / "there", accuracy=0.9)
    with pytest.raises(InputError, match=r"with other results\. Move the folder away"):
        unpack(path, there)
    assert there.record(SPEC.id).metrics == {"accuracy": 0.9}


@pytest.mark.parametrize(
    "name",
    ["../escape.json", "/tmp/escape.json", "..\\escape", "costs/../../x.json", f"{SPEC.id}/other.txt", "x"],
)
def test_a_name_without_a_place_in_a_store_is_refused(tmp_path, name):
    path = rewritten(a_pack(tmp_path), added(name))
    with pytest.raises(InputError, match="has no place in a Store"):
        unpack(path, there := Store(tmp_path / "there"))
    assert not list(there.root.iterdir())


def test_changed_content_is_refused(tmp_path):
    def change(files, _entries):
        files[f"{SPEC.id}/predictions.npz"] = b"predictions.npz 0.9"

    with pytest.raises(InputError, match=r"predictions\.npz: its content is not what the manifest says"):
        unpack(rewritten(a_pack(tmp_path), change), Store(tmp_path / "there"))


def test_more_bytes_than_promised_are_not_written(tmp_path):
    def change(files, _entries):
        files[f"{SPEC.id}/predictions.npz"] += b"x" * 10_000

    with pytest.raises(InputError, match="its content is not what the manifest says"):
        unpack(rewritten(a_pack(tmp_path), change), Store(tmp_path / "there"))


def test_a_file_that_the_manifest_does_not_name_is_refused(tmp_path):
    def change(_files, entries):
        del entries[f"{SPEC.id}/history.jsonl"]

    with pytest.raises(InputError, match="not in both once"):
        unpack(rewritten(a_pack(tmp_path), change), Store(tmp_path / "there"))


def test_a_pack_that_is_too_large_is_refused(tmp_path, monkeypatch):
    path = a_pack(tmp_path)
    monkeypatch.setattr(unpacking, "LARGEST_PACK", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        unpack(path, Store(tmp_path / "there"))


def test_a_folder_that_holds_another_run_is_refused(tmp_path):
    other = RunSpec(seed=1)
    store = a_store(tmp_path / "here")
    a_store(tmp_path / "here", spec=other)
    for name in ("spec.json", "record.json"):
        store.file(SPEC.id, name).write_bytes(store.file(other.id, name).read_bytes())
    pack(store, [SPEC.id], tmp_path / "records.zip")
    with pytest.raises(InputError, match="holds another run"):
        unpack(tmp_path / "records.zip", Store(tmp_path / "there"))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_pack_is_told_in_a_sentence(tmp_path, content):
    path = tmp_path / "records.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a damaged zip, or none"):
        unpack(path, Store(tmp_path / "there"))


def test_a_missing_file_and_a_foreign_zip_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        unpack(tmp_path / "none.zip", Store(tmp_path / "there"))
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(InputError, match=r"it has no manifest\.json"):
        unpack(tmp_path / "foreign.zip", Store(tmp_path / "there"))


def test_packing_nothing_says_what_to_type(tmp_path):
    store = Store(tmp_path)
    write_json(store.file(SPEC.id, "spec.json"), {})
    with pytest.raises(InputError, match="paperkit run-all"):
        pack(store, [SPEC.id], tmp_path / "records.zip")


def test_the_audit_of_a_runs_data_travels_with_it_and_no_other_does(tmp_path):
    here = a_store(tmp_path / "here")
    here.write_audit(an_audit())
    here.write_audit(an_audit("fedcba9876543210"))
    pack(here, [SPEC.id], tmp_path / "records.zip")
    found = unpack(tmp_path / "records.zip", there := Store(tmp_path / "there"))
    assert found.audits == 1
    assert there.audits() == [an_audit()]
    assert unpack(tmp_path / "records.zip", there).audits == 0


def test_the_audit_of_another_dataset_under_this_name_is_refused(tmp_path):
    here = a_store(tmp_path / "here")
    write_json(tmp_path / "here/audits" / f"{FINGERPRINT}.json", an_audit("f" * 16).model_dump(mode="json"))
    pack(here, [SPEC.id], tmp_path / "records.zip")
    with pytest.raises(InputError, match="the audit of another dataset"):
        unpack(tmp_path / "records.zip", Store(tmp_path / "there"))


def a_tuning(fingerprint=FINGERPRINT, experiment="study", spec=SPEC):
    search = SearchRecord(
        kind="grid", fields=("optim.weight_decay",), trials_planned=1, epochs=1, train_fraction=1.0, seed=0,
        sampler_seed=0, select="accuracy", validation_images=9, trials=(), verdict="kept",
        command="paperkit tune",
        ended_at="2026-01-02T03:04:05+00:00", fingerprint=fingerprint,
    )  # fmt: skip
    return TuningRecord(
        experiment=experiment, model="net", spec=spec.full(), parameters=9, searches=(search,)
    )


def test_searches_on_a_runs_data_travel_with_it_and_no_others_do(tmp_path):
    store, there = a_store(tmp_path / "here"), Store(tmp_path / "there")
    store.write_tuning(a_tuning())
    store.write_tuning(a_tuning("0" * 16, "other"))
    store.write_tuning(a_tuning(experiment="larger", spec=SPEC.model_copy(update={"image_size": 64})))
    pack(store, [SPEC.id], tmp_path / "records.zip")
    assert unpack(tmp_path / "records.zip", there).searches == 1
    assert there.tunings() == [a_tuning()]
    assert there.ids() == (SPEC.id,)
    assert unpack(tmp_path / "records.zip", there).searches == 0


def test_a_damaged_search_is_refused(tmp_path):
    store = a_store(tmp_path / "here")
    store.write_tuning(a_tuning())
    path = pack(store, [SPEC.id], tmp_path / "records.zip") and tmp_path / "records.zip"
    name = "tuning/study-net.json"

    def change(files, entries):
        files[name] = files[name].replace(b"study", b"other")
        entries[name] = {"sha256": sha256_text(files[name].decode()), "bytes": len(files[name])}

    with pytest.raises(InputError, match="the search of another model"):
        unpack(rewritten(path, change), Store(tmp_path / "there"))
