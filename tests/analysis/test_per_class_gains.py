"""Per-class gains are differences of recalls, tested as one family apart from the document's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.figures._class_gains import technique
from paper_kit.analysis.figures.per_class_gains import shortened
from paper_kit.analysis.results import collect
from paper_kit.analysis.style import Style
from paper_kit.core.part import load
from paper_kit.stats.tests import holm
from paper_kit.stats.variance import mean_interval
from tests.analysis.fabricated import fabricate
from tests.analysis.picture import clashes, outside, printed

STYLE = Style(column_in=3.49, text_in=7.14)


def drawn(results, **options):
    with STYLE.context():
        return load("figure", "per_class_gains")(results, STYLE, **options)


def recalls(results, model, ablation="base"):
    return np.mean(
        [
            recall_score(one.labels, one.predicted_N, average=None)
            for one in results.measured(model, ablation).predictions
        ],
        axis=0,
    )


@pytest.mark.parametrize("case", ["three_models", "three_seeds"])
def test_gains_are_differences_of_scikit_learns_recalls_averaged_over_models_and_seeds(fabricated, case):
    results = fabricated(case)
    data = drawn(results).data
    for ablation, own in data.groupby("ablation"):
        wanted = np.mean(
            [recalls(results, model.key) - recalls(results, model.key, ablation) for model in results.models],
            axis=0,
        )
        assert own.gain.to_numpy() == pytest.approx(wanted)


def test_interval_and_p_of_a_class_are_those_of_the_paired_differences_of_its_images(results):
    base, without = results.measured("emotion_vit"), results.measured("emotion_vit", "no_focal")
    labels = base.predictions[0].labels
    data = drawn(results, model="emotion_vit").data
    row = data[(data.ablation == "no_focal") & (data["class"] == "fear")].iloc[0]
    own = labels == 2
    difference = base.predictions[0].right_N[own] * 1.0 - without.predictions[0].right_N[own]
    wanted = mean_interval(difference[None])
    assert row.gain == pytest.approx(wanted.mean)
    assert (row.low, row.high) == pytest.approx((wanted.low, wanted.high), abs=0.004)
    assert row.p == pytest.approx(wanted.p, abs=0.02)


def test_p_is_corrected_by_holm_over_the_cells_and_leaves_the_documents_family_alone(results):
    results.claims.clear()
    figure = drawn(results)
    assert results.claims.size == 0
    assert figure.data.p_holm.to_numpy() == pytest.approx(holm(figure.data.p.to_numpy()))
    assert (figure.data.told_from_noise == (figure.data.p_holm < 0.05)).all()
    assert "over the 28 gains of this figure" in figure.notes[1]
    assert f"{figure.data.told_from_noise.sum()} are" in figure.notes[1]


def test_gains_told_from_noise_are_framed_and_spoken(tmp_path):
    plans, store = fabricate(tmp_path, images=1500)
    figure = drawn(collect(plans, store))
    frames = [patch for patch in figure.figure.axes[0].patches if patch.get_width() < 1]
    told = figure.data[figure.data.told_from_noise]
    assert 0 < len(frames) == len(told) < len(figure.data)
    assert f"{len(told)} of {len(figure.data)} told from noise" in figure.alt


def test_the_largest_loss_is_the_fact_of_the_class_that_gains_most_by_a_technique(results):
    facts, data = collect_facts(results), drawn(results).data
    row = data.loc[data.gain.idxmax()]
    assert -row.gain == pytest.approx(facts["results.gained.change"].value)
    assert row["class"] == facts["results.gained.class"].text
    assert row.ablation == facts["results.gained.ablation"].name


def test_a_class_without_test_images_has_a_dash_and_a_note(fabricated):
    figure = drawn(fabricated("absent_class"))
    assert "disgust" not in set(figure.data["class"])
    assert "A dash: no test images of disgust." in figure.notes


def test_a_technique_whose_runs_are_missing_waits_and_the_others_are_shown(tmp_path):
    plans, store = fabricate(tmp_path, images=60)
    gone = next(row.reading.run.id for row in plans[0].rows if row.ablation_key == "no_focal")
    (tmp_path / gone / "record.json").unlink()
    figure = drawn(collect(plans, store))
    assert "Pending: focal loss." in figure.notes
    assert set(figure.data.ablation) == {"no_transfer", "no_mixing", "no_tta"}


@pytest.mark.parametrize(
    ("label", "name"),
    [("w/o TTA", "TTA"), ("without focal loss", "focal loss"), ("Adam", "Adam"), ("no ", "no ")],
)
def test_a_technique_is_named_by_what_its_ablation_removes(label, name):
    assert technique(label) == name


def test_a_long_name_ends_in_an_ellipsis():
    assert shortened("fearfully surprised", 12) == "fearfully s…"
    assert shortened("happy", 12) == "happy"


@pytest.mark.slow
@pytest.mark.parametrize("width", ["column", "text"])
def test_thirty_classes_leave_room_for_the_gains_and_say_that_intervals_are_left_out(fabricated, width):
    figure = drawn(fabricated("huge"), width=width)
    _, texts = printed(figure)
    assert not clashes(texts)
    assert not outside(figure, texts)
    assert any(note.startswith("Intervals do not fit") for note in figure.notes)
    assert figure.figure.get_figheight() < 7.5
