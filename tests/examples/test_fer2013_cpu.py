"""The committed records of the long run on two CPU cores: whole, and what they say of accuracy."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from paper_kit.core.plan import load_plans
from paper_kit.core.store import RunState, Store
from paper_kit.core.unpack import unpack

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "paper" / "examples" / "fer2013_cpu" / "records.zip"
PUBLISHED = 0.66  # of a net of 58 thousand parameters, on the same test images
MINUTES = 90


@pytest.fixture(scope="module")
def run():
    return load_plans((ROOT / "experiments" / "fer2013_cpu.toml",))[0].runs[0]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = Store(tmp_path_factory.mktemp("runs"))
    unpack(RECORDS, found)
    return found


def accuracy(logits_VNK, labels_N):
    powers_VNK = np.exp(logits_VNK - logits_VNK.max(axis=2, keepdims=True))
    return (powers_VNK / powers_VNK.sum(axis=2, keepdims=True)).mean(0).argmax(1) == labels_N


def test_the_run_of_the_experiment_file_is_in_the_pack_with_its_cost(run, store):
    assert store.state(run) is RunState.DONE
    assert [cost.model.name for cost in store.costs()] == ["advanced_emotenet"]


def test_its_accuracy_on_the_official_test_images_is_above_the_published_one(run, store):
    with np.load(store.file(run.id, "predictions.npz")) as held:
        right_N = accuracy(held["test_selected_VNK"].astype(float), held["test_labels_N"])
    assert len(right_N) == 3589
    assert right_N.mean() > PUBLISHED
    assert right_N.mean() == pytest.approx(store.record(run.id).metrics["test_accuracy_selected_all_views"])


def test_its_epoch_was_chosen_on_validation_images_and_it_took_less_than_the_time_allowed(run, store):
    history = [json.loads(line) for line in store.file(run.id, "history.jsonl").read_text().splitlines()]
    best = max(history, key=lambda row: row["validation_accuracy"])
    assert store.record(run.id).selected_epoch == best["epoch"]
    assert len(history) == run.epochs
    assert sum(row["seconds"] for row in history) < MINUTES * 60


def test_the_pack_is_small_and_holds_no_weights_and_no_picture_of_the_dataset():
    assert RECORDS.stat().st_size < 8e6
    with zipfile.ZipFile(RECORDS) as opened:
        assert {Path(name).suffix for name in opened.namelist()} <= {".json", ".jsonl", ".npz"}
