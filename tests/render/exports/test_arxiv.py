"""A paper goes to arXiv: flat, without comments, and compiled alone."""

from __future__ import annotations

import io
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.compile import compile_tex
from paper_kit.render.exports.arxiv import (
    Submission,
    compiled_alone,
    export_arxiv,
    refuse_another,
    submission_files,
)
from paper_kit.render.exports.flatten import flat, without_comments
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import Typeset, typeset
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, TEMPLATES, manuscript

TEXT = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\section{One} % a secret remark
Prose of \VAR{data.train} images \cite{he2016deep}, see \url{https://example.net/a%20b} and \verb|50%|.
\begin{table}[h]
  \caption{A table.}
  \VAR{table("classes")}
\end{table}
\begin{figure}[h]
  \VAR{figure("curves")}
  \caption{A figure.}
\end{figure}
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\pkappendix
\section{More}
The end.
\end{document}
"""
needs_tex = [
    pytest.mark.tex,
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
        reason="needs TeX, poppler: make tex",
    ),
]


@pytest.mark.parametrize(
    ("tex", "left"),
    [
        ("a % why\n  b\n", "a %\n  b\n"),
        ("a\n  % why\nb\n", "a\nb\n"),
        ("a\n% one\n% two\n\nb", "a\n\nb"),
        ("50\\% of \\\\% x\n", "50\\% of \\\\%\n"),
        ("\\url{a%20b} % x\n", "\\url{a%20b} %\n"),
        ("\\href{a%20b}{c} \\verb|%| \\verb*+%+ % x", "\\href{a%20b}{c} \\verb|%| \\verb*+%+ %"),
        (
            "\\begin{verbatim}\n% kept\n\\end{verbatim}\n% gone\n",
            "\\begin{verbatim}\n% kept\n\\end{verbatim}\n",
        ),
        ("\\def\\a#1{% x\n#1}\\begin % y\n", "\\def\\a#1{%\n#1}\\begin %\n"),
        ("% only", ""),
    ],
)
def test_comments_go_and_what_only_looks_like_one_stays(tex: str, left: str) -> None:
    assert without_comments(tex) == left


def test_what_is_read_stands_in_its_place_and_a_commented_line_reads_nothing() -> None:
    files = {"a.tex": "A \\input{b}\n", "b.tex": "B\n", "edition.tex": "E\n"}
    assert flat("x \\input{a} y % \\input{b}\n\\input{gone}", files) == "x A B y % \\input{b}\n\\input{gone}"
    assert flat("\\InputIfFileExists{edition}{}{}\n", files) == "E\n"
    assert flat("\\input{l}", {"l.tex": "\\input{l}"}) == "\\input{l}"


def test_equal_files_give_an_equal_archive_without_dates_and_hidden_names() -> None:
    found = Submission({"paper.tex": b"x", "anc/facts.json": b"{}"})
    assert found.archive == replace(found).archive
    with tarfile.open(fileobj=io.BytesIO(found.archive)) as tar:
        assert [info.name for info in tar] == ["anc/facts.json", "paper.tex"]


class TestCompiled:
    pytestmark = needs_tex

    @staticmethod
    def made(text: str = TEXT) -> Typeset:
        return typeset(manuscript(text), MATERIAL, load_venue(TEMPLATES, "article"), "camera-ready")

    def test_a_submission_compiles_alone_to_the_words_of_the_build(self, tmp_path: Path) -> None:
        venue, to = load_venue(TEMPLATES, "article"), tmp_path / "out" / "arxiv.tar.gz"
        found = export_arxiv(self.made(), manuscript(TEXT), venue, to)
        assert to.read_bytes() == found.archive
        anc = {"anc/facts.json", "anc/claims.json", "anc/tables/classes.csv"}
        assert set(found.files) == {"paper.tex", "paper.bbl", "figures/curves.pdf"} | anc
        paper = found.files["paper.tex"].decode()
        assert paper.startswith("\\pdfoutput=1\n")
        assert "secret" not in paper
        assert "a%20b" in paper
        assert "\\verb|50%|" in paper
        assert "\\input{" not in paper.split("\\begin{document}")[1]

    def test_an_export_that_reads_otherwise_leaves_no_archive(self, tmp_path: Path) -> None:
        venue, to = load_venue(TEMPLATES, "article"), tmp_path / "arxiv.tar.gz"
        to.write_bytes(b"of yesterday")
        text = TEXT.replace("The end.", r"\IfFileExists{references.bib}{Here}{Gone}.")
        with pytest.raises(InputError, match=r"reads .*Gone.* where the build reads .*Here"):
            export_arxiv(self.made(text), manuscript(text), venue, to)
        assert not to.exists()

    def test_an_appendix_can_be_left_unless_the_paper_refers_to_it(self, tmp_path: Path) -> None:
        venue, to = load_venue(TEMPLATES, "article"), tmp_path / "arxiv.tar.gz"
        found = export_arxiv(self.made(), manuscript(TEXT), venue, to, appendix=False)
        assert b"The end." not in found.files["paper.tex"]
        text = TEXT.replace("Prose of", r"See~\ref{app:more}. Prose of").replace(
            "{More}", r"{More}\label{app:more}"
        )
        with pytest.raises(InputError, match=r"app:more: cited or referred to, but not in what is exported"):
            export_arxiv(self.made(text), manuscript(text), venue, to, appendix=False)

    def test_a_name_that_arxiv_refuses_and_a_missing_file_are_told(self, tmp_path: Path) -> None:
        venue, words, made = load_venue(TEMPLATES, "article"), manuscript(TEXT), self.made()
        files = page_files(made, words, venue)
        write(files, tmp_path / "build")
        pdf = compile_tex(tmp_path / "build", made.lines).pdf
        found = submission_files(files, tmp_path / "build" / "tex")
        del found["figures/curves.pdf"]
        with pytest.raises(InputError, match=r"does not compile alone[\s\S]*curves\.pdf"):
            compiled_alone(Submission(found).archive, tmp_path / "alone")
        refuse_another(pdf, pdf)
