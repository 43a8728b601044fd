"""Reliability diagrams show the bins whose gaps add up to the printed calibration errors."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.analysis.style import Style
from paper_kit.core.part import load
from paper_kit.stats.intervals import wilson
from tests.analysis.fabricated import fabricate
from tests.analysis.picture import clashes, outside, printed

STYLE = Style(column_in=3.49, text_in=7.14)


def drawn(results, **options):
    with STYLE.context():
        return load("figure", "reliability")(results, STYLE, **options)


def assert_legible(figure):
    _, texts = printed(figure)
    assert not clashes(texts)
    assert not outside(figure, texts)


@pytest.mark.parametrize(("probabilities", "key"), [("as_trained", "ece"), ("temperature", "ece_calibrated")])
def test_the_gaps_of_the_bins_add_up_to_the_calibration_error_of_the_facts(results, probabilities, key):
    data, facts = drawn(results).data, collect_facts(results)
    for model in results.models:
        own = data[(data.model == model.key) & (data.probabilities == probabilities)]
        error = (own.share * (own.accuracy - own.confidence).abs()).sum()
        assert error == pytest.approx(facts[f"results.{model.key}.{key}"].value)
        assert own.share.sum() == pytest.approx(1)


def test_bins_of_equal_width_are_those_of_scikit_learn(results):
    data = drawn(results, bins=8).data
    own = data[(data.model == "emotion_vit") & (data.probabilities == "as_trained")]
    one = results.measured("emotion_vit").predictions[0]
    accuracy, confidence = calibration_curve(one.right_N, one.probabilities.max(axis=1), n_bins=8)
    assert own.accuracy.to_numpy() == pytest.approx(accuracy)
    assert own.confidence.to_numpy() == pytest.approx(confidence)


def test_bins_of_equal_mass_hold_equally_many_images(results):
    data = drawn(results, binning="mass", bins=10).data
    own = data[(data.model == "emotion_vit") & (data.probabilities == "as_trained")]
    assert own.share.to_numpy() == pytest.approx(np.full(10, 0.1), abs=0.006)
    assert "of equally many images" in drawn(results, binning="mass").notes[0]


def test_bars_are_wilsons_for_the_images_of_a_bin_whatever_the_number_of_seeds(fabricated):
    data = drawn(fabricated("three_seeds"), bins=1).data
    row = data[(data.model == "emotion_vit") & (data.probabilities == "as_trained")].iloc[0]
    right = fabricated("three_seeds").measured("emotion_vit").values("accuracy").mean()
    assert row.accuracy == pytest.approx(right)
    assert (row.low, row.high) == pytest.approx(wilson(right * 200, 200))


def test_titles_and_notes_print_the_facts_before_and_after_scaling(results):
    figure, facts = drawn(results), collect_facts(results)
    titles = [panel.get_title() for panel in figure.figure.axes]
    for model in results.models:
        before, after, temperature = (
            facts[f"results.{model.key}.{key}"] for key in ("ece", "ece_calibrated", "temperature")
        )
        assert f"{model.label}\nECE {before.bare} → {after.bare} %" in titles
        assert f"{model.label} {temperature.text}" in figure.notes[1]
        assert temperature.key in [getattr(part, "key", "") for part in figure.notes[1].parts]


def test_one_image_in_a_bin_has_a_bar_inside_the_diagram(tmp_path):
    plans, store = fabricate(tmp_path, models=1, images=6)
    figure = drawn(collect(plans, store), bins=50)
    assert (figure.data.low >= 0).all()
    assert (figure.data.high <= 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("width", ["column", "text"])
def test_twelve_models_are_legible(fabricated, width):
    figure = drawn(fabricated("huge"), width=width)
    assert_legible(figure)
    assert figure.figure.get_figheight() < 7.5
