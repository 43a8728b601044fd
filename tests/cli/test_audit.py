"""Audits from the command line: of a dataset, and of tables that others published."""

import json

from paper_kit.bench import study
from paper_kit.core.store import Store
from paper_kit.data.cache import open_dataset


def test_run_all_audits_each_dataset_once(paperkit, root, monkeypatch):
    monkeypatch.setattr(study, "open_dataset", open_dataset)
    assert "Auditing the dataset synthetic_faces" in paperkit("run-all", "--jobs", 1).stderr
    (audit,) = Store(root / "experiments" / "runs").audits()
    assert audit.counts["test"].keys() == {
        "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"
    }  # fmt: skip
    assert sum(audit.counts["train"].values()) == 28
    again = paperkit("run-all", "--jobs", 1)
    assert "Auditing" not in again.stderr
    assert "done already" in again.stdout


def test_data_audit_keeps_its_record_only_when_asked(paperkit, root):
    found = paperkit("data", "audit")
    assert "near copies across splits" in found.stdout
    assert Store(root / "experiments" / "runs").audits() == []
    said = paperkit("data", "audit", "--record").stderr
    (audit,) = Store(root / "experiments" / "runs").audits()
    assert f"{audit.fingerprint}.json" in said
    assert audit.dataset.arguments["train"] == 28


def test_a_kept_audit_holds_ids_and_labels_and_no_pixels(paperkit, root):
    paperkit("data", "audit", "--record")
    (file,) = (root / "experiments" / "runs" / "audits").glob("*.json")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert set(kept) == {
        "dataset", "fingerprint", "counts", "blank", "copies", "conflicts", "near", "scan"
    }  # fmt: skip
    assert file.stat().st_size < 2000
