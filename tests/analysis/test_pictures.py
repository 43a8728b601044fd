"""Figures with pictures: whose face a map lies on, what is shown where no face may be, and what is told."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from paper_kit.analysis import images
from paper_kit.analysis.artifacts import Figure
from paper_kit.analysis.figures._maps import overlaid
from paper_kit.analysis.figures._sheet import cut, folded, long_in
from paper_kit.analysis.images import FacesById
from paper_kit.analysis.results import collect
from paper_kit.analysis.style import Style
from paper_kit.core.errors import InputError
from paper_kit.core.part import load
from paper_kit.core.store import GALLERY, SALIENCY
from tests.analysis.fabricated import fabricate
from tests.analysis.pictured import faces_of

STYLE = Style()
MANY = tuple(f"class number {n} of many" for n in range(30))


def drawn(name, results, **options) -> Figure:
    with STYLE.context():
        return load("figure", name)(results, STYLE, **options)


def words(figure: Figure) -> list[Text]:
    return [text for text in figure.figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def shown(figure: Figure) -> list[np.ndarray]:
    """The pictures of a figure, as they were given to it."""
    return [np.asarray(image.get_array()) for image in figure.figure.axes[0].images]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of words that lie on each other, and words that leave the sheet."""
    figure.figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in words(figure)]
    page = figure.figure.bbox
    found = [
        (one, other)
        for place, (one, box) in enumerate(boxes)
        for other, second in boxes[place + 1 :]
        if min(box.x1, second.x1) - max(box.x0, second.x0) > 1
        and min(box.y1, second.y1) - max(box.y0, second.y0) > 1
    ]
    outside = [
        (name, "outside")
        for name, box in boxes
        if box.x0 < page.x0 - 1 or box.x1 > page.x1 + 1 or box.y0 < page.y0 - 1 or box.y1 > page.y1 + 1
    ]
    return found + outside


@pytest.fixture
def at_hand(monkeypatch):
    """Every test image is at hand, all of one grey."""

    def faces(_results, ids, _experiment=""):
        return FacesById({name: np.full((8, 8), 90, np.uint8) for name in ids})

    for name in ("saliency", "mistakes"):
        monkeypatch.setattr(f"paper_kit.analysis.figures.{name}.faces_of_test", faces)


@pytest.mark.parametrize("name", ["saliency", "mistakes", "augmentation", "sample_faces"])
@pytest.mark.parametrize("width", ["column", "text"])
@pytest.mark.parametrize("faces", ["faces", "no faces"])
def test_no_words_overlap_at_thirty_classes(tmp_path, request, name, width, faces):
    if faces == "faces":
        request.getfixturevalue("at_hand")
    plans, store = fabricate(tmp_path, images=120, classes=MANY)
    figure = drawn(name, collect(plans, store), width=width)
    assert overlaps(figure) == []
    assert not figure.data.empty


@pytest.mark.parametrize("name", ["saliency", "mistakes", "augmentation", "sample_faces"])
@pytest.mark.parametrize("case", ["three_models", "nasty_names", "absent_class"])
def test_no_words_overlap_whatever_the_classes_are_called(fabricated, name, case):
    for width in ("column", "text"):
        assert overlaps(drawn(name, fabricated(case), width=width)) == []


@pytest.mark.parametrize(("name", "file"), [("saliency", SALIENCY), ("augmentation", GALLERY)])
def test_what_no_run_recorded_is_told_with_what_to_type(tmp_path, name, file):
    plans, store = fabricate(tmp_path, images=40)
    for path in tmp_path.glob(f"*/{file}"):
        path.unlink()
    figure = drawn(name, collect(plans, store))
    assert "paperkit explain" in words(figure)[0].get_text().replace("\n", " ")
    assert "paperkit explain" in figure.notes[0]
    assert figure.data.empty


def test_one_model_without_maps_is_told_beside_the_others(tmp_path):
    plans, store = fabricate(tmp_path, images=40)
    results = collect(plans, store)
    results.store.file(results.spec("emotion_vit").id, SALIENCY).unlink()
    figure = drawn("saliency", results)
    assert "EmotionViT: not recorded; type paperkit explain." in figure.notes
    assert "not recorded" in {text.get_text().replace("\n", " ") for text in words(figure)}
    assert set(figure.data.model) == {"resemotenet", "advanced_emotenet"}


@pytest.mark.parametrize(("name", "file"), [("saliency", SALIENCY), ("augmentation", GALLERY)])
def test_a_damaged_file_is_named_with_what_to_type(tmp_path, name, file):
    plans, store = fabricate(tmp_path, images=40)
    results = collect(plans, store)
    store.file(results.spec("resemotenet").id, file).write_bytes(b"PK")
    with pytest.raises(InputError, match="Delete it and type `paperkit explain`"):
        drawn(name, results)


def test_faces_that_may_not_be_shown_give_way_to_drawn_ones_with_their_own_maps(results, monkeypatch):
    monkeypatch.setattr(images, "may_show", lambda *_: False)
    figure = drawn("saliency", results)
    assert set(figure.data.shown) == {"drawn", "mean"}
    assert "no licence permits" in figure.notes[1]
    assert "laid over no other" in figure.notes[1]
    own = [faces[0] for faces in faces_of(results.classes(), 1, 11)]
    grey = [picture for picture in shown(figure) if picture.ndim == 2]
    assert len(grey) == len(own) == 7
    assert all(np.array_equal(one, other) for one, other in zip(grey, own, strict=True))


def test_maps_of_other_drawings_than_this_version_makes_are_not_laid_over_its_faces(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "may_show", lambda *_: False)
    plans, store = fabricate(tmp_path, images=40)
    for path in tmp_path.glob(f"*/{SALIENCY}"):
        held = dict(np.load(path))
        np.savez(path, **{**held, "drawn_fingerprint": np.array("another")})
    figure = drawn("saliency", collect(plans, store))
    assert set(figure.data.shown) == {"mean"}
    assert all(picture.ndim == 3 for picture in shown(figure))


@pytest.mark.usefixtures("at_hand")
def test_a_map_of_a_test_image_lies_over_that_image(results):
    figure = drawn("saliency", results)
    assert set(figure.data.shown) == {"test"}
    assert figure.data.groupby("class").id.nunique().max() == 1
    maps = np.load(results.store.file(results.spec("resemotenet").id, SALIENCY))
    first = figure.data[(figure.data.model == "resemotenet") & (figure.data["class"] == "angry")]
    assert first.value.to_numpy() == pytest.approx(maps["maps_NThw"][0, 0].ravel(), abs=1e-3)
    label = drawn("saliency", results, target="label").data
    first = label[(label.model == "resemotenet") & (label["class"] == "angry")]
    assert first.value.to_numpy() == pytest.approx(maps["maps_NThw"][0, 1].ravel(), abs=1e-3)


def test_a_mean_map_is_the_mean_of_the_classs_test_images(results, monkeypatch):
    monkeypatch.setattr(images, "may_show", lambda *_: False)
    data = drawn("saliency", results).data
    maps = np.load(results.store.file(results.spec("emotion_vit").id, SALIENCY))
    happy = data[(data.model == "emotion_vit") & (data["class"] == "happy") & (data.shown == "mean")]
    expected = maps["maps_NThw"][maps["labels_N"] == 3, 0].astype(float).mean(0)
    assert happy.value.to_numpy() == pytest.approx(expected.ravel(), abs=1e-4)
    assert set(happy.images) == {2}


def test_colours_reach_from_the_least_to_the_most_and_a_flat_map_hides_nothing():
    corner = overlaid(np.array([[0.0, 0.0], [0.0, 1.0]]), (0.0, 0.0, 1.0, 1.0), None)
    assert corner[-1, -1].sum() > 600
    assert corner[0, 0].sum() < 20
    face = np.full((8, 8), 200, np.uint8)
    assert overlaid(np.zeros((2, 2)), (0.0, 0.0, 1.0, 1.0), face).min() > 170


def test_the_map_of_a_padded_image_is_laid_where_it_belongs():
    values = np.array([[0.0, 1.0]])
    whole, padded = (overlaid(values, (0.0, 0.0, right, 1.0), None)[0, :, 0] for right in (1.0, 2.0))
    assert (whole[-10:] > 240).all()
    assert padded[-1] < 240


def test_mistakes_are_the_surest_wrong_predictions_of_the_first_seed(fabricated):
    results = fabricated("three_seeds")
    data = drawn("mistakes", results, images=3).data
    one = results.measured("emotion_vit").predictions[0]
    names, wrong = results.classes(), ~one.right_N
    best = np.sort(one.probabilities.max(1)[wrong])[::-1][:3]
    own = data[data.model == "emotion_vit"]
    assert own.confidence.to_numpy() == pytest.approx(best)
    place = one.ids.tolist().index(own.id.iloc[0])
    told = own.label.iloc[0], own.predicted.iloc[0]
    assert told == (names[one.labels[place]], names[one.predicted_N[place]])
    assert told[0] != told[1]


@pytest.mark.usefixtures("at_hand")
def test_mistakes_show_no_face_in_place_of_one_that_may_not_be_shown(results, monkeypatch):
    assert len(shown(drawn("mistakes", results))) == 21
    monkeypatch.undo()
    monkeypatch.setattr(images, "may_show", lambda *_: False)
    figure = drawn("mistakes", results)
    assert shown(figure) == []
    assert any("No face is shown, because no licence permits" in note for note in figure.notes)


def test_the_gallery_prints_the_weights_of_each_mixed_label(results):
    figure = drawn("augmentation", results)
    assert figure.data[figure.data.shows == "mixup"].below.tolist() == ["0.63 happy + 0.37 sad"]
    assert figure.data[figure.data.shows == "steps"].above.tolist()[:2] == ["original", "rotate p = 0.5"]
    assert "CutMix: 0.63 happy + 0.37 sad" in figure.alt


def test_words_are_cut_and_folded_by_their_length_in_inches():
    with STYLE.context():
        assert cut("happy", 1.0, 7) == "happy"
        assert long_in(cut("a very long name of a class", 0.5, 7), 7) <= 0.5
        lines = folded("AdvancedEmoteNet", 0.7, 7, 3).split("\n")
        assert lines == ["AdvancedEmote", "Net"]
        assert folded("EmotionViT", 0.45, 7, 3) == "Emotion\nViT"
        assert max(long_in(line, 7) for line in folded("x" * 60, 0.5, 7, 9).split("\n")) <= 0.5
        assert folded("one two three four", 0.3, 7, 2).count("\n") == 1
