"""Results join plans and Store, and know what is missing."""

from __future__ import annotations

import time

import numpy as np
import pytest

from paper_kit.analysis.predictions import RunReading
from paper_kit.analysis.results import collect
from paper_kit.core.errors import InputError
from tests.analysis.fabricated import fabricate


def test_every_planned_reading_is_one_row_with_metrics(results):
    assert len(results.rows) == 3 * 5
    assert results.missing == ()
    assert results.rows.accuracy.between(0.2, 1).all()
    assert set(results.rows.state) == {"done"}


def test_the_metrics_are_those_of_the_stored_logits(results):
    row = results.cells("emotion_vit")[0]
    path = results.store.file(row.reading.run.id, "predictions.npz")
    with np.load(path) as arrays:
        logits, labels = arrays["test_selected_VNK"].astype(float), arrays["test_labels_N"]
    odds = np.exp(logits)
    mean = (odds / odds.sum(-1, keepdims=True)).mean(0)
    assert results.measured("emotion_vit").mean("accuracy") == pytest.approx(
        (mean.argmax(1) == labels).mean()
    )
    alone = results.measured("emotion_vit", "no_tta").mean("accuracy")
    assert alone == pytest.approx((logits[0].argmax(1) == labels).mean())


def test_one_seed_has_no_deviation_and_three_have_the_sample_deviation(fabricated):
    assert fabricated("three_models").measured("emotion_vit").deviation("accuracy") is None
    measured = fabricated("three_seeds").measured("emotion_vit")
    assert measured.deviation("accuracy") == pytest.approx(np.std(measured.values("accuracy"), ddof=1))


def test_an_empty_store_has_rows_without_metrics(fabricated):
    results = fabricated("nothing_finished")
    assert len(results.rows) == len(results.missing) == 15
    assert results.rows.accuracy.isna().all()
    assert results.classes() == ()
    assert results.card() is None
    assert results.synthetic


def test_a_cell_with_a_missing_seed_has_no_mean(tmp_path):
    plans, store = fabricate(tmp_path, seeds=(0, 1), images=40)
    gone = next(row.reading.run for row in plans[0].rows if row.seed == 1)
    (tmp_path / gone.id / "record.json").unlink()
    results = collect(plans, store)
    assert results.measured("resemotenet").mean("accuracy") is None
    assert results.measured("emotion_vit").mean("accuracy") is not None
    assert {row.reading.run.id for row in results.missing} == {gone.id}


def test_a_view_that_was_not_recorded_is_told_with_what_to_type(results):
    run = results.cells("emotion_vit")[0].reading.run.id
    with pytest.raises(InputError, match=r"crop_tl were not recorded.*Add them to base.views"):
        results.predictions(RunReading(run, ("crop_tl",)))


def test_a_damaged_predictions_file_names_the_file_and_the_cure(tmp_path):
    plans, store = fabricate(tmp_path, models=1, images=20)
    store.file(plans[0].runs[0].id, "predictions.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match=r"predictions.npz: not a whole file.*paperkit run-all"):
        _ = collect(plans, store).rows


def test_an_unknown_model_or_experiment_suggests_a_known_one(results):
    with pytest.raises(InputError, match="Did you mean 'emotion_vit'"):
        results.model("emotion_vitt")
    with pytest.raises(InputError, match="'fabricated'"):
        results.plan("fabricatd")


def test_thirty_six_runs_of_full_size_collect_within_a_second(tmp_path):
    plans, store = fabricate(tmp_path, seeds=(0, 1, 2), images=3589, costs=False)
    start = time.perf_counter()
    assert len(collect(plans, store).rows) == 45
    assert time.perf_counter() - start < 2.0, "one second on an idle machine, doubled for a busy one"
