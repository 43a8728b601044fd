"""Packs without what a paper does not read, whole again where they are unpacked."""

import json
import zipfile

import numpy as np
import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.experiment import experiment_from
from paper_kit.core.pack import pack
from paper_kit.core.plan import plan
from paper_kit.core.slim import needed
from paper_kit.core.store import RunState, Store
from paper_kit.core.unpack import unpack
from tests.core.test_pack import a_store, rewritten

ABLATIONS = [{"key": "flat", "label": "Flat", "set": {"loss.gamma": 1.0}}]


def a_plan(tmp_path, **more):
    model = {"key": "a", "label": "A", "part": {"name": "resemotenet"}}
    value = {"question": "?", "expected": "?", "cost": "?", "seeds": [0, 1], "model": [model], **more}
    return plan(experiment_from({"ablation": ABLATIONS, **value}, tmp_path / "study.toml"))


def arrays(seed, stopped_early=False):
    draw = np.random.default_rng(seed).normal
    selected = draw(size=(2, 5, 3)).astype(np.float32)
    return {
        "test_selected_VNK": selected,
        "test_last_VNK": draw(size=(2, 5, 3)).astype(np.float32) if stopped_early else selected,
        "test_labels_N": np.arange(5) % 3,
        "test_ids_N": np.array([f"t{n}" for n in range(5)]),
        "validation_selected_VNK": draw(size=(2, 4, 3)).astype(np.float32),
        "validation_labels_N": np.arange(4) % 3,
        "validation_ids_N": np.array([f"v{n}" for n in range(4)]),
    }


@pytest.fixture
def study(tmp_path):
    """A plan of two seeds, and a Store with its four runs; the last did not end with its best epoch."""
    made = a_plan(tmp_path)
    for number, run in enumerate(made.runs):
        store = a_store(tmp_path / "runs", spec=run)
        held = arrays(number, stopped_early=number == 3)
        np.savez_compressed(store.file(run.id, "predictions.npz"), **held)
        np.savez_compressed(store.file(run.id, "embeddings.npz"), features_ND=np.zeros((2, 2), np.float16))
    return made, Store(tmp_path / "runs")


def packed(study, path):
    made, store = study
    pack(store, [run.id for run in made.runs], path, needed=needed((made,)))
    return path


def predictions(store, run):
    with np.load(store.file(run.id, "predictions.npz")) as held:
        return {name: held[name] for name in held.files}


def test_a_slim_pack_keeps_embeddings_of_the_first_base_and_validation_logits_of_bases(study, tmp_path):
    made, _ = study
    unpack(packed(study, tmp_path / "slim.zip"), there := Store(tmp_path / "there"))
    cells = {(row.ablation_key, row.seed): row.reading.run for row in made.rows}
    for (ablation, seed), run in cells.items():
        assert there.state(run) is RunState.DONE
        assert there.file(run.id, "embeddings.npz").is_file() is ((ablation, seed) == ("base", 0))
        assert ("validation_selected_VNK" in predictions(there, run)) is (ablation == "base")


def test_what_equals_another_array_is_packed_once_and_there_again_when_unpacked(study, tmp_path):
    made, store = study
    path = packed(study, tmp_path / "slim.zip")
    with zipfile.ZipFile(path) as archive:
        entries = json.loads(archive.read("manifest.json"))["files"]
    told = [entries[f"{run.id}/predictions.npz"]["same"] for run in made.runs]
    assert told == [{"test_last_VNK": "test_selected_VNK"}] * 3 + [{}]
    unpack(path, there := Store(tmp_path / "there"))
    for run in made.runs:
        before, after = predictions(store, run), predictions(there, run)
        assert {"test_last_VNK", "test_selected_VNK"} <= after.keys()
        assert all(np.array_equal(array, before[name]) for name, array in after.items())


def test_a_slim_pack_agrees_with_the_whole_runs_that_are_here_already(study, tmp_path):
    made, store = study
    found = unpack(packed(study, tmp_path / "slim.zip"), store)
    assert set(found.present) == {run.id for run in made.runs}
    assert "validation_selected_VNK" in predictions(store, made.runs[-1])  # the whole one stays


def test_a_slim_pack_of_other_predictions_is_refused(study, tmp_path):
    made, store = study
    path = packed(study, tmp_path / "slim.zip")
    held = predictions(store, made.runs[0])
    np.savez(
        store.file(made.runs[0].id, "predictions.npz"),
        **(held | {"test_selected_VNK": held["test_last_VNK"] + 1}),
    )
    with pytest.raises(InputError, match="with other results"):
        unpack(path, store)


def test_a_slim_pack_is_the_same_file_whenever_it_is_made(study, tmp_path):
    assert packed(study, tmp_path / "a.zip").read_bytes() == packed(study, tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize("same", [{"test_last_VNK": "nothing"}, {"test_labels_N": "test_ids_N"}])
def test_a_manifest_that_names_arrays_that_are_not_there_is_refused(study, tmp_path, same):
    def change(_, entries):
        name = next(name for name in entries if name.endswith("predictions.npz"))
        entries[name]["same"] = same

    path = rewritten(packed(study, tmp_path / "slim.zip"), change)
    with pytest.raises(InputError, match="Copy the file again"):
        unpack(path, there := Store(tmp_path / "there"))
    assert not list(there.root.glob("*/record.json"))
