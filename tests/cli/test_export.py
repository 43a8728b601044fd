"""paperkit export overleaf and arxiv, and paperkit import overleaf, on the command line."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from paper_kit.render.exports.arxiv import compiled_alone
from tests import sealed

ROOT = Path(__file__).resolve().parents[2]
TEX = pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
    reason="needs TeX, poppler: make tex",
)
RESULTS = r"""\section{Results}
\BLOCK{claim results.emotion_vit.accuracy > results.resemotenet.accuracy}
EmotionViT leads, with \VAR{results.emotion_vit.accuracy}.
\BLOCK{reversed}
ResEmoteNet leads, with \VAR{results.resemotenet.accuracy}.
\BLOCK{undecided}
Neither leads: EmotionViT is right on \VAR{results.emotion_vit.accuracy} of the faces.
\BLOCK{endclaim}
The study ends here.
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A finished study of two models, which is the current folder; a section with a claim."""
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    root = sealed.study(tmp_path / "study")
    template = root / "templates" / "manuscript.tex"
    include = '\\BLOCK{include "sections/results.tex"}\n\\end{document}'
    template.write_text(template.read_text().replace("\\end{document}", include))
    (root / "templates" / "sections" / "results.tex").write_text(RESULTS)
    monkeypatch.chdir(root)
    return root


def edit(path, *changes):
    """Nothing; the file has each (pattern, text) replaced once."""
    text = path.read_text()
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, count=1)
        assert count == 1, pattern
    path.write_text(text)


def test_edited_prose_lands_in_its_branch_and_an_edited_value_is_refused_by_name(study, paperkit, tmp_path):
    out = tmp_path / "overleaf"
    exported = paperkit("export", "overleaf", "--to", out)
    assert exported.exit_code == 0, exported.output
    assert exported.stdout.strip() == str(out)
    true = re.search(r"\\pkfact\{\d+\}\{([^}]*)\}", (out / "sections/results.tex").read_text())[1]
    edit(
        out / "sections" / "results.tex",
        (r"(?:EmotionViT|ResEmoteNet) leads, with|Neither leads: EmotionViT is right on", "We measured"),
        (r"(\\pkfact\{\d+\}\{)[\d.]+", r"\g<1>99.9"),
        ("ends here", "comes to its end"),
    )
    shown = paperkit("import", "overleaf", out, "--dry-run")
    assert shown.exit_code == 1
    assert "+The study comes to its end." in shown.stderr
    assert (study / "templates/sections/results.tex").read_text() == RESULTS
    asked = paperkit("import", "overleaf", out)
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    done = paperkit("import", "overleaf", out, "--yes")
    assert done.exit_code == 1
    assert re.search(r"not taken over: results\.\w+\.accuracy: [\d.]+ % was changed to 99.9 %", done.stderr)
    assert "values come from runs" in done.stderr
    assert done.stdout.split() == [str(study / "templates" / "sections" / "results.tex")]
    template = (study / "templates/sections/results.tex").read_text()
    assert template.count("We measured \\VAR{results.") == 1
    assert template.count("leads") == 2
    assert paperkit("render").exit_code == 0
    paper = (study / "paper/build/article/paper.tex").read_text()
    assert re.search(r"We measured \\pkfact\{\d+\}\{" + re.escape(true), paper)
    assert "comes to its end" in paper


@pytest.mark.slow
def test_an_export_is_a_folder_and_a_zip_by_default_and_comes_back_unchanged(study, paperkit):
    exported = paperkit("export", "overleaf")
    assert exported.exit_code == 0, exported.output
    folder, packed = exported.stdout.split()
    assert (study / ".paperkit" / ".gitignore").read_text() == "*\n"
    for project in (folder, packed):
        back = paperkit("import", "overleaf", project)
        assert back.exit_code == 0, back.output
        assert "Nothing to bring back" in back.stderr
    assert paperkit("export", "overleaf", "--to", study / "templates").exit_code == 2


def test_an_export_of_another_study_is_told(study, paperkit, tmp_path):
    assert paperkit("export", "overleaf", "--to", tmp_path / "out").exit_code == 0
    assert "did not make" not in paperkit("import", "overleaf", tmp_path / "out").stderr
    shutil.rmtree(study / ".paperkit")
    assert "this study did not make the export" in paperkit("import", "overleaf", tmp_path / "out").stderr


def test_a_project_that_is_none_is_told_without_a_traceback(study, paperkit):
    missing = paperkit("import", "overleaf", "nowhere.zip")
    assert missing.exit_code == 2
    assert "there is no such folder or zip" in missing.stderr
    none = paperkit("import", "overleaf", study / "templates")
    assert none.exit_code == 2
    assert "paperkit export overleaf" in none.stderr


@pytest.mark.usefixtures("study")
def test_a_paper_that_is_not_finished_goes_to_arxiv_only_as_a_draft(paperkit):
    shutil.rmtree(Path("experiments/runs"))
    refused = paperkit("export", "arxiv")
    assert refused.exit_code == 2
    assert "--draft" in refused.stderr
    assert "paperkit run-all" in refused.stderr


@pytest.mark.slow
@pytest.mark.tex
@TEX
def test_the_example_goes_to_overleaf_and_arxiv_and_comes_back(tmp_path, monkeypatch, paperkit):
    for name in ("templates", "paper", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("build", "runs", "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    packed = tmp_path / "paper" / "examples" / "fer2013_small" / "records.zip"
    assert paperkit("unpack", packed).exit_code == 0
    which = ("--experiment", "fer2013_small")
    exported = paperkit("export", "overleaf", *which)
    assert exported.exit_code == 0, exported.output
    project = Path(exported.stdout.split()[0])
    subprocess.run(
        ["latexmk", "-pdf", "-interaction=batchmode", "main.tex"],
        cwd=project,
        check=True,
        capture_output=True,
    )
    archive = paperkit("export", "arxiv", *which, "--draft")
    assert archive.exit_code == 0, archive.output
    packed = Path(archive.stdout.strip()).read_bytes()
    assert len(packed) < 5e6
    assert words(project / "main.pdf") == words(compiled_alone(packed, tmp_path / "alone"))
    edit(
        project / "sections" / "abstract.tex",
        (r"\. ", ". A supervisor adds this remark. "),
        (r"(\\pkfact\{\d+\}\{)\d+\.\d(~\\%)", r"\g<1>88.8\2"),
    )
    back = paperkit("import", "overleaf", project, "--yes")
    assert re.search(
        r"results\.[\w.]+: \d+\.\d % was changed to 88\.8 % in sections/abstract\.tex:\d+", back.stderr
    )
    assert back.stdout.split() == [str(tmp_path / "templates" / "sections" / "abstract.tex")]
    assert paperkit("build-pdf", "fer2013_small").exit_code == 0
    text = " ".join(words(tmp_path / "paper/build/ieeetran/paper.pdf"))
    assert "A supervisor adds this remark." in text
    assert "88.8" not in text


def words(pdf):
    """The words of a PDF in their order."""
    return subprocess.run(
        ["pdftotext", str(pdf), "-"], capture_output=True, check=True, text=True
    ).stdout.split()
