"""Class balance shows the counts of the record and tells the imbalance as a fact."""

from __future__ import annotations

import pandas as pd
import pytest

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.figures.class_balance import classes_that_fit
from paper_kit.analysis.style import Style
from paper_kit.core.part import load
from tests.analysis.picture import clashes, outside, printed

STYLE = Style(column_in=3.49, text_in=7.14)


def drawn(results, **options):
    with STYLE.context():
        return load("figure", "class_balance")(results, STYLE, **options)


def assert_legible(figure):
    _, texts = printed(figure)
    assert not clashes(texts)
    assert not outside(figure, texts)


def test_bars_are_as_long_as_the_counts_of_the_record(results):
    figure = drawn(results)
    counts = results.any_record().data["counts"]
    for bars, split in zip(figure.figure.axes[0].containers, ("train", "validation", "test"), strict=True):
        assert [bar.get_width() for bar in bars] == [counts[split][name] for name in results.classes()]
        own = figure.data[figure.data.split == split]
        assert dict(zip(own["class"], own.images, strict=True)) == counts[split]


def test_the_note_prints_the_facts_of_the_imbalance(results):
    facts, note = collect_facts(results), drawn(results).notes[0]
    printed = {part.key: part.text for part in note.parts if not isinstance(part, str)}
    assert printed == {
        key: facts[key].text
        for key in (
            "data.largest_class", "data.largest_count", "data.imbalance", "data.smallest_class",
            "data.smallest_count",
        )
    }  # fmt: skip
    assert printed["data.imbalance"] == "1.2"


def test_classes_can_be_ordered_by_their_training_images(results):
    names = [label.get_text() for label in drawn(results, order="size").figure.axes[0].get_yticklabels()]
    assert names == list(reversed(results.classes()))


def test_a_class_without_test_images_is_told_and_can_stand_on_a_logarithmic_axis(fabricated):
    figure = drawn(fabricated("absent_class"), scale="log")
    assert "Without images: disgust in test." in figure.notes
    assert figure.figure.axes[0].get_xscale() == "log"
    assert_legible(figure)


def test_of_a_hundred_classes_the_largest_are_shown_and_the_rest_is_counted():
    images = {f"c{n}": 7 * n % 101 for n in range(100)}
    rows = [(name, "train", size) for name, size in images.items()]
    kept, (note,) = classes_that_fit(pd.DataFrame(rows, columns=["class", "split", "images"]), list(images))
    fewest = min(images[name] for name in kept)
    assert kept == [name for name, size in images.items() if size >= fewest]
    assert 40 < len(kept) < 100
    assert f"the {100 - len(kept)} classes with the fewest" in note


@pytest.mark.slow
@pytest.mark.parametrize("width", ["column", "text"])
def test_thirty_classes_are_legible(fabricated, width):
    figure = drawn(fabricated("huge"), width=width)
    assert_legible(figure)
    assert figure.figure.get_figheight() < 7.5
