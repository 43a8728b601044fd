"""ROC and precision-recall curves agree with scikit-learn, whatever classes the test images hold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from paper_kit.analysis.facts import Fact
from paper_kit.analysis.figures.roc import GRID, one_against_rest
from paper_kit.analysis.results import collect
from paper_kit.analysis.style import Style
from paper_kit.core.part import load
from tests.analysis.fabricated import fabricate
from tests.analysis.picture import clashes, outside, printed

STYLE = Style(column_in=3.49, text_in=7.14)


def drawn(results, **options):
    with STYLE.context():
        return load("figure", "roc")(results, STYLE, **options)


def assert_legible(figure):
    _, texts = printed(figure)
    assert not clashes(texts)
    assert not outside(figure, texts)


def areas_of(figure):
    return [part for part in figure.notes[0].parts if isinstance(part, Fact)]


def test_the_macro_average_of_auc_is_that_of_scikit_learn(results):
    figure = drawn(results)
    for model, part in zip(results.models, areas_of(figure), strict=True):
        one = results.measured(model.key).predictions[0]
        wanted = roc_auc_score(one.labels, one.probabilities, multi_class="ovr", average="macro")
        assert part.value == pytest.approx(wanted)
        assert f"AUC {part.bare}" in figure.figure.axes[results.models.index(model)].get_title()


def test_the_macro_average_of_ap_is_that_of_scikit_learn(results):
    one = results.measured("emotion_vit").predictions[0]
    wanted = average_precision_score(np.eye(7)[one.labels], one.probabilities, average="macro")
    figure = drawn(results, kind="pr", model="emotion_vit")
    assert areas_of(figure)[0].value == pytest.approx(wanted)


def test_several_seeds_are_averaged_and_their_deviation_is_told(fabricated):
    results = fabricated("three_seeds")
    seeds = [
        roc_auc_score(one.labels, one.probabilities, multi_class="ovr")
        for one in results.measured("emotion_vit").predictions
    ]
    (fact,) = areas_of(drawn(results, model="emotion_vit"))
    assert fact.value == pytest.approx(np.mean(seeds))
    assert fact.spread == pytest.approx(np.std(seeds, ddof=1))
    assert len(fact.origin.readings) == 3


def test_a_curve_counted_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    labels = np.array([0, 1, 0, 1])
    values, areas = one_against_rest(probabilities, labels, "roc")
    assert areas == pytest.approx([0.75, 0.75])  # of the 4 pairs of right and wrong, 3 are in order
    assert values[0, np.searchsorted(GRID, 0.25)] == 0.5
    assert values[0, np.searchsorted(GRID, 0.75)] == 1.0
    values, areas = one_against_rest(probabilities, labels, "pr")
    assert areas == pytest.approx([0.5 + 0.5 * 2 / 3] * 2)
    assert values[0, np.searchsorted(GRID, 0.5)] == 1.0
    assert values[0, -1] == pytest.approx(2 / 3)


def test_the_area_under_a_drawn_curve_is_the_printed_one(results):
    data = drawn(results).data
    for (_, _), own in data.groupby(["model", "line"]):
        area = np.trapezoid(own.true_positive_rate, own.false_positive_rate)
        assert area == pytest.approx(own.auc.iloc[0], abs=0.01)


@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_a_class_without_test_images_is_left_out_and_told(fabricated, kind):
    figure = drawn(fabricated("absent_class"), kind=kind)
    assert "disgust" not in set(figure.data.line)
    assert len(set(figure.data.line)) == 6 + 1
    assert any(note.startswith("Left out") and note.endswith(": disgust.") for note in figure.notes)


def test_test_images_of_one_class_only_leave_nothing_to_draw(tmp_path):
    plans, store = fabricate(tmp_path, images=20, classes=("angry", "happy"), absent=1)
    figure = drawn(collect(plans, store), kind="pr")
    assert figure.data.empty
    assert "EmotionViT nothing to average" in figure.notes[0]
    assert any(note.endswith("angry and happy.") for note in figure.notes)
    assert figure.to_pdf().startswith(b"%PDF")


def test_every_class_and_the_mean_have_a_line_that_looks_like_no_other(results):
    lines = [(line.get_color(), line.get_linestyle()) for line in drawn(results).figure.axes[0].get_lines()]
    assert len(set(lines)) == len(lines) == 7 + 2


@pytest.mark.slow
@pytest.mark.parametrize("width", ["column", "text"])
@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_thirty_classes_of_twelve_models_are_a_band_and_legible(fabricated, width, kind):
    figure = drawn(fabricated("huge"), width=width, kind=kind)
    assert_legible(figure)
    assert figure.figure.get_figheight() < 7.5
    assert set(figure.data.line) == {"lowest", "highest", "mean"}
    assert any("a band shows their range" in note for note in figure.notes)


@pytest.mark.parametrize("width", ["column", "text"])
def test_three_models_are_legible(results, width):
    assert_legible(drawn(results, width=width))
