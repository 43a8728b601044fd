"""The forest plot shows the changes, intervals and corrected tests of the ablation table."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest

from paper_kit.analysis.artifacts import PENDING
from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import collect
from paper_kit.analysis.style import Style
from paper_kit.core.part import load
from paper_kit.render.manuscript import typeset
from paper_kit.render.material import material
from paper_kit.render.venue import load_venue
from paper_kit.stats.tests import holm
from tests.analysis.fabricated import fabricate
from tests.analysis.picture import clashes, outside, printed
from tests.render.small import TEMPLATES, manuscript

STYLE = Style(column_in=3.49, text_in=7.14)


def drawn(results, **options):
    with STYLE.context():
        return load("figure", "ablation_effects")(results, STYLE, **options)


def assert_legible(figure):
    _, texts = printed(figure)
    assert not clashes(texts)
    assert not outside(figure, texts)


def test_every_row_is_the_change_and_the_interval_of_the_facts(results):
    data = drawn(results).data.set_index(["model", "ablation"])
    facts = collect_facts(results)
    for (model, ablation), row in data.iterrows():
        fact = facts[f"results.{model}.without.{ablation}.change"]
        base, without = results.measured(model), results.measured(model, ablation)
        assert row.printed.split("\N{NO-BREAK SPACE}")[0] == fact.bare
        assert row.change == pytest.approx(without.values("accuracy").mean() - base.values("accuracy").mean())
        assert row.low < row.change < row.high
    assert len(data) == 12


def test_in_a_document_marks_and_table_have_the_same_settled_p(results):
    text = (
        '\\VAR{figure("ablation_effects")}\\VAR{table("ablation")}'
        "\\BLOCK{claim results.emotion_vit.accuracy > results.resemotenet.accuracy}a\\BLOCK{reversed}b"
        "\\BLOCK{undecided}c\\BLOCK{endclaim}"
    )
    venue = load_venue(TEMPLATES, "ieeetran")
    made = typeset(manuscript(text), material(results, venue.figure_style()), venue)
    data, table = pd.read_csv(StringIO(made.figures["ablation-effects"].csv)), made.tables["ablation"]
    rows = {row[0].text(table.columns[0]): row for row in table.cells}
    of_table = []
    for label, test in zip(("ResEmoteNet", "AdvancedEmoteNet", "EmotionViT"), table.cells[1::2], strict=True):
        of_table += [(cell.content.value, rows[label][n].grey) for n, cell in enumerate(test) if n > 1]
    assert [p for p, _ in of_table] == pytest.approx(list(data.p_holm))
    assert [grey for _, grey in of_table] == list(~data.told_from_noise)
    family = [test["p"] for test in made.family]
    corrected = dict(zip(np.round(family, 12), holm(family), strict=True))
    assert list(data.p_holm) == pytest.approx([corrected[p] for p in np.round(data.p, 12)])
    assert (data.p_holm > data.p).any()
    assert "13 tests" in str(made.figures["ablation-effects"].figure.notes[2])


def test_marks_are_filled_where_the_corrected_p_is_below_alpha(results):
    results.claims.clear()
    results.claims.begin_round()
    drawn(results)
    results.claims.begin_round()
    figure = drawn(results)
    marks = [line for panel in figure.figure.axes for line in panel.get_lines() if len(line.get_xdata()) == 1]
    filled = [line.get_markerfacecolor() != "white" for line in marks]
    assert filled == list(figure.data.p_holm < results.claims.alpha)
    assert 0 < sum(filled) < len(filled)


def test_grouped_by_ablation_the_same_rows_come_in_another_order(results):
    one, other = drawn(results).data, drawn(results, by="ablation").data
    assert list(other.ablation[:3]) == ["no_transfer"] * 3
    same = ["model", "ablation"]
    assert one.sort_values(same).reset_index(drop=True).equals(other.sort_values(same).reset_index(drop=True))


def test_a_change_whose_run_is_missing_stays_as_a_row_that_waits(tmp_path):
    plans, store = fabricate(tmp_path, images=60)
    gone = next(
        row.reading.run.id
        for row in plans[0].rows
        if (row.model_key, row.ablation_key) == ("emotion_vit", "no_focal")
    )
    (tmp_path / gone / "record.json").unlink()
    data = drawn(collect(plans, store)).data.set_index(["model", "ablation"])
    assert data.loc[("emotion_vit", "no_focal")].printed == PENDING
    assert (data.printed == PENDING).sum() == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", ["column", "text"])
@pytest.mark.parametrize("by", ["model", "ablation"])
def test_twelve_models_are_legible_and_what_does_not_fit_is_named(fabricated, width, by):
    figure = drawn(fabricated("huge"), width=width, by=by)
    assert_legible(figure)
    assert figure.figure.get_figheight() < 7.5
    assert len(figure.data) == 48
    hidden = [note for note in figure.notes if "want of room" in note]
    assert bool(hidden) == (width == "column")
