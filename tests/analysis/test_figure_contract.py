"""Every file of analysis/figures draws tiny, huge and degenerate studies so that all of it can be read."""

from __future__ import annotations

import ast

import pytest

from paper_kit.analysis.artifacts import Diagram, Figure
from paper_kit.analysis.style import Style
from paper_kit.core.part import available, load, options
from tests.analysis.picture import clashes, outside, printed

FIGURES = available("figure")
STYLE = Style()
SMALLEST_IN_PRINT_PT = 6.0
TALLEST_IN = 8.8  # a page of IEEE's or ACM's, less a caption


def choices(name: str) -> list[dict[str, str]]:
    """The default, then each other value of each option that is a choice."""
    given = [{}]
    for option, known in options("figure", name).items():
        if known.type.startswith("Literal["):
            tree = ast.parse(known.type, mode="eval")
            values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            given += [{option: value} for value in values if value != known.default]
    return given


CHOICES = [
    pytest.param(name, chosen, id="-".join([name, *chosen.values()]))
    for name in FIGURES
    for chosen in choices(name)
]
HUGE = [
    pytest.param(name, width, marks=pytest.mark.slow, id=f"{name}-{width}")
    for name in FIGURES
    for width in ("column", "text")
]


def drawn(name, results, **chosen) -> Figure | Diagram:
    with STYLE.context():
        return load("figure", name)(results, STYLE, **chosen)


def assert_legible(figure: Figure | Diagram) -> None:
    """Nothing; a Diagram is set by TeX, where its own tests measure it."""
    if isinstance(figure, Diagram):
        assert figure.size_pt >= SMALLEST_IN_PRINT_PT
        return
    pdf, texts = printed(figure)
    assert pdf.startswith(b"%PDF")
    assert min((each.size_pt for each in texts), default=8) >= SMALLEST_IN_PRINT_PT
    assert not clashes(texts)
    assert not outside(figure, texts)
    assert figure.figure.get_figheight() <= TALLEST_IN


def assert_told(figure: Figure | Diagram) -> None:
    assert figure.alt.strip().endswith(".")
    assert not figure.data.empty or any(
        word in note for note in figure.notes for word in ("Pending", "othing")
    )
    assert "nan" not in f"{figure.alt} {' '.join(figure.notes)}".lower().split()


@pytest.mark.parametrize(("name", "chosen"), CHOICES)
@pytest.mark.parametrize("case", ["tiny", "degenerate"])
def test_each_choice_of_a_figure_can_be_read_and_is_told(fabricated, name, chosen, case):
    figure = drawn(name, fabricated(case), **chosen)
    assert_legible(figure)
    assert_told(figure)


@pytest.mark.parametrize(("name", "width"), HUGE)
def test_thirty_classes_and_twelve_models_can_be_read(fabricated, name, width):
    figure = drawn(name, fabricated("huge"), width=width)
    assert_legible(figure)
    assert_told(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_a_degenerate_study_gives_the_same_bytes_twice(fabricated, name):
    first, second = (drawn(name, fabricated("degenerate")) for _ in range(2))
    if isinstance(first, Diagram):
        assert (first.nodes, first.edges) == (second.nodes, second.edges) or str(first) == str(second)
    else:
        assert first.to_pdf() == second.to_pdf()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_as_wide_as_it_is_printed(fabricated, name):
    """Sizes of type are those of print only where the drawing is set at its own width."""
    for width in ("column", "text"):
        figure = drawn(name, fabricated("tiny"), width=width)
        made = figure.width_in if isinstance(figure, Diagram) else figure.figure.get_figwidth()
        assert made == STYLE.width(width)
