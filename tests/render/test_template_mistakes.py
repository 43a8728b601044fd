from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paper_kit.cli import app
from tests.render.small import TEMPLATES

needs_tex = [
    pytest.mark.tex,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs TeX: make tex"),
]
EXPERIMENT = """
question = "Which mistakes are told?"
seeds = [0]
[base]
dataset = "synthetic_faces"
[[model]]
key = "emotion_vit"
label = "Emotion_ViT"
part = "emotion_vit"
"""
GOOD = """\\input{macros}
\\BLOCK{include "sections/preamble.tex"}
\\begin{document}
The text, \\cite{known}.
HERE
\\bibliographystyle{plain}\\bibliography{references}
\\end{document}
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study without runs, in whose folder commands are typed."""
    templates = tmp_path / "templates"
    (templates / "sections").mkdir(parents=True)
    shutil.copytree(TEMPLATES / "venues", templates / "venues")
    shutil.copy(TEMPLATES / "macros.tex", templates)
    (templates / "sections" / "preamble.tex").write_text(
        "\\documentclass{article}\\usepackage{graphicx}\\usepackage{color}"
        "\\newcommand\\pkappendix{\\appendix}\n"
    )
    (templates / "references.bib").write_text(
        "@article{known, title={T}, author={A. Uthor}, journal={J}, year={2000}}\n"
    )
    write(tmp_path, "")
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.toml").write_text(EXPERIMENT)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('experiments = ["one"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(study: Path, here: str) -> None:
    (study / "templates" / "manuscript.tex").write_text(GOOD.replace("HERE", here))


def told(*arguments: str, code: int = 2) -> str:
    """What a command says on stderr; it must end with this code and show no traceback."""
    result = CliRunner().invoke(app, [*arguments])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == code, result.output
    return result.stderr


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


# what is typed in line 5 of manuscript.tex -> the one message
OF_TEMPLATES = {
    "\\BLOCK{if}": r"templates/manuscript.tex:5: ",
    "\\BLOCK{if true} x": r"templates/manuscript.tex:",
    "\\VAR{data.name": r"templates/manuscript.tex:5: \VAR{ is never closed",
    "\\VAR{data.nam}": "templates/manuscript.tex:5: There is no fact 'data.nam'. Did you mean 'name'",
    '\\VAR{figure("confusio")}': "templates/manuscript.tex:5: ",
    '\\BLOCK{include "sections/nothing.tex"}': "templates/manuscript.tex:5: there is no template",
    '\\BLOCK{include "manuscript.tex"}': "include each other in a circle",
    "\\VAR{range(999999999)|list|length}": "templates/manuscript.tex:5: ",
    "\\BLOCK{for a in range(99999)}\\BLOCK{for b in range(99999)}x\\BLOCK{endfor}\\BLOCK{endfor}": (
        "templates/manuscript.tex:5: "
    ),
}


@pytest.mark.parametrize("typed", OF_TEMPLATES)
def test_a_mistake_in_a_tag_is_told_in_one_message_by_its_line(study: Path, typed: str) -> None:
    write(study, typed)
    found = errors(told("render"))
    assert len(found) == 1, found
    assert OF_TEMPLATES[typed] in found[0]


def test_a_template_that_is_no_text_is_named(study: Path) -> None:
    (study / "templates" / "sections" / "a.tex").write_bytes(b"\xff\xfe\x00")
    (study / "templates" / "sections" / "b.tex").write_bytes(b"one\ntwo \x00")
    found = errors(told("render"))
    assert len(found) == 2
    assert "a.tex: not UTF-8" in found[0]
    assert "b.tex:2: " in found[1]


def test_templates_that_are_gone_are_told(study: Path) -> None:
    (study / "templates" / "manuscript.tex").unlink()
    assert "paperkit init" in told("render")


@pytest.mark.usefixtures("study")
def test_a_template_that_goes_while_it_is_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def gone(path: Path, *arguments: object, **options: object) -> str:
        if path.name == "preamble.tex" and "sections" in path.parts:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return read(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", gone)
    found = errors(told("render"))
    assert len(found) == 1
    assert "preamble.tex" in found[0]


OF_TEX = {
    "\\unknowncommand": r"templates/manuscript.tex:5: Undefined control sequence. (at \unknowncommand)",
    "}": "templates/manuscript.tex:5: Too many }'s.",
    "\\textbf{open": "closing brace } is missing",
    "\\includegraphics{nothing.png}": "templates/manuscript.tex:5: ",
    "\\input{sections/nothing}": "manuscript.tex:5: LaTeX Error: File `sections/nothing.tex' not found",
    "\\input{paper}": "The paper reads itself",
    "\\begin{table}": "templates/manuscript.tex:",
    "a & b": "templates/manuscript.tex:5: Misplaced alignment tab",
    "a_b": "templates/manuscript.tex:5: Missing $ inserted",
}


class TestTex:
    pytestmark = needs_tex

    @pytest.mark.parametrize("typed", OF_TEX)
    def test_a_mistake_in_tex_is_told_by_its_line_and_the_last_good_pdf_stays(
        self, study: Path, typed: str
    ) -> None:
        told("build-pdf", code=0)
        pdf = study / "paper" / "build" / "ieeetran" / "paper.pdf"
        before = pdf.read_bytes()
        write(study, typed)
        found = errors(told("build-pdf"))
        assert OF_TEX[typed] in found[0], found
        assert "last good PDF" in found[-1]
        assert len(found) == 2, found
        assert pdf.read_bytes() == before
        write(study, "mended")
        told("build-pdf", code=0)
        assert pdf.read_bytes() != before

    def test_an_unknown_citation_is_a_finding_and_refuses_a_final_paper(self, study: Path) -> None:
        write(study, "As told \\cite{nobody}.")
        assert "templates/manuscript.tex:5: \\cite{nobody}: there is no entry nobody" in told(
            "build-pdf", code=0
        )
        told("build-pdf", "--final")

    def test_an_unclosed_brace_in_a_group_is_told(self, study: Path) -> None:
        write(study, "{\\bfseries open")
        assert "templates/manuscript.tex:5: an opening brace { is never closed" in told("build-pdf", code=0)

    def test_a_line_of_ten_megabytes_is_set_or_told(self, study: Path) -> None:
        write(study, "x" * 10_000_000)
        found = errors(told("build-pdf"))
        assert len(found) == 1
        assert "templates/manuscript.tex:5" in found[0]

    def test_an_empty_manuscript_and_one_without_end_are_told(self, study: Path) -> None:
        manuscript = study / "templates" / "manuscript.tex"
        manuscript.write_text("")
        assert len(errors(told("build-pdf"))) == 1
        manuscript.write_text(GOOD.replace("\\end{document}\n", "").replace("HERE", ""))
        found = errors(told("build-pdf"))
        assert len(found) == 1
        assert "\\end{document}" in found[0]
        manuscript.write_text("\\documentclass{article}\\begin{document}\n\\end{document}\n")
        found = errors(told("build-pdf"))
        assert len(found) == 1
