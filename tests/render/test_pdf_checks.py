"""What the checks of a PDF find, each planted in a small paper."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from paper_kit.core.paper import Author, Paper
from paper_kit.render.blind import blind_findings, own_entries, secrets
from paper_kit.render.check import Finding, check, counted_pages
from paper_kit.render.compile import compile_tex
from paper_kit.render.editions import Edition
from paper_kit.render.folder import page_files, write
from paper_kit.render.legible import legible, printed_words, unused
from paper_kit.render.manuscript import typeset
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, TEMPLATES, manuscript

needs_tex = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("latexmk", "pdflatex", "pdftohtml", "pdftotext")),
    reason="needs TeX, poppler: make tex",
)
ADA = Author(
    name="Ada Quillfeather",
    affiliation="Institute of Engines, Wexmoor University",
    email="ada.q@wexmoor.edu",
    orcid="0000-0002-1825-0097",
)
PAPER = Paper(
    title="Finding faces",
    authors=(ADA,),
    code_url="https://github.com/quillfeather/engines",
    acknowledgements="We thank the Countess of Brackwater.",
)
BIB = "@article{own, author={Quillfeather, Ada and Noether, Emmy}, title={Old}, journal={J}, year={2020}}\n"
BIB += "@article{other, author={Hilbert, David}, title={Other}, journal={J}, year={2021}}\n"
PAGE = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\section{Introduction}
The difficult office of finding ffl ligatures is efficient. %s
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\pkappendix
\section{More}
\end{document}
"""


def checked(
    text: str,
    folder: Path,
    edition: Edition = "linked",
    files: dict[str, bytes] | None = None,
    **venue: object,
) -> list[Finding]:
    """What the checks find in a page with this text, of a paper by Ada Quillfeather."""
    words = manuscript(PAGE.replace("%s", text))
    words = replace(
        words, paper=PAPER, files={**words.files, **(files or {}), "references.bib": BIB.encode()}
    )
    chosen = load_venue(TEMPLATES, "article").model_copy(update=venue)
    made = typeset(words, MATERIAL, chosen, edition)
    write(page_files(made, words, chosen), folder)
    done = compile_tex(folder, made.lines, timeout_s=60.0)
    found = [*check(done, made.lines, chosen), *legible(done.pdf, made), *unused(made, words.files)]
    return [*found, *(blind_findings(done.pdf, made, PAPER) if edition == "blind" else ())]


def told(found: list[Finding]) -> str:
    return "\n".join(f"{each.kind}: {each}" for each in found)


@needs_tex
class TestPlanted:
    def test_a_clean_page_has_no_finding(self, tmp_path: Path) -> None:
        assert told(checked(r"\cite{other}", tmp_path)) == ""

    def test_small_type_widths_limits_and_unused_things_are_told_at_once(self, tmp_path: Path) -> None:
        text = (
            r"{\fontsize{4}{5}\selectfont tiny words indeed}\clearpage x\cite{other}"
            r"\begin{table}\caption{T}\label{tab:lonely}x\end{table}\includegraphics{photo}"
        )
        picture = (TEMPLATES.parent / "paper" / "examples" / "fer2013_small" / "page.png").read_bytes()
        files = {"photo.png": picture, "other.png": picture}
        found = told(
            checked(
                text,
                tmp_path,
                files=files,
                column_in=3.0,
                text_in=3.0,
                page_limit=1,
                limit_counts="before_references",
            )
        )
        assert "small type: page 1: 'tiny words indeed' printed in 4.0 pt" in found
        assert "write column_in = 6.2" in found
        assert re.search("pages.*, but article allows 1", found)
        assert "tab:lonely" in found
        assert "templates/other.png" in found
        assert "templates/photo.png" not in found
        assert "alt text: templates/manuscript.tex:6" in found

    @pytest.mark.parametrize(("limit", "told_as"), [(1, "2 pages before the references"), (2, "")])
    def test_the_page_on_which_the_references_begin_counts_where_text_stands_above(
        self, limit: int, told_as: str, tmp_path: Path
    ) -> None:
        text = r"one\clearpage two\cite{other}\AtEndDocument{\clearpage three}"
        found = checked(text, tmp_path, page_limit=limit, limit_counts="before_references")
        assert told_as in told(found)
        assert bool(told_as) == bool(found)

    def test_a_citation_without_an_entry_is_found_on_the_page_too(self, tmp_path: Path) -> None:
        found = told(checked(r"\cite{nobody} \cite{other}", tmp_path))
        assert "there is no entry nobody" in found
        assert "reference: page 1" in found

    def test_a_blind_paper_that_cites_its_authors_in_the_third_person_is_clean(self, tmp_path: Path) -> None:
        text = r"Quillfeather et al.\ \cite{own} and others \cite{other} drew engines."
        assert told(checked(text, tmp_path, "blind")) == ""

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("By Ada Quillfeather.", "an author's name"),
            ("As Quillfeather said.", "an author's surname"),
            ("From Wexmoor University.", "tells 'Wexmoor University', an affiliation"),
            ("Write to someone@wexmoor.edu.", "the domain of an e-mail address"),
            ("See 0000-0002-1825-0097.", "an ORCID iD"),
            ("We thank the Countess of Brackwater.", "the acknowledgements"),
            (
                r"\href{https://github.com/quillfeather/engines}{here}",
                "the address github.com/quillfeather/engines",
            ),
            (r"\pdfinfo{/Keywords (by Ada Quillfeather)}", "its metadata tells 'Ada Quillfeather'"),
            (
                r"\pdfannot width 9pt height 9pt depth 0pt "
                r"{/Subtype /Link /A <</S /URI /URI (mailto:ada.q@wexmoor.edu)>>}",
                "its link tells 'ada.q@wexmoor.edu'",
            ),
            (
                r"\immediate\pdfobj{(/home/quill/x.pdf)}\pdfcatalog{/X \the\pdflastobj\space 0 R}",
                "the folder of 'quill'",
            ),
            (
                r"\immediate\pdfobj stream attr {/Type /EmbeddedFile} {made by Ada Quillfeather}"
                r"\pdfcatalog{/X \the\pdflastobj\space 0 R}",
                "its attachment tells",
            ),
            (
                r"\immediate\pdfobj stream attr {/Type /Metadata /Subtype /XML} {<x>Ada Quillfeather</x>}"
                r"\pdfcatalog{/Metadata \the\pdflastobj\space 0 R}",
                "its metadata tells",
            ),
            (r"This extends our previous work \cite{own}.", '"extends our"'),
            (r"We previously showed engines \cite{other,own}.", "third person"),
        ],
    )
    def test_each_thing_that_tells_an_author_is_found(self, text: str, says: str, tmp_path: Path) -> None:
        found = [each for each in checked(text, tmp_path, "blind") if each.kind == "blind"]
        assert says in told(found)


def test_our_work_beside_the_work_of_others_is_no_finding() -> None:
    assert set(own_entries(BIB, PAPER)) == {"own"}
    assert own_entries(BIB, Paper(authors=(Author(name="Bob Quillfeather"),))) == {}


def test_the_commit_that_was_withheld_is_a_secret_and_a_free_mail_domain_is_none() -> None:
    found = {secret.text for secret in secrets(PAPER, ("abc1234def (clean)",))}
    assert {"abc1234", "wexmoor.edu", "quillfeather", "github.com/quillfeather/engines"} <= found
    free = secrets(Paper(authors=(Author(name="A B", email="someone@gmail.com"),)))
    assert "gmail.com" not in {secret.text for secret in free}


def test_the_words_of_a_manuscript_are_those_that_are_printed() -> None:
    tex = (
        r"\begin{document}Printed \label{hidden} \literal{three}{reason} $formula$ \emph{stressed} % comment"
    )
    assert printed_words(tex) == ["Printed", "three", "stressed"]


def test_a_page_limit_counts_what_the_venue_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paper_kit.render.layout.body_pages", lambda _pdf: 12)
    monkeypatch.setattr("paper_kit.render.check.pages", lambda _pdf: 14)
    log = "pkmark references 8\npkmark appendix 10\n"
    assert counted_pages(tmp_path, log, "all") == (12, "the provenance appendix")
    assert counted_pages(tmp_path, log, "before_appendix") == (10, "the appendices")
    assert counted_pages(tmp_path, log, "before_references") == (8, "the references")
