"""`paperkit diff --pdf`: changes are marked in prose and tables, or what is not marked is told."""

import shutil
import subprocess
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.exports.marked import marked_pdf, unlinked

ROOT = Path(__file__).resolve().parents[3]
MISSING = [name for name in ("latexdiff", "latexmk") if shutil.which(name) is None]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}: make extras")
TABLE = r"""\pktable{%
\begin{tabular}{lr}a&\textbf{\pkfact{3}{NUMBER}}\\\end{tabular}}{Over \pkfact{4}{12} runs.}"""
DOCUMENT = r"""\input{macros}
\documentclass{article}
\usepackage{graphicx,xcolor,booktabs}
\begin{document}
\section{Results}
The accuracy is \pkfact{1}{NUMBER\,\%} of WORDS \cite{KEY}. Nothing else \{changes\}.
\begin{table}\caption{All}TABLE\end{table}
\bibliographystyle{plain}\bibliography{references}
\end{document}
"""


def build(folder: Path, number: str, words: str, key: str, extra: str = "") -> Path:
    folder.mkdir()
    shutil.copy(ROOT / "templates" / "macros.tex", folder)
    text = DOCUMENT.replace("TABLE", TABLE)
    for sign, value in (("NUMBER", number), ("WORDS", words), ("KEY", key)):
        text = text.replace(sign, value)
    (folder / "paper.tex").write_text(text.replace("Nothing else", f"{extra}Nothing else"))
    book = f"  title = {{Of {key}}},\n  author = {{N. N.}},\n  year = {{2020}},\n"
    (folder / "references.bib").write_text(f"@book{{{key},\n{book}}}\n")
    return folder


def test_facts_are_opened_whatever_braces_they_hold():
    assert unlinked(r"a \pkfact{12}{\textbf{7}\}} b") == r"a {\textbf{7}\}} b"
    assert "adjustbox" in unlinked(TABLE)
    assert "pktable" not in unlinked(TABLE)
    assert r"\pktable" not in unlinked(TABLE * 2)


@needs_tools
@pytest.mark.slow
def test_a_changed_number_and_changed_words_are_marked_beside_the_old(tmp_path):
    before = build(tmp_path / "a", "54.3", "some faces", "old")
    after = build(tmp_path / "b", "55.1", "many faces", "new")
    assert marked_pdf(before, after, tmp_path / "out" / "changes.pdf") == ""
    text = subprocess.run(
        ["pdftotext", str(tmp_path / "out" / "changes.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    for word in ("54.3", "55.1", "some", "many"):
        assert word in text
    assert text.count("55.1") == 2
    assert "?" not in text  # the reference that went is still there to be cited


@needs_tools
@pytest.mark.slow
def test_what_tex_cannot_mark_is_told_and_the_rest_is_marked(tmp_path):
    before = build(tmp_path / "a", r"\verb|x|", "some faces", "old")
    after = build(tmp_path / "b", "55.1", "many faces", "old")
    assert marked_pdf(before, after, tmp_path / "changes.pdf") in {"", "tables", "tables and formulas"}
    assert (tmp_path / "changes.pdf").is_file()


def test_a_folder_without_a_paper_says_what_to_type(tmp_path):
    if shutil.which("latexdiff") is None:
        with pytest.raises(InputError, match="apt-get install latexdiff"):
            marked_pdf(tmp_path, tmp_path, tmp_path / "x.pdf")
        return
    with pytest.raises(InputError, match="paperkit render"):
        marked_pdf(tmp_path, tmp_path, tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()
