from __future__ import annotations

import io
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pikepdf
import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.check import check
from paper_kit.render.compile import INSTALL, Compiled, compile_tex, cure, tex_errors
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import typeset
from paper_kit.render.source_map import Place, SourceMap
from paper_kit.render.venue import load_venue
from tests.render.small import HOSTILE, MATERIAL, TEMPLATES, manuscript

needs_tex = [
    pytest.mark.tex,
    pytest.mark.skipif(
        shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
        reason="needs TeX, poppler: make tex",
    ),
]
HEAD = "\\input{macros}\n\\BLOCK{include venue_preamble}\n\\begin{document}\n"
DOCUMENT = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\section{On \VAR{data.name}}
Prose: \VAR{data.name}, \VAR{results.emotion_vit.change}, $x = \VAR{results.emotion_vit.change}$,
\VAR{"α ± 3 × 10⁻³ ≤ ẽ Šimić"}, \cite{he2016deep}, Table~\ref{tab:t}.
\begin{table}[h]
  \caption{Caption: \VAR{data.name}}
  \label{tab:t}
  \centering
  \VAR{table("classes")}
\end{table}
\begin{figure}[h]
  \centering
  \VAR{figure("curves")}
  \caption{Figure: \VAR{data.name}}
\end{figure}
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\pkappendix
\section{More}
\VAR{counts.models.Words}.
\end{document}
"""


def compiled(
    text: str, folder: Path, venue: str = "ieeetran", timeout_s: float = 60.0
) -> tuple[Compiled, SourceMap]:
    chosen, words = load_venue(TEMPLATES, venue), manuscript(text)
    made = typeset(words, MATERIAL, chosen)
    write(page_files(made, words, chosen), folder)
    return compile_tex(folder, made.lines, timeout_s=timeout_s), made.lines


class TestPdf:
    pytestmark = needs_tex

    @pytest.mark.parametrize("venue", ["ieeetran", "article"])
    def test_hostile_names_come_out_literally_in_prose_table_and_caption(
        self, venue: str, tmp_path: Path
    ) -> None:
        made, lines = compiled(DOCUMENT, tmp_path, venue)
        text = subprocess.run(
            ["pdftotext", "-layout", made.pdf, "-"], capture_output=True, check=True
        ).stdout.decode()
        assert text.count(f"Prose: {HOSTILE}") == 1
        assert text.count(f"About {HOSTILE}") == 1
        assert f"Figure: {HOSTILE}" in text
        assert "−3.1 points" in text
        assert "Šimić" in unicodedata.normalize("NFC", text)
        assert check(made, lines, load_venue(TEMPLATES, venue)) == []
        info = subprocess.run(["pdfinfo", made.pdf], capture_output=True, check=True).stdout.decode()
        assert HOSTILE in info

    def test_the_same_paper_is_the_same_bytes_in_another_folder(self, tmp_path: Path) -> None:
        text = f"{HEAD}x \\VAR{{figure('a')}}\n\\end{{document}}"
        first, _ = compiled(text, tmp_path / "a")
        second, _ = compiled(text, tmp_path / "b c")
        assert first.pdf.read_bytes() == second.pdf.read_bytes()

    def test_an_error_names_the_template_line_and_keeps_the_last_good_pdf(self, tmp_path: Path) -> None:
        good, _ = compiled(HEAD + "fine\n\\end{document}", tmp_path)
        before = good.pdf.read_bytes()
        with pytest.raises(
            InputError, match=r"^templates/manuscript\.tex:5: Undefined control sequence.*\\foo"
        ) as caught:
            compiled(HEAD + "fine\n\\foo\n\\end{document}", tmp_path)
        assert "preamble" in caught.value.problems[0]
        assert good.pdf.read_bytes() == before
        compiled(HEAD + "fine again\n\\end{document}", tmp_path)
        assert good.pdf.read_bytes() != before

    def test_tex_reads_and_writes_inside_the_build_folder_only(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret.tex"
        secret.write_text("SECRET")
        text = (
            f"{HEAD}\\openin3={secret} \\ifeof3 shut\\else OPEN\\fi\n"
            "\\openin3=../secret.tex \\ifeof3 shut\\else OPEN\\fi\n"
            f"\\immediate\\write18{{touch {tmp_path}/run}}\n\\end{{document}}"
        )
        made, _ = compiled(text, tmp_path / "build")
        shown = subprocess.run(["pdftotext", made.pdf, "-"], capture_output=True, check=True).stdout
        assert b"OPEN" not in shown
        assert not (tmp_path / "run").exists()
        with pytest.raises(InputError, match="write"):
            compiled(text.replace("\\end", "\\immediate\\openout5=../x.txt \\end"), tmp_path / "build")

    def test_a_macro_without_end_is_stopped(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="did not finish within 2 s"):
            compiled(
                "\\def\\x{\\x}\\documentclass{article}\\begin{document}\\x\\end{document}",
                tmp_path,
                timeout_s=2,
            )

    def test_the_raw_templates_compile_as_a_preview(self, tmp_path: Path) -> None:
        raw = DOCUMENT.replace("\\bibliography{references}\n", "").replace("h]", "t]")
        (tmp_path / "manuscript.tex").write_text(raw.replace('"α ± 3 × 10⁻³ ≤ ẽ Šimić"', "x"))
        shutil.copy(TEMPLATES / "macros.tex", tmp_path)
        (tmp_path / "sections").mkdir()
        for name in ("title", "abstract"):
            (tmp_path / "sections" / f"{name}.tex").write_text(
                f"\\BLOCK{{if x}}The {name} of \\VAR{{data.name}}."
            )
        command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "manuscript.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()[-2000:]
        text = subprocess.run(
            ["pdftotext", tmp_path / "manuscript.pdf", "-"], capture_output=True, check=True
        ).stdout
        assert b"The title of [data.name]." in text


def test_a_missing_tex_is_told_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install"):
        compile_tex(tmp_path, SourceMap(()))


LINES = SourceMap((Place("templates/a.tex", 7), Place("templates/b.tex", 9)))
LOG = r"""./paper.tex:2: Undefined control sequence.
l.2 some text \foo
                   bar
! LaTeX Error: File `/etc/passwd.tex' not found.

Type X to quit or <RETURN> to proceed,
l.1 \input{/etc/passwd}

/usr/share/x/y.sty:12: Missing number, treated as zero.
./macros.tex:3: Extra }, or forgotten \endgroup.
! Emergency stop.
"""


def test_errors_in_a_log_are_told_by_template_line_with_a_cure() -> None:
    found = tex_errors(LOG, LINES)
    assert found[0].startswith(r"templates/b.tex:9: Undefined control sequence. (at some text \foo)")
    assert found[1].startswith("templates/a.tex:7: LaTeX Error: File `/etc/passwd.tex' not found.")
    assert len(found) == 2  # what comes after is a consequence
    alone = "\n".join(LOG.splitlines()[8:])
    assert tex_errors(alone, LINES)[0].startswith("y.sty:12: Missing number")
    assert tex_errors(alone[alone.index("./macros") :], LINES)[0].startswith(
        "templates/macros.tex:3: Extra }"
    )


def test_a_missing_package_is_told_with_what_to_install() -> None:
    assert INSTALL in cure("LaTeX Error: File `foo.sty' not found.")


def blank_pdf() -> bytes:
    """A PDF of one empty page."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(out)
    return out.getvalue()


def test_findings_of_a_log_name_the_template_line(tmp_path: Path) -> None:
    log = (
        "LaTeX Warning: Reference `tab:x' on page 1 undefined on input line 1.\n"
        "LaTeX Warning: Citation `nobody' on page 1 undefined on input line 2.\n"
        "LaTeX Warning: Label `a' multiply defined.\n"
        "Overfull \\hbox (12.5pt too wide) in paragraph at lines 2--2\n"
        "Overfull \\hbox (4.9pt too wide) in paragraph at lines 1--2\n"
        "(\\end occurred inside a group at level 1)\n### simple group (level 1) entered at line 1 ({)\n"
    )
    (tmp_path / "paper.pdf").write_bytes(blank_pdf())
    found = check(Compiled(tmp_path / "paper.pdf", log), LINES, load_venue(TEMPLATES, "article"))
    assert [(each.kind, each.place) for each in found] == [
        ("reference", "templates/a.tex:7"),
        ("citation", "templates/b.tex:9"),
        ("overfull", "templates/b.tex:9"),
        ("label", "templates"),
        ("brace", "templates/a.tex:7"),
    ]
