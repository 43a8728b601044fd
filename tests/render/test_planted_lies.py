from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from paper_kit.render.check import Finding
from paper_kit.render.compile import compile_tex
from paper_kit.render.editions import Edition
from paper_kit.render.folder import page_files, write
from paper_kit.render.layout import Box, Layout, Word
from paper_kit.render.manuscript import Manuscript, Typeset, typeset
from paper_kit.render.proofreading import proofread, same_words
from paper_kit.render.reading import Inputs
from paper_kit.render.venue import Venue, load_venue
from paper_kit.render.writing import other_edition
from tests.render.small import TEMPLATES, manuscript
from tests.render.test_readback import DOCUMENT, SET_FROM, compiled, needs_tex

pytestmark = needs_tex
TYPED = ("94.1", "37", "94.3")
ACCURACY = "\\VAR{results.emotion_vit.accuracy}"
PROSE = {
    "91.1": r"This was shown before \cite{he2016deep}. It now reaches LIE percent of all images.",
    "91.2": r"As others found \cite{he2016deep}, it reaches LIE percent of all the images here.",
    "91.3": r"Our model reaches LIE \cite{he2016deep}.",
    "97.7": r"It reaches FLIE percent of the images.",
    "97.8": r"It reaches Acc-LIE percent of the images.",
    "98": r"It reaches X-LIE percent of the images.",
    "1.0": r"It is better by LIE and more.",  # as paper.toml's equivalence_margin
}
HIDDEN = {
    "92.1": r"It reaches LIE\vphantom{$92.1$} percent.",
    "92.2": r"It reaches H$^{\displaystyle LIE}$ percent $\phantom{92.2}$.",
    "92.3": r"It reaches H$_{92.3}$ percent.",
    "92.4": r"\setbox0\hbox{It is $92.4$}It reaches LIE percent.",
    "92.5": r"\newcommand\unused{It is $92.5$}It reaches LIE percent.\iffalse $92.5$ \fi",
    "92.6": r"$\text{It reaches 92.6 percent}$.",
}
LINKED = {
    "93.1": r"It reaches \href{http://x.y}{LIE} percent.",
    "93.2": r"It reaches \hyperref[sec:a]{LIE} percent.",
    "93.3": r"It reaches \url{93.3} percent.",
    "93.4": r"It reaches \pkfigure{LIE} percent.",
    "93.5": r"It reaches \hyperlink{cite.he2016deep}{LIE} percent of all.",
}
FAIR = rf"""Of $x - \VAR{{counts.models}}$, $x-\VAR{{counts.models}}$ and {ACCURACY}--{ACCURACY} ---
{ACCURACY}. See \url{{https://example.org/a/2.0/b-17}} and Table~\ref{{tab:t}}, (\ref{{sec:a}}),
\cite{{he2016deep}}.
With $\beta_1 = 0.9$, $10^{{-3}}$, {{\small $t = 4$}}, \emph{{at $7.5$}}."""


def planted(lie: str, before: str = "") -> str:
    text = DOCUMENT.replace("\\begin{document}", f"{before}\\begin{{document}}")
    return text.replace("\\literal{17}", f"{lie} \\literal{{17}}")


@pytest.mark.parametrize("lies", [PROSE, HIDDEN, LINKED], ids=["prose", "hidden", "linked"])
def test_a_number_behind_each_way_around_the_read_back_is_found(lies: dict[str, str], tmp_path: Path) -> None:
    named = list(zip("ABCDEFGH", lies.items(), strict=False))
    macros = "".join(f"\\newcommand\\lie{letter}{{{number}}}\n" for letter, (number, _) in named)
    text = "".join(words.replace("LIE", f"\\lie{letter}{{}}") + "\n\n" for letter, (_, words) in named)
    found = compiled(planted(text, macros), tmp_path)
    assert {each.kind for each in found} == {"untraced"}
    assert sorted(each.message.split()[0] for each in found) == sorted(lies)


@pytest.mark.slow
@pytest.mark.parametrize(
    "venue", ["ieeetran", "ieeetran_journal", "acmart", "elsarticle", "llncs", "article"]
)
def test_a_number_typed_in_captions_headings_and_cells_is_found_in_every_venue(
    venue: str, tmp_path: Path
) -> None:
    names = zip("ABC", TYPED, strict=True)
    lies = "".join(f"\\newcommand\\lie{name}{{{number}}}\n" for name, number in names)
    text = planted("", lies).replace("Caption: ", r"Caption of \lieA{} percent, and Table \lieB: ")
    text = text.replace(r"\literal{17}", r"\subsection{Of \lieC{} percent}\literal{17}")
    found = compiled(text, tmp_path, venue)
    assert {each.kind for each in found} == {"untraced"}
    assert {each.message.split()[0] for each in found} == set(TYPED)


@pytest.mark.parametrize("venue", ["ieeetran", "article"])
def test_operators_ranges_addresses_references_and_shown_formulas_are_no_lies(
    venue: str, tmp_path: Path
) -> None:
    assert compiled(planted(FAIR), tmp_path, venue) == []


@pytest.mark.parametrize("lie", ["It is $-$%s.", "It is minus %s.", "It is minus $-$%s.", "It is (--%s)."])
def test_a_minus_typed_before_a_fact_is_found(lie: str, tmp_path: Path) -> None:
    found = compiled(planted(lie % ACCURACY), tmp_path)
    assert [each.kind for each in found] == ["misprint"]
    assert "a minus is typed before it" in found[0].message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("\\VAR{provenance()}\n", ""), "is missing"),
        (("\\pktarget{provenance}\n", ""), "is missing"),
        (
            ("\n\\end{document}", "\nIt is 92.2.\n\\end{document}"),
            "is not the last text",
        ),
        (("\\section{With", "\\pktarget{provenance}\\section{With"), "is not the last text"),
    ],
)
def test_an_appendix_that_is_left_out_or_has_text_behind_it_is_found(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    (found,) = compiled(DOCUMENT.replace(*change), tmp_path)
    assert (found.kind, found.place) == ("provenance", "templates/manuscript.tex")
    assert told in found.message
    assert "sections/appendix/provenance.tex" in found.message


def test_a_paper_that_cannot_be_read_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, venue = manuscript(DOCUMENT), load_venue(TEMPLATES, "ieeetran")
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = proofread(tmp_path / "paper.pdf", typeset(words, SET_FROM, venue), words.paper, venue)
    assert found.kind == "tool"
    assert "pdftotext" in found.message


@dataclass(frozen=True)
class Few:
    """Of a build's inputs what its editions are set from."""

    manuscript: Manuscript
    venue: Venue

    def typeset(self, edition: Edition) -> Typeset:
        return typeset(self.manuscript, SET_FROM, self.venue, edition)


def found_in_blind(text: str, folder: Path) -> list[Finding]:
    inputs = Few(manuscript(text), load_venue(TEMPLATES, "ieeetran"))
    made = inputs.typeset("blind")
    write(page_files(made, inputs.manuscript, inputs.venue), folder)
    pdf = compile_tex(folder, made.lines, timeout_s=60.0).pdf
    return other_edition(cast(Inputs, inputs), "blind", pdf)


def test_a_number_that_the_blind_edition_alone_prints_is_found_in_its_linked_twin(tmp_path: Path) -> None:
    macro = "\\newcommand\\acc{92.2}\n"
    lie = '\\BLOCK{if edition == "blind"}It reaches \\acc\\ percent.\\BLOCK{endif}'
    assert found_in_blind(planted("", macro), tmp_path / "fair") == []
    assert (tmp_path / "fair-linked" / "paper.pdf").is_file()
    (found,) = found_in_blind(planted(lie, macro), tmp_path / "lie")
    assert (found.kind, found.message.split()[0]) == ("untraced", "92.2")


def test_words_that_only_an_edition_without_links_prints_are_found(tmp_path: Path) -> None:
    lie = "\\makeatletter\\ifpk@links It reaches less.\\else It reaches 92.2.\\fi\\makeatother"
    (found,) = found_in_blind(planted(lie), tmp_path / "lie")
    assert found.kind == "edition"
    assert "92.2" in found.message


def test_lines_that_moved_are_the_same_words_and_numbers_that_changed_places_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def layout(*lines: str) -> Layout:
        rows = [(20.0 * row, line.split()) for row, line in enumerate(lines)]
        words = [
            Word(text, Box(1, 50.0 * at, top, 50.0 * at + 46, top + 10))
            for top, row in rows
            for at, text in enumerate(row)
        ]
        return Layout(tuple(words), (), {}, ((612.0, 792.0),))

    texts = {
        "linked": layout("ours has 92.2", "theirs has 85.1", "a caption"),
        "moved": layout("a caption", "ours has 92.2", "theirs has 85.1"),
        "swapped": layout("ours has 85.1", "theirs has 92.2", "a caption"),
    }
    monkeypatch.setattr("paper_kit.render.proofreading.read_layout", lambda path: texts[path.name])
    assert same_words(Path("linked"), Path("moved")) == []
    assert [each.kind for each in same_words(Path("linked"), Path("swapped"))] == ["edition"]
