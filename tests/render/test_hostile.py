from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.compile import Compiled, compile_tex
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import load_manuscript, typeset
from paper_kit.render.seal import pdf_text
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, PAPER, TEMPLATES, drawn, manuscript

pytestmark = [
    pytest.mark.tex,
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
        reason="needs TeX, poppler: make tex",
    ),
]
HEAD = "\\input{macros}\n\\BLOCK{include venue_preamble}\n\\begin{document}\nPaper. "
SECRET = "S3CRETWORD"


def compiled(text: str, folder: Path) -> Compiled:
    venue, words = load_venue(TEMPLATES, "article"), manuscript(f"{HEAD}{text}\n\\end{{document}}")
    made = typeset(words, MATERIAL, venue)
    write(page_files(made, words, venue), folder)
    return compile_tex(folder, made.lines, timeout_s=60.0)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside of the build with a secret as text, picture, reference; a home that TeX searches."""
    place = tmp_path / "outside"
    place.mkdir()
    for name in ("secret.tex", "secret.txt"):
        (place / name).write_text(SECRET)
    (place / "secret.pdf").write_bytes(drawn().pdf)
    (place / "secret.png").write_bytes(drawn().png)
    (place / "secret.bib").write_text(
        f"@article{{x, title={{{SECRET}}}, year=2000, author={{A B}}, journal={{J}}}}"
    )
    tree = tmp_path / "home" / "texmf" / "tex" / "latex"
    tree.mkdir(parents=True)
    (tree / "fromhome.tex").write_text(SECRET)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TEXMFHOME", str(tmp_path / "home" / "texmf"))
    monkeypatch.setenv("TEXINPUTS", f"{place}:")
    monkeypatch.setenv("TEXINPUTS_pdflatex", f"{place}:")
    monkeypatch.setenv("BIBINPUTS", f"{place}:")
    return place


READING = {
    "input of an absolute path": r"\input{@/secret}",
    "input of a parent folder": r"\input{../outside/secret}",
    "input from the user's search path": r"\input{secret.txt}",
    "input from the user's TeX tree": r"\input{fromhome}",
    "input of a hidden file": r"\input{.hidden}",
    "input of a program": r"\input{|cat ../outside/secret.txt}",
    "a quoted path": r'\input{"@/secret.tex"}',
    "openin": r"\newread\r \openin\r=@/secret.txt \ifeof\r shut\else\readline\r to\x\x\fi",
    "a picture by its path": r"\includegraphics{@/secret.png}",
    "a picture of a parent folder": r"\includegraphics{../outside/secret.pdf}",
    "a picture by the primitive": r"\pdfximage{@/secret.pdf}\pdfrefximage\pdflastximage",
    "a dump": r"\pdffiledump offset 0 length 20 {@/secret.txt}",
    "a stream of the PDF": r"\immediate\pdfobj stream file {@/secret.txt}\pdfrefobj\pdflastobj",
    "an attachment": r"\RequirePackage{embedfile}\embedfile{@/secret.txt}",
    "a program": r"\immediate\write18{cp ../outside/secret.txt taken.tex}\InputIfFileExists{taken}{}{shut}",
    "references by their path": r"\nocite{*}\bibliographystyle{plain}\bibliography{@/secret}",
    "references of a parent folder": r"\nocite{*}\bibliographystyle{plain}\bibliography{../outside/secret}",
    "references from the search path": r"\nocite{*}\bibliographystyle{plain}\bibliography{secret}",
    "a map of fonts": r"\pdfmapfile{@/secret.txt}",
}


@pytest.mark.parametrize("way", READING)
def test_a_template_reads_nothing_outside(way: str, outside: Path, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / ".hidden.tex").write_text(SECRET)
    text = READING[way].replace("@", str(outside)).replace("\\RequirePackage{embedfile}", "")
    if "embedfile" in text:
        text = "\\makeatletter\\@ifundefined{embedfile}{}{" + text + "}"
    try:
        pdf = compiled(text, folder).pdf
    except InputError:
        assert not (folder / "paper.pdf").exists()
        pdf = folder / "tex" / "paper.pdf"
    assert not pdf.exists() or SECRET not in str(pdf_text(pdf))
    assert not pdf.exists() or b"/Image" not in pdf.read_bytes()
    assert not (folder / "taken.tex").exists()


def test_what_pdftex_reads_past_its_own_doors_is_told_by_the_line(outside: Path, tmp_path: Path) -> None:
    text = f"\n\\immediate\\pdfobj stream file {{{outside}/secret.txt}}\\pdfrefobj\\pdflastobj"
    with pytest.raises(InputError, match=r"^templates/manuscript\.tex:5: TeX read .*secret\.txt, but not"):
        compiled(text, tmp_path / "build")


def test_a_link_in_templates_that_leads_outside_is_refused_and_hidden_files_are_not_taken(
    outside: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study" / "templates"
    folder.mkdir(parents=True)
    (folder / "manuscript.tex").write_text("x")
    (folder / ".hidden.tex").write_text("x")
    (folder / "own.tex").symlink_to(folder / "manuscript.tex")
    assert set(load_manuscript(folder, PAPER).templates) == {"manuscript.tex", "own.tex"}
    (folder / "link.tex").symlink_to(outside / "secret.tex")
    (folder / "photo.png").symlink_to(outside / "secret.png")
    with pytest.raises(InputError, match="leads out of the study") as caught:
        load_manuscript(folder, PAPER)
    assert len(caught.value.problems) == 2
