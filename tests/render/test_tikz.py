"""A diagram in TikZ: inside of its width, boxes apart, every text literal, and it compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations, pairwise

import pandas as pd
import pytest

from paper_kit.analysis.artifacts import Diagram, Edge, Node
from paper_kit.analysis.facts import Fact
from paper_kit.render.boxes import lay_out, lines_of, shortened, width_of
from paper_kit.render.printer import Printer
from paper_kit.render.tikz import PT_PER_IN, SMALLEST_PT, picture, type_size
from tests.render.small import HOSTILE, TEMPLATES

WIDTHS = (3.3, 4.8, 7.16)


def text(content: str) -> Fact:
    return Fact(f"model.{content}", content, "text")


def diagram(count: int, width_in: float = 3.5, name: str = "Stage", does: str = "3×3 conv, BN") -> Diagram:
    """Input, so many parts with a branch, a lower part and a join among them, and logits."""
    nodes = [Node("input", "end", text("Input"), shape=text("3×224×224"))]
    kinds = ("stage", "token", "head")
    nodes += [
        Node(
            f"p{n}",
            kinds[n % 3],
            text(f"{name} {n}"),
            text(does),
            text("512×14×14"),
            text("12.3 k"),
            copies=1 + n % 4,
        )
        for n in range(count)
    ]
    attention = Node("low", "attention", text("A"), text("CBAM"), None, text("9"), host="p0")
    beside = Node("off", "attention", text("B"), text("CBAM"), None, text("8"), host="p1", beside=True)
    fusion = Node("fusion", "fusion", text("Fusion"), text("joined"), text("8"), text("7"))
    nodes += [attention, beside, fusion, Node("logits", "end", text("Logits"), shape=text("1,000"))]
    way = [node for node in nodes if not node.host]
    edges = [Edge(one.name, two.name) for one, two in pairwise(way)]
    edges += [Edge("p1", "off", "branch"), Edge("off", "fusion", "skip"), Edge("p0", "fusion", "skip")]
    return Diagram("architecture", tuple(nodes), tuple(edges), width_in, 8.0, pd.DataFrame(), "Boxes.")


@pytest.mark.parametrize("width_in", WIDTHS)
@pytest.mark.parametrize("count", [2, 5, 16])
def test_boxes_stand_inside_of_the_width_and_never_on_one_another(width_in, count):
    sheet = lay_out(diagram(count, width_in), width_in * PT_PER_IN, 6.5)
    spots = list(sheet.spots.values())
    assert len(spots) == count + 5
    for spot in spots:
        assert spot.x >= 0
        assert spot.x + spot.width + spot.depth <= sheet.width + 0.01
        assert spot.y >= 0
        assert spot.y + spot.height <= sheet.height
    for one, two in combinations(spots, 2):
        apart = (
            one.x + one.width <= two.x + 0.01
            or two.x + two.width <= one.x + 0.01
            or one.y + one.height <= two.y + 0.01
            or two.y + two.height <= one.y + 0.01
        )
        assert apart, (one.node.name, two.node.name)


def test_nothing_is_drawn_outside_of_the_bounding_box():
    drawn = picture(diagram(16, 3.5), Printer().show)
    wide, high = map(
        float, re.search(r"useasboundingbox \(0,0\) rectangle \(([\d.]+),([\d.]+)\)", drawn).groups()
    )
    assert wide <= 3.5 * PT_PER_IN
    points = [(float(x), float(y)) for x, y in re.findall(r"\((-?[\d.]+),(-?[\d.]+)\)", drawn)]
    assert all(-0.01 <= x <= wide + 0.01 and -0.01 <= y <= high + 0.01 for x, y in points)


def test_text_is_at_least_as_large_as_print_needs():
    assert type_size(6.0) == SMALLEST_PT == 6.5
    assert type_size(9.0) == 7.5


def test_long_words_are_broken_and_long_texts_cut():
    cut = shortened("SqueezeExcitationBottleneckWithEverything and " + "more " * 40, 40, 6.5, 4)
    lines = lines_of(cut, 40, 6.5)
    assert len(lines) <= 4
    assert all(width_of(line, 6.5) <= 40 for line in lines)
    assert cut.endswith("…")
    assert shortened("BatchNormAct2d", 40, 6.5, 4) == "BatchNorm Act2d"  # at its seams
    assert lines_of("squeeze-and-excitation", 50, 6.5) == ["squeeze-and-", "excitation"]  # as TeX does


def test_users_texts_are_set_literally():
    drawn = picture(diagram(2, 7.0, name=r"\input{x}", does="50% $a_b$ #1 ^^5c"), Printer().show)
    assert r"\input" not in drawn
    assert r"\textbackslash{}" in drawn
    assert r"50\% \$a\_b\$ \#1" in drawn


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is missing")
@pytest.mark.parametrize("documentclass", ["article", "IEEEtran"])
def test_a_diagram_compiles_as_wide_as_its_line_and_is_shrunk_where_that_is_narrower(tmp_path, documentclass):
    for stem, made in (("fits", diagram(6, 3.3)), ("wide", diagram(6, 7.0, does=HOSTILE))):
        (tmp_path / f"{stem}.tex").write_text(picture(made, Printer().show), encoding="utf-8")
    (tmp_path / "edition.tex").write_text("\\pkloadtikz\\pklinks\n", encoding="utf-8")
    shutil.copy(TEMPLATES / "macros.tex", tmp_path)
    (tmp_path / "paper.tex").write_text(
        f"\\input{{macros.tex}}\\documentclass{{{documentclass}}}"
        "\\usepackage[T1]{fontenc}\\usepackage{textcomp,amssymb,graphicx,xcolor}\\begin{document}"
        "\\noindent\\parbox{3.3in}{\\pkdiagram{a}{fits.tex}}\\par"
        "\\noindent\\parbox{3in}{\\pkdiagram{a}{wide.tex}}\\end{document}",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    log = (tmp_path / "paper.log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log
