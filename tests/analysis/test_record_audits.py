"""Audits of a run's files: do record, history, predictions and weights belong to one training?"""

import json

import numpy as np
import pytest

from paper_kit.analysis.audits import audits
from paper_kit.analysis.results import collect
from paper_kit.core.arrays import read_npz
from paper_kit.core.errors import InputError
from paper_kit.core.files import write_npz, write_text
from paper_kit.stats.metrics import accuracy, confusion_matrix, macro_f1, probabilities
from tests.analysis.fabricated import fabricate

SAME = "Recall times support is the accuracy"
READ = "Readings of the test images"


@pytest.fixture
def study(tmp_path):
    """Results of fabricated runs, and the id of one of them."""
    plans, store = fabricate(tmp_path, seeds=(0, 1), models=2, audited=False)
    results = collect(plans, store)
    return results, results.cells("resemotenet")[1].reading.run.id


def told(results, name):
    """The outcome and the words of one line, of a study that is read anew."""
    (found,) = [each for each in audits(collect(results.plans, results.store)) if each.name == name]
    return found.ok, found.text


def predicted(results, run, change):
    """Nothing; the arrays of a run's predictions are changed on disk."""
    path = results.store.file(run, "predictions.npz")
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files}
    change(arrays)
    write_npz(path, **arrays)


def recorded(results, run, **changes):
    """Nothing; the record in a run's folder says something else."""
    record = results.store.record(run).model_copy(update=changes)
    path = results.store.file(run, "record.json")
    write_text(path, json.dumps(record.model_dump(mode="json")))


def remembered(results, run, change):
    """Nothing; the rows of a run's history are changed on disk."""
    rows = change(results.store.history(run))
    write_text(results.store.file(run, "history.jsonl"), "".join(json.dumps(row) + "\n" for row in rows))


def true_metrics(results, run):
    """The metrics that training would have recorded for these predictions."""
    found = {}
    with np.load(results.store.file(run, "predictions.npz")) as held:
        for epoch in ("selected", "last"):
            logits = held[f"test_{epoch}_VNK"]
            for views, read in (("first_view", logits[:1]), ("all_views", logits)):
                counts = confusion_matrix(held["test_labels_N"], probabilities(read).argmax(1), 7)
                found[f"test_accuracy_{epoch}_{views}"] = accuracy(counts)
                found[f"test_macro_f1_{epoch}_{views}"] = macro_f1(counts)
    return found


def test_a_run_with_its_rows_permuted_beneath_its_ids_is_told(study):
    results, run = study
    assert told(results, SAME)[0] is True

    def permute(arrays):
        order = np.random.default_rng(0).permutation(len(arrays["test_labels_N"]))
        for name in ("test_selected_VNK", "test_last_VNK"):
            arrays[name] = arrays[name][:, order]
        arrays["test_labels_N"] = arrays["test_labels_N"][order]

    predicted(results, run, permute)
    ok, words = told(results, SAME)
    assert ok is False
    assert f"ResEmoteNet, base, seed 1 ({run}): its test images, or their order or labels" in words


def test_one_id_that_other_runs_do_not_have_is_told(study):
    results, run = study
    predicted(results, run, lambda arrays: arrays["test_ids_N"].__setitem__(3, "test/99999"))
    ok, words = told(results, SAME)
    assert ok is False
    assert run in words


def test_one_image_made_right_contradicts_the_recorded_metrics(study):
    results, run = study
    recorded(results, run, metrics=true_metrics(results, run))
    assert told(results, SAME)[0] is True

    def improve(arrays):
        wrong = np.flatnonzero(arrays["test_selected_VNK"].sum(0).argmax(1) != arrays["test_labels_N"])[0]
        arrays["test_selected_VNK"][:, wrong, arrays["test_labels_N"][wrong]] += 50

    predicted(results, run, improve)
    ok, words = told(results, SAME)
    assert ok is False
    assert "as test_accuracy_selected_all_views, its predictions give" in words


@pytest.mark.parametrize("key", ["test_macro_f1_selected_all_views", "test_accuracy_last_first_view"])
def test_a_changed_metric_of_any_kind_or_epoch_is_told(study, key):
    results, run = study
    metrics = true_metrics(results, run)
    recorded(results, run, metrics=metrics | {key: metrics[key] + 0.001})
    ok, words = told(results, SAME)
    assert ok is False
    assert f"as {key}, its predictions give" in words


def test_predictions_that_are_not_finite_are_refused(study):
    results, run = study
    predicted(results, run, lambda arrays: arrays["test_last_VNK"].__setitem__((0, 5, 2), np.nan))
    assert "the predictions of the last epoch are not finite" in told(results, SAME)[1]
    predicted(results, run, lambda arrays: arrays["test_selected_VNK"].__setitem__((0, 5, 2), np.inf))
    with pytest.raises(InputError, match=r"not finite\. Delete the run's record\.json"):
        told(results, SAME)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "0123456789ab"}, "its record is that of the run 0123456789ab"),
        ({"selected_epoch": 2}, "epoch 5 was best on validation, 2 is recorded as selected"),
        ({"epochs_run": 9}, "its history has 6 epochs of 9"),
        ({"parameters": 7}, "7 parameters are recorded, its layers have 410,000"),
    ],
)
def test_a_record_that_does_not_fit_its_run_is_told(study, changes, words):
    results, run = study
    assert told(results, READ)[0] is True
    recorded(results, run, **changes)
    ok, said = told(results, READ)
    assert ok is False
    assert words in said


def test_a_record_with_the_settings_of_another_run_is_told(study):
    results, run = study
    spec = results.store.record(run).spec
    recorded(results, run, spec=spec | {"epochs": 99})
    assert "its recorded settings are those of the run" in told(results, READ)[1]
    recorded(results, run, spec=spec | {"epochs": -1})
    assert "its recorded settings are not those of a run" in told(results, READ)[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-1], "its history has 5 epochs of 6"),
        (lambda rows: rows[:0], "its history has 0 epochs of 6"),
        (
            lambda rows: [{**rows[0], "validation_accuracy": 0.99}, *rows[1:]],
            "epoch 1 was best on validation",
        ),
        (lambda rows: [{"epoch": row["epoch"]} for row in rows], "its history lacks validation_accuracy"),
        (
            lambda rows: [{**row, "validation_accuracy": row["validation_accuracy"] + 0.1} for row in rows],
            "on validation for epoch 5, its predictions give",
        ),
    ],
)
def test_a_history_that_was_cut_emptied_or_edited_is_told(study, change, words):
    results, run = study
    remembered(results, run, change)
    ok, said = told(results, READ)
    assert ok is False
    assert words in said


def test_weights_that_are_not_those_recorded_are_told_where_they_are_kept(study):
    results, run = study
    results.store.file(run, "weights.safetensors").write_bytes(b"other")
    assert "weights.safetensors is not the file that was recorded" in told(results, READ)[1]


def test_a_damaged_file_of_predictions_is_an_error_with_its_cure(study):
    results, run = study
    path = results.store.file(run, "predictions.npz")
    whole = read_npz(path)
    cure = r"Delete the run's record\.json and type `paperkit run-all`"
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=f"not a whole file of predictions .*{cure}"):
        told(results, READ)
    write_npz(path, **{name: array for name, array in whole.items() if not name.startswith("test_")})
    with pytest.raises(InputError, match=f"it has no array 'test_labels_N'.*{cure}"):
        told(results, READ)
