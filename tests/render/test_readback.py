from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure as Drawing
from pypdf import PdfReader

from paper_kit.analysis.artifacts import Cell, Column, Figure, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.render.check import Finding, check
from paper_kit.render.compile import Compiled, compile_tex
from paper_kit.render.covered import ReadBack, plain
from paper_kit.render.editions import Edition, counterpart
from paper_kit.render.folder import page_files, write
from paper_kit.render.layout import Box, Layout, Link, Word, body_pages, read_layout
from paper_kit.render.manuscript import typeset
from paper_kit.render.material import Drawn
from paper_kit.render.printer import PrintedFact
from paper_kit.render.proofreading import left_over, proofread, same_words
from paper_kit.render.readback import Meant, misprints, untraced
from paper_kit.render.source_map import Place
from paper_kit.render.typed import numbers_in_formulas, numbers_in_tables
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, TEMPLATES, manuscript

needs_tex = [
    pytest.mark.tex,
    pytest.mark.skipif(
        shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
        reason="needs TeX, poppler: make tex",
    ),
]
DOCUMENT = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\section{With \VAR{data.train} images of \VAR{counts.models.words} models}
\label{sec:a}
Prose of Section~\ref{sec:a} reaches \VAR{results.emotion_vit.accuracy}\footnote{A note: \VAR{counts.models}.}
and $x = \VAR{results.emotion_vit.change}$, Table~\ref{tab:t}, \cite{he2016deep};
ResNet-50 had 76.2\,\% \cite{he2016deep} in 2016.
\BLOCK{for word in range(40)}
It names \VAR{results.emotion_vit.accuracy} of \VAR{data.train} images.
\BLOCK{endfor}
\begin{equation}
  y = \frac{1}{2} + 0.25\,\VAR{counts.models}
\end{equation}
\begin{table}[h]
  \caption{Caption: \VAR{results.resemotenet.accuracy}}
  \label{tab:t}
  \centering
  \VAR{table("classes")}
\end{table}
\begin{figure}[h]
  \centering
  \VAR{figure("curves")}
  \caption{Figure of \VAR{data.train}}
\end{figure}
\literal{17}{as many as it takes} are meant.
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\pkappendix
\BLOCK{if edition == "linked"}
\clearpage
\pktarget{provenance}
\section{Provenance}
\pktarget{literal}
\VAR{provenance()}
\BLOCK{endif}
\end{document}
"""


@cache
def drawn() -> Drawn:
    drawing = Drawing(figsize=(2, 1), layout="constrained")
    drawing.subplots().plot([1, 2])
    figure = Figure("curves", drawing, pd.DataFrame({"x": [1, 2]}), alt="A line")
    return Drawn(figure, figure.to_pdf())


SET_FROM = replace(MATERIAL, figure=lambda _name, _options: drawn())


def compiled(text: str, folder: Path, venue: str = "ieeetran", edition: Edition = "linked") -> list[Finding]:
    """What proofreading finds in the manuscript, whose PDF lies in the folder then."""
    chosen, words = load_venue(TEMPLATES, venue), manuscript(text)
    made = typeset(words, SET_FROM, chosen, edition)
    write(page_files(made, words, chosen), folder)
    done: Compiled = compile_tex(folder, made.lines, timeout_s=60.0)
    return proofread(done.pdf, made, words.paper, chosen)


class TestPdf:
    pytestmark = needs_tex

    @pytest.mark.parametrize("venue", ["ieeetran", "article"])
    def test_every_number_in_title_text_caption_cell_footnote_and_formula_is_traced(
        self, venue: str, tmp_path: Path
    ) -> None:
        assert compiled(DOCUMENT, tmp_path, venue) == []
        layout = read_layout(tmp_path / "paper.pdf")
        facts = json.loads((tmp_path / "provenance.json").read_text(encoding="utf-8"))["facts"]
        assert {link.target for link in layout.links if link.target.startswith("pk.")} == {
            "pk.literal",
            *(f"pk.{fact['number']}" for fact in facts),
        }
        assert {f"pk.{fact['number']}" for fact in facts} <= set(layout.targets)
        assert all(
            layout.targets[f"pk.{fact['number']}"].page > body_pages(tmp_path / "paper.pdf") for fact in facts
        )
        pages = json.loads((tmp_path / "pages.json").read_text(encoding="utf-8"))["pages"]
        assert {number for page in pages.values() for number in page} == {fact["number"] for fact in facts}

    @pytest.mark.parametrize("venue", ["ieeetran", "article"])
    def test_the_camera_ready_edition_has_the_same_words_at_the_same_places_and_nothing_else(
        self, venue: str, tmp_path: Path
    ) -> None:
        compiled(DOCUMENT, tmp_path / "a", venue)
        assert compiled(DOCUMENT, tmp_path / "b", venue, "camera-ready") == []
        linked, plain = tmp_path / "a" / "paper.pdf", tmp_path / "b" / "paper.pdf"
        assert same_words(linked, plain) == []
        first, second = read_layout(linked), read_layout(plain)
        assert [word for word in first.words if word.box.page <= first.body_pages] == list(second.words)
        assert left_over(plain) == []
        (found,) = left_over(linked)
        assert "links" in found.message
        assert "attachments" in found.message

    def test_the_attachments_are_the_files_of_the_build_and_the_bytes_are_equal_in_any_folder(
        self, tmp_path: Path
    ) -> None:
        for name in ("a", "b c"):
            compiled(DOCUMENT, tmp_path / name)
        first, second = (tmp_path / name / "paper.pdf" for name in ("a", "b c"))
        assert first.read_bytes() == second.read_bytes()
        with first.open("rb") as stream:
            attached = PdfReader(stream).attachments
            assert attached["provenance.json"] == [(tmp_path / "a" / "provenance.json").read_bytes()]

    def test_a_manuscript_without_the_appendix_has_no_links(self, tmp_path: Path) -> None:
        (found,) = compiled(DOCUMENT.replace("\\VAR{provenance()}\n", ""), tmp_path)
        assert found.kind == "provenance"
        assert not [
            link for link in read_layout(tmp_path / "paper.pdf").links if link.target.startswith("pk.")
        ]
        assert not (tmp_path / "pages.json").exists()

    def test_links_have_no_frames_and_no_colour(self, tmp_path: Path) -> None:
        compiled(DOCUMENT, tmp_path)
        with (tmp_path / "paper.pdf").open("rb") as stream:
            links = [
                link.get_object() for page in PdfReader(stream).pages for link in page.get("/Annots") or ()
            ]
        assert links
        assert all(list(map(float, link["/Border"])) == [0, 0, 0] for link in links)

    def test_a_typed_number_is_found_by_its_page_and_words(self, tmp_path: Path) -> None:
        found = compiled(DOCUMENT.replace("Prose of", "Prose with 81.3 of"), tmp_path)
        assert [(each.kind, each.place) for each in found] == [("untraced", "page 1")]
        assert "81.3 in" in found[0].message
        assert r"\literal{81.3}" in found[0].message

    def test_a_command_that_changes_a_number_is_found(self, tmp_path: Path) -> None:
        nine = "\\let\\asmeant\\pkfact\\renewcommand\\pkfact[2]{\\asmeant{#1}{9#2}}"
        changed = DOCUMENT.replace("\\begin{document}", f"{nine}\n\\begin{{document}}")
        found = compiled(changed, tmp_path)
        assert {each.kind for each in found} >= {"misprint"}
        assert any('is "28,709", but the page shows "928,709' in each.message for each in found)

    def test_a_page_limit_counts_the_pages_before_the_provenance_appendix(self, tmp_path: Path) -> None:
        compiled(DOCUMENT, tmp_path)
        layout = read_layout(tmp_path / "paper.pdf")
        body = body_pages(tmp_path / "paper.pdf")
        assert body == layout.body_pages == len(layout.sizes) - 1
        venue = load_venue(TEMPLATES, "ieeetran")
        short = venue.model_copy(update={"page_limit": body})
        done = Compiled(tmp_path / "paper.pdf", "")
        lines = typeset(manuscript(DOCUMENT), SET_FROM, venue).lines
        assert not [each for each in check(done, lines, short) if each.kind == "pages"]
        if body > 1:
            less = venue.model_copy(update={"page_limit": body - 1})
            (found,) = (each for each in check(done, lines, less) if each.kind == "pages")
            assert f"{body} pages before the provenance appendix" in found.message

    def test_a_blind_edition_names_no_author_and_one_that_does_is_found(self, tmp_path: Path) -> None:
        assert compiled(DOCUMENT, tmp_path, edition="blind") == []
        (tmp_path / "b").mkdir()
        found = compiled(DOCUMENT.replace("Prose of", "Prose by R\\_D of"), tmp_path / "b", edition="blind")
        assert [each.kind for each in found] == ["blind"]
        assert "'R_D'" in found[0].message

    def test_links_go_over_pages_of_any_kind(self, tmp_path: Path) -> None:
        """A fact of many words is broken by lines, columns, pages and a wide float."""
        wide = (
            "\\begin{figure*}\\centering\\VAR{figure('curves')}\\caption{Wide}\\end{figure*}\n"
            "\\BLOCK{for n in range(300)}\n\\VAR{data.name}: \\VAR{data.train}, "
            "\\VAR{results.emotion_vit.accuracy}.\n"
            "\\BLOCK{endfor}\n"
        )
        text = DOCUMENT.replace("\\literal{17}", wide + "\\literal{17}")
        assert compiled(text, tmp_path) == []


def word(text: str, left: float = 10, top: float = 100) -> Word:
    return Word(text, Box(1, left, top, left + 5 * len(text), top + 10))


def read(*words: Word, links: tuple[Link, ...] = (), targets: dict[str, Box] | None = None) -> ReadBack:
    fact = Fact("results.accuracy", 0.724, "percent")
    facts = {1: PrintedFact(1, fact, "72.4\N{NO-BREAK SPACE}%", places=(Place("templates/a.tex", 1),))}
    return ReadBack(Layout(words, links, targets or {}, ((612.0, 792.0),)), facts)


def link(over: Word, target: str = "pk.1") -> Link:
    return Link(target, over.box)


NOTHING_MEANT = Meant(Counter())


def test_a_link_prints_its_fact_also_over_two_lines_and_twice_in_a_row() -> None:
    number, sign = word("72.4"), word("%", 40)
    again = word("(72.4", 10, 120), word("%)", 40, 120)
    both = (number, sign, *again)
    found = read(*both, links=tuple(map(link, both)))
    assert list(misprints(found)) == []
    assert list(untraced(found, NOTHING_MEANT)) == []


def broken(begin: str, floated: str, end: str) -> list[Finding]:
    """The misprints of a fact that a float at the head of the next column parts."""
    first, other, last = word(begin, 10, 700), word(floated, 310, 80), word(end, 310, 200)
    links = (link(first), link(other, "pk.2"), link(last))
    return list(misprints(read(first, other, last, links=links)))


def test_a_fact_that_a_float_parts_is_read_as_one() -> None:
    assert broken("72.4", "9", "%") == []


@pytest.mark.parametrize(("begin", "end"), [("nothing", "72.4%"), ("72.4%", "nothing"), ("72.5", "%")])
def test_parts_that_are_no_fact_together_are_misprints(begin: str, end: str) -> None:
    assert broken(begin, "9", end) != []


@pytest.mark.parametrize("text", ["172.4", "72.41", "72.5", "2,72.4"])
def test_a_link_over_another_number_is_a_misprint(text: str) -> None:
    shown = word(f"{text}%")
    (found,) = misprints(read(shown, links=(link(shown),)))
    assert found.kind == "misprint"
    assert text in found.message


def test_a_fact_of_the_text_that_no_link_shows_is_found_by_its_line() -> None:
    (found,) = misprints(read(word("nothing")))
    assert found.place == "templates/a.tex:1"


@pytest.mark.parametrize(
    "name", ["ResNet-50", "FER2013", "F1", "3D", "tf_efficientnet_lite0", "2016)", "none"]
)
def test_names_and_years_are_no_numbers(name: str) -> None:
    assert list(untraced(read(word(name)), NOTHING_MEANT)) == []


@pytest.mark.parametrize("number", ["81.3", "2,016", "7-class", "0.5", "(12)", "3:", "50%"])
def test_other_digits_are(number: str) -> None:
    assert len(list(untraced(read(word(number)), NOTHING_MEANT))) >= 1


def test_what_stands_beside_a_citation_is_cited() -> None:
    number, cite = word("76.2"), word("[1]", 60)
    entry = {"cite.he": Box(1, 10, 700, 10, 700)}
    assert not list(
        untraced(read(number, cite, links=(link(cite, "cite.he"),), targets=entry), NOTHING_MEANT)
    )
    far = [word("word", 10, 200 + 12 * n) for n in range(6)]
    assert list(
        untraced(read(number, *far, cite, links=(link(cite, "cite.he"),), targets=entry), NOTHING_MEANT)
    )


def test_numbers_of_headings_equations_and_pages_are_known_by_their_targets() -> None:
    targets = {
        "section.2": Box(1, 10, 95, 10, 95),
        "equation.2.4": Box(1, 10, 200, 10, 200),
        "page.7": Box(1, 0, 0, 0, 0),
    }
    words = (word("2"), word("(4)", 200, 205), word("7", 300, 700))
    assert list(untraced(read(*words, targets=targets), NOTHING_MEANT)) == []
    assert len(list(untraced(read(*words), NOTHING_MEANT))) == 3


def test_each_number_of_a_formula_is_expected_as_often_as_it_is_typed() -> None:
    meant = Meant(Counter({"0.5": 1}))
    assert list(untraced(read(word("0.5")), meant)) == []
    assert len(list(untraced(read(word("0.5"), word("0.5", 10, 130)), meant))) == 1


def test_formulas_and_tables_tell_the_numbers_that_are_typed_in_them() -> None:
    tex = "a 5 % $7$\n$x_1 = 0.25 \\pkfact{3}{9}$ \\begin{align*} 2 \\end{align*} \\$ 4 \\$ \\( 6 \\)"
    assert numbers_in_formulas(tex) == Counter({"1": 1, "0.25": 1, "2": 1, "6": 1})
    fact = Fact("a.b", 3, "count")
    table = Table(
        "t", (Column("Top 5"),), (("stride 2",), (fact,), (Cell("x", mark="1"),)), notes=(Note("n 8", fact),)
    )
    assert numbers_in_tables([table]) == {"5", "2", "1", "8"}


def test_signs_and_spaces_do_not_tell_texts_apart() -> None:
    assert plain("\N{MINUS SIGN}3.1\N{NO-BREAK SPACE}points") == plain("-3.1 Points")
    assert plain("10⁻³") == plain("10\N{MINUS SIGN}3")
    assert plain("its authors' net") == plain("its authors\N{RIGHT SINGLE QUOTATION MARK} net")


def test_the_counterpart_of_a_folder_lies_beside_it(tmp_path: Path) -> None:
    build = tmp_path / "ieeetran"
    assert counterpart(build, "ieeetran", "linked") == tmp_path / "ieeetran-camera-ready"
    assert counterpart(tmp_path / "ieeetran-camera-ready", "ieeetran", "camera-ready") == build
    assert counterpart(tmp_path / "own", "ieeetran", "camera-ready") == tmp_path / "own-linked"


def test_a_link_to_a_lettered_number_accounts_for_it_and_for_no_other() -> None:
    named, other = word("S5,"), word("S6", 60)
    links = (link(named, "table.S5"), link(other, "table.S5"))
    unknown = Meant(Counter(), names="")
    (found,) = untraced(read(named, other, links=links), unknown)
    assert found.message.startswith('6 in "')


def ruler(first: int, count: int, left: float) -> list[Word]:
    return [word(str(first + row), left, 100 + 11 * row) for row in range(count)]


def test_numbers_of_lines_in_the_margins_are_no_results() -> None:
    text = [word("Prose", 60, 100), word("ends", 540, 100)]
    assert list(untraced(read(*ruler(8, 9, 20), *text, *ruler(17, 9, 580)), NOTHING_MEANT)) == []


@pytest.mark.parametrize("numbers", [ruler(8, 9, 300), ruler(8, 3, 20), ruler(8, 9, 20)[::2]])
def test_numbers_within_the_text_or_few_or_not_one_a_line_are_found(numbers: list[Word]) -> None:
    text = [word("Prose", 60, 100), word("ends", 540, 100)]
    assert len(list(untraced(read(*numbers, *text), NOTHING_MEANT))) == len(numbers)


def test_a_page_number_of_the_supplement_is_no_result() -> None:
    words = (word("Prose"), word("S8", 300, 700))
    nameless = Meant(Counter(), names="")
    assert list(untraced(read(*words, targets={"page.S8": Box(1, 0, 0, 0, 0)}), nameless)) == []
    assert list(untraced(read(*words), nameless)) != []
