"""A document is parted where its supplement begins; links, bookmarks and named places survive."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from paper_kit.render.supplement import pages_before, split

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = r"""\input{macros}
\pklinks
\documentclass[twocolumn]{article}
\usepackage{graphicx,embedfile}
\usepackage[hidelinks]{hyperref}
\hypersetup{pdftitle={Faces},pdflang={en}}
\begin{document}
\section{Words}\label{sec:words}
The accuracy is \pkfact{7}{72.4\,\%} (Table~\ref{tab:more}, Section~\ref{sec:more}, \cite{one}).
\begin{table}\caption{Here}\label{tab:here}a\end{table}
\clearpage
\begin{thebibliography}{1}\bibitem{one} A book.\end{thebibliography}
\pkattach{facts.json}{application/json}{Facts}
\pksupplement{Faces}{Nobody}
\section{Much more}\label{sec:more}
See Section~\ref{sec:words} and \cite{one}.
\begin{table}\caption{There}\label{tab:more}b\end{table}
\clearpage
\subsection{Deep}
\pkto{7}{accuracy}
\end{document}
"""
needs_tex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs TeX: make tex")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """(paper, supplement) of the document, as readers."""
    folder = tmp_path_factory.mktemp("document")
    shutil.copy(ROOT / "templates" / "macros.tex", folder)
    (folder / "paper.tex").write_text(DOCUMENT)
    (folder / "facts.json").write_text("{}")
    for _ in range(2):
        subprocess.run(["pdflatex", "-interaction=batchmode", "paper.tex"], cwd=folder, check=True)
    before = pages_before((folder / "paper.log").read_text(errors="replace"))
    whole = (folder / "paper.pdf").read_bytes()
    assert before == 2
    assert split(whole, before) == split(whole, before)
    return tuple(PdfReader(io.BytesIO(part)) for part in split(whole, before))


def links(reader):
    """(kind, file, place) of each link."""
    found = []
    for page in reader.pages:
        for entry in page.get("/Annots", ()):
            action = entry.get_object().get("/A")
            found.append((str(action["/S"]), str(action.get("/F", "")), str(action["/D"])))
    return found


def titles(outline):
    return [titles(each) if isinstance(each, list) else each.title for each in outline]


@needs_tex
def test_a_link_across_names_the_other_file_and_one_within_does_not(parts):
    paper, supplement = map(links, parts)
    assert ("/GoToR", "supplement.pdf", "pk.7") in paper
    assert ("/GoTo", "", "cite.one") in paper
    assert ("/GoToR", "paper.pdf", "cite.one") in supplement
    assert ("/GoToR", "paper.pdf", "section.1") in supplement


@needs_tex
def test_places_and_bookmarks_go_with_their_pages(parts):
    paper, supplement = parts
    assert "pk.7" not in paper.named_destinations
    assert "pk.7" in supplement.named_destinations
    assert "section.1" not in supplement.named_destinations
    assert titles(paper.outline) == ["Words"]
    assert titles(supplement.outline) == ["Much more", ["Deep"]]


@needs_tex
def test_the_supplement_counts_from_s1(parts):
    text = "\n".join(page.extract_text() for page in parts[1].pages)
    assert "Table S1: There" in text
    assert "S1 Much more" in text.replace("\n", " ").replace("  ", " ")
    assert parts[1].page_labels == ["S1", "S2"]
    assert "Table S1, Section S1" in parts[0].pages[0].extract_text().replace("\n", " ")


@needs_tex
def test_title_and_attached_files(parts):
    paper, supplement = parts
    assert (paper.metadata.title, supplement.metadata.title) == ("Faces", "Supplement: Faces")
    assert list(paper.attachments) == ["facts.json"]
    assert not supplement.attachments


@needs_tex
def test_nothing_of_the_other_part_is_left_in_the_file(parts):
    paper, supplement = parts
    assert len(paper.pages) == len(supplement.pages) == 2
    assert sum("/Type" in o and o["/Type"] == "/Page" for o in objects(paper)) == 2


def objects(reader):
    for number in range(1, reader.trailer["/Size"]):
        found = reader.get_object(number)
        if hasattr(found, "get"):
            yield found


def test_a_log_without_a_supplement_has_none():
    assert pages_before("This is pdfTeX\n") == 0
    assert (
        pages_before("pk: the supplement begins after page 8\npk: the supplement begins after page 9\n") == 9
    )
