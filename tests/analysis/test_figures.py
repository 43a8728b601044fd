"""Each figure is drawn from full and degenerate results, legible, at the venue's width, with equal bytes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from paper_kit.analysis import images
from paper_kit.analysis.artifacts import Figure
from paper_kit.analysis.results import collect
from paper_kit.analysis.style import SMALLEST_PT, Style
from paper_kit.core.errors import InputError
from paper_kit.core.part import available, load
from tests.analysis.conftest import CASES
from tests.analysis.fabricated import NASTY, fabricate

STYLE = Style()
FIGURES = [name for name in available("figure") if name != "architecture"]  # which is a Diagram


def drawn(name, results, style=STYLE, **options) -> Figure:
    with style.context():
        return load("figure", name)(results, style, **options)


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_drawn_whatever_is_there(fabricated, name, case):
    figure = drawn(name, fabricated(case))
    assert figure.name == name
    assert figure.to_pdf().startswith(b"%PDF")
    assert figure.alt.endswith(".")
    assert figure.data.empty == (case == "nothing_finished")


@pytest.mark.parametrize("name", FIGURES)
def test_an_unfinished_study_is_told_in_the_figure_and_in_a_note(fabricated, name):
    figure = drawn(name, fabricated("nothing_finished"))
    assert any("no finished run" in text.get_text() for text in texts(figure))
    assert "Pending" in figure.notes[0]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", ["column", "text"])
def test_text_is_legible_and_inside_the_venues_width(fabricated, name, width):
    style = Style(column_in=3.3, text_in=6.9)
    figure = drawn(name, fabricated("nasty_names"), style, width=width)
    figure.figure.draw_without_rendering()
    assert figure.figure.get_figwidth() == style.width(width)
    assert min(text.get_fontsize() for text in texts(figure)) >= SMALLEST_PT
    canvas = figure.figure.bbox
    for text in (
        each for panel in figure.figure.axes for each in (panel.title, panel.xaxis.label, panel.yaxis.label)
    ):
        box = text.get_window_extent()
        assert not text.get_text() or (box.x0 >= canvas.x0 - 1 and box.x1 <= canvas.x1 + 1), text.get_text()


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_results_give_the_same_bytes(fabricated, name):
    assert drawn(name, fabricated("three_seeds")).to_pdf() == drawn(name, fabricated("three_seeds")).to_pdf()


@pytest.mark.parametrize("name", ["confusion", "sample_faces", "tsne"])
def test_class_names_come_out_as_they_are(fabricated, name):
    shown = {
        text.get_text().replace("\n", " ")
        for text in texts(drawn(name, fabricated("nasty_names"), width="text"))
    }
    assert {each.replace(" ", "") for each in NASTY} <= {each.replace(" ", "") for each in shown}


@pytest.mark.parametrize("font", ["serif", "sans"])
def test_fonts_are_embedded_as_outlines_that_pdf_readers_can_search(results, font):
    style = Style(font=font)
    with style.context():
        pdf = drawn("accuracy_vs_cost", results, style).to_pdf()
    assert b"/Type3" not in pdf
    assert b"/FontFile2" in pdf


def test_the_confusion_matrix_holds_the_counts_of_the_predictions(results):
    data = drawn("confusion", results, model="emotion_vit").data
    assert (data["count"].to_numpy().reshape(7, 7) == results.measured("emotion_vit").counts_KK).all()
    assert data.groupby("label").rate.sum().to_numpy() == pytest.approx(np.ones(7))


def test_a_class_without_images_leaves_its_row_blank(fabricated):
    figure = drawn("confusion", fabricated("absent_class"), model="emotion_vit")
    cells = [text for text in texts(figure) if text.get_text().isdigit()]
    assert figure.data[figure.data.label == "disgust"].rate.isna().all()
    assert len(cells) >= 42


def test_the_empty_row_is_told(fabricated):
    figure = drawn("confusion", fabricated("absent_class"), model="emotion_vit")
    assert "No test image is labelled disgust: grey rows." in figure.notes


def test_the_bar_of_the_scale_is_no_taller_than_the_panels(fabricated):
    for options in ({"width": "text"}, {"width": "column"}, {"model": "emotion_vit"}):
        *panels, bar = drawn("confusion", fabricated("three_models"), **options).figure.axes
        boxes = [panel.get_position() for panel in panels]
        own = bar.get_position()
        assert min(box.y0 for box in boxes) - 1e-9 <= own.y0 < own.y1 <= max(box.y1 for box in boxes) + 1e-9
        assert bar.get_ylim() == (0, 1)


def test_every_number_of_a_confusion_matrix_stands_out_from_its_cell():
    from matplotlib.colors import to_rgb

    from paper_kit.analysis.figures.confusion import COLOURS, ink

    def luminance(rgb) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for rate in np.linspace(0, 1, 201):
        text = f"{rate * 100:.0f}"
        low, high = sorted((luminance(COLOURS(rate)[:3]), luminance(to_rgb(ink(rate, text)))))
        assert (high + 0.05) / (low + 0.05) >= 4.5, text
    low, high = sorted((luminance(COLOURS(np.nan)[:3]), luminance(to_rgb(ink(np.nan, "0")))))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_cells_print_rate_and_count_where_asked(results):
    figure = drawn("confusion", results, model="emotion_vit", show="both")
    cells = {text.get_text() for text in texts(figure)}
    row = figure.data.iloc[0]
    assert f"{row.rate * 100:.0f}\n{row['count']}" in cells


def test_numbers_that_do_not_fit_are_left_out_and_told(results):
    narrow = Style(column_in=2.4)
    figure = drawn("confusion", results, narrow, show="both")
    assert not any(text.get_text().isdigit() for panel in figure.figure.axes[:-1] for text in panel.texts)
    assert "too small for numbers" in figure.notes[0]
    assert len(figure.data) == 3 * 49


def test_values_that_are_not_finite_are_counted_and_left_out(fabricated):
    notes = drawn("training_curves", fabricated("degenerate")).notes
    assert any(
        note.startswith("6 of 72 values are not finite numbers and left out: ResEmoteNet") for note in notes
    )
    assert not any("not finite" in note for note in drawn("training_curves", fabricated("tiny")).notes)


def test_epochs_from_which_more_is_trained_are_marked_and_told(results, monkeypatch):
    from paper_kit.analysis.figures.training_curves import unfreezing

    real = results.history
    grown = {"trainable_parameters": [10, 10, 40, 40, 90, 90]}
    monkeypatch.setattr(results, "history", lambda run: real(run).assign(**grown))
    figure = drawn("training_curves", results)
    assert unfreezing(figure.data[figure.data.model == "emotion_vit"]) == [3, 5]
    assert "Ticks at the foot" in figure.notes[0]


def test_five_models_have_panels_of_their_own_in_one_scale(tmp_path):
    plans, store = fabricate(tmp_path, models=5, images=40)
    panels = [panel for panel in drawn("training_curves", collect(plans, store)).figure.axes if panel.axison]
    assert len(panels) == 10
    for measure in (0, 1):
        own = [panel for panel in panels if panel.get_subplotspec().rowspan.start % 2 == measure]
        assert len({panel.get_ylim() for panel in own}) == 1


def test_training_curves_hold_every_epoch_of_every_base_run(fabricated):
    data = drawn("training_curves", fabricated("three_seeds")).data
    assert len(data) == 3 * 3 * 6
    assert set(data.seed) == {0, 1, 2}


def test_an_unfinished_model_is_named_as_pending(tmp_path):
    plans, store = fabricate(tmp_path, images=40)
    gone = next(row.reading.run.id for row in plans[0].rows if row.model_key == "emotion_vit")
    (tmp_path / gone / "record.json").unlink()
    results = collect(plans, store)
    for name in ("confusion", "training_curves", "accuracy_vs_cost"):
        assert "Pending: EmotionViT." in drawn(name, results).notes


def test_a_map_uses_the_same_images_for_all_models_and_is_made_once(fabricated, tmp_path, monkeypatch):
    from paper_kit.analysis.figures import tsne

    first = drawn("tsne", fabricated("three_models"), images=60, cache=str(tmp_path)).data
    assert first.groupby("model").id.apply(tuple).nunique() == 1
    assert len(first) == 3 * 60
    shares = first[first.model == "emotion_vit"].label.value_counts(normalize=True)
    labels = fabricated("three_models").measured("emotion_vit").predictions[0].labels
    assert shares.sort_index().to_numpy() == pytest.approx(np.bincount(labels) / len(labels), abs=0.02)
    monkeypatch.setattr(tsne, "_embedded", None)
    again = drawn("tsne", fabricated("three_models"), images=60, cache=str(tmp_path)).data
    assert again.equals(first)


def test_a_map_tells_how_far_it_can_be_trusted(results, tmp_path):
    from sklearn.manifold import trustworthiness

    figure = drawn("tsne", results, images=60, cache=str(tmp_path))
    found = results.embeddings(results.spec("emotion_vit").id)
    own = figure.data[figure.data.model == "emotion_vit"]
    place = [list(found["ids_N"]).index(each) for each in own.id]
    features = found["features_ND"][place].astype(np.float32)
    trust = trustworthiness(features, own[["x", "y"]].to_numpy(), n_neighbors=10)
    assert own.trustworthiness.iloc[0] == pytest.approx(trust, abs=1e-6)
    far = np.linalg.norm(features[:, None] - features[None], axis=2)
    np.fill_diagonal(far, np.inf)
    labels = own.label.to_numpy()
    votes = [np.bincount(labels[near[:10]], minlength=7).argmax() for near in far.argsort(axis=1)]
    assert own.knn_accuracy.iloc[0] == pytest.approx((votes == labels).mean(), abs=1e-6)
    assert f"EmotionViT {trust:.2f} and {(votes == labels).mean() * 100:.1f}" in figure.notes[1]


def test_accuracy_has_the_wilson_interval_of_the_test_images(results):
    from paper_kit.stats.intervals import wilson

    row = drawn("accuracy_vs_cost", results).data.iloc[0]
    assert (row.low, row.high) == pytest.approx(wilson(round(row.accuracy * 200), 200))


def test_the_front_joins_the_models_that_none_dominates(results):
    figure = drawn("accuracy_vs_cost", results, cost=("macs", "latency_p50"))
    for _, own in figure.data.groupby("of"):
        for row in own.itertuples():
            beaten = any(
                o.cost <= row.cost
                and o.accuracy >= row.accuracy
                and (o.cost < row.cost or o.accuracy > row.accuracy)
                for o in own.itertuples()
            )
            assert row.front == (not beaten)
    told = next(note for note in figure.notes if "Pareto" in note)
    edge = figure.data[figure.data.front & (figure.data.of == "macs")].sort_values("cost")
    assert all(label in told for label in edge.label)
    assert "untested" in told


def test_an_unknown_cost_suggests_a_known_one(results):
    with pytest.raises(InputError, match="Did you mean 'parameters'"):
        drawn("accuracy_vs_cost", results, cost="parameter")


def test_faces_that_may_not_be_shown_are_drawn_ones_and_a_note_says_so(results, monkeypatch):
    monkeypatch.setattr(images, "may_show", lambda *_: False)
    figure = drawn("sample_faces", results, per_class=2)
    assert "no licence permits" in figure.notes[0]
    assert set(figure.data.faces) == {2}


def test_faces_that_are_not_at_hand_are_drawn_ones(results, monkeypatch):
    monkeypatch.setattr(images, "_training", lambda *_: None)
    assert "not at hand" in drawn("sample_faces", results, per_class=1).notes[0]


def test_faces_shown_are_the_training_images_of_their_class(results):
    faces = images.faces_by_class(results, 2, 0)
    assert faces.stand_in == ""
    split = images._training(results, results.spec("emotion_vit"))
    for label, found in enumerate(faces.images):
        own = split.images[split.labels == label]
        assert all((own == face).all((1, 2)).any() for face in found)
