"""paperkit why, and the editions of build-pdf, on the command line."""

import json
import re
import shutil

import pytest

from paper_kit.core.digest import inputs
from tests import sealed

TEX = pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
    reason="needs TeX, poppler: make tex",
)
APPENDIX = (
    '\\BLOCK{if edition == "linked"}\n'
    "\\clearpage\\pktarget{provenance}\n\\VAR{provenance()}\n\\BLOCK{endif}\n"
)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A finished study of two models and two seeds, which is the current folder; with an appendix."""
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    root = sealed.study(tmp_path / "study")
    template = root / "templates" / "manuscript.tex"
    template.write_text(template.read_text().replace("\\end{document}", APPENDIX + "\\end{document}"))
    monkeypatch.chdir(root)
    return root


@pytest.mark.usefixtures("study")
def test_why_before_a_build_says_what_to_type(paperkit):
    result = paperkit("why", "72.4")
    assert result.exit_code == 2
    assert "paperkit build-pdf" in result.stderr


def test_why_tells_a_number_by_its_digits_and_its_key_without_heavy_modules(study, paperkit, fresh_in):
    assert paperkit("render").exit_code == 0
    text = json.loads((study / "paper/build/article/registry.json").read_text())[
        "results.emotion_vit.accuracy"
    ]
    by_key = paperkit("why", "results.emotion_vit.accuracy")
    assert by_key.exit_code == 0
    assert "EmotionViT, Base, seed 0" in by_key.stdout
    assert "EmotionViT, Base, seed 1" in by_key.stdout
    assert "mean over seeds of accuracy" in by_key.stdout
    assert re.search(r"printed in +templates/manuscript\.tex:4", by_key.stdout)
    code, out, heavy = fresh_in(study, "why", text.split("\N{NO-BREAK SPACE}")[0])
    assert code == 0
    assert "results.emotion_vit.accuracy" in out
    assert heavy == []
    missing = paperkit("why", "99.99")
    assert missing.exit_code == 2
    assert "Nearest are" in missing.stderr


def test_why_says_which_inputs_have_changed_since_the_build(study, paperkit):
    assert paperkit("render").exit_code == 0
    now = inputs(study)
    told = {
        "digest": now.digest,
        "inputs": {name: dict(each) for name, each in now.classes.items()},
        "asked": {"venue": "article", "experiments": ["study"]},
    }
    (study / "paper/build/article/manifest.json").write_text(json.dumps(told))
    assert "stale" not in paperkit("why", "counts.models").stderr
    template = study / "templates" / "manuscript.tex"
    template.write_text(template.read_text() + "% a word\n")
    result = paperkit("why", "counts.models")
    assert result.exit_code == 0
    assert "stale: inputs have changed since this build (templates/manuscript.tex)" in result.stderr
    assert "paperkit build-pdf" in result.stderr


@pytest.mark.tex
@TEX
def test_every_edition_lies_in_its_folder_and_a_page_tells_its_numbers(study, paperkit):
    assert paperkit("build-pdf").exit_code == 0
    page = paperkit("why", "paper.pdf:1")
    assert page.exit_code == 0
    assert "page 1: 3 facts" in page.stdout
    assert "results.resemotenet.accuracy" in page.stdout
    result = paperkit("build-pdf", "--camera-ready")
    assert result.exit_code == 0
    assert result.stdout.strip().endswith("article-camera-ready/paper.pdf")
    assert "reads" not in result.stderr
    assert paperkit("build-pdf", "--blind").exit_code == 0
    assert (study / "paper/build/article-blind/paper.pdf").is_file()
    assert (study / "paper/build/paper.pdf").read_bytes() == (
        study / "paper/build/article/paper.pdf"
    ).read_bytes()


@pytest.mark.usefixtures("study")
def test_two_editions_at_once_are_refused(paperkit):
    result = paperkit("build-pdf", "--camera-ready", "--blind")
    assert result.exit_code == 2
    assert "two editions" in result.stderr


@pytest.fixture
def fresh_in():
    """Runs a command in a fresh process in a folder -> (exit code, stdout, heavy modules)."""
    import subprocess
    import sys

    def command(folder, *arguments):
        code = (
            "import sys\nfrom paper_kit.cli import app\n"
            "try:\n    app(sys.argv[1:], prog_name='paperkit')\nexcept SystemExit as end: code = end.code\n"
            "heavy = {'torch', 'pandas', 'matplotlib', 'scipy', 'jinja2'} & set(sys.modules)\n"
            "print('LOADED', *sorted(heavy)); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=folder
        )
        out, _, loaded = done.stdout.rpartition("LOADED")
        return done.returncode, out, loaded.split()

    return command


@pytest.mark.usefixtures("study")
def test_why_answers_nothing_for_what_is_not_there(paperkit):
    assert paperkit("render").exit_code == 0
    for asked, words in (("nope.pdf:1", "no such file"), ("", "Name what to explain"), (" ", "Name what")):
        result = paperkit("why", asked)
        assert result.exit_code == 2
        assert words in result.stderr


def test_why_of_another_pdf_than_the_built_one_is_refused(study, paperkit):
    assert paperkit("render").exit_code == 0
    (study / "paper/build/article/paper.pdf").write_bytes(b"%PDF- this")
    (study / "old.pdf").write_bytes(b"%PDF- that")
    result = paperkit("why", "old.pdf:1")
    assert result.exit_code == 2
    assert "not the paper that was built last" in result.stderr


@pytest.mark.parametrize("name", ["provenance.json", "registry.json", "pages.json", "manifest.json"])
@pytest.mark.parametrize("text", ["[]", "{", '{"facts": [{}], "runs": {}, "a": 1}', "3"])
def test_why_names_a_damaged_file_with_its_cure(study, paperkit, name, text):
    assert paperkit("render").exit_code == 0
    path = study / "paper" / "build" / "article" / name
    path.write_text(text)
    result = paperkit("why", "results.emotion_vit.accuracy")
    if name == "pages.json" and text.startswith('{"facts"'):
        assert result.exit_code == 0  # it says that it is of another build
        return
    assert result.exit_code == 2
    assert name in result.stderr


def test_why_asks_for_the_folder_of_runs_where_none_of_them_is_here(study, paperkit):
    assert paperkit("render").exit_code == 0
    now = inputs(study)
    told = {
        "digest": now.digest,
        "inputs": now.classes,
        "asked": {"venue": "article", "experiments": ["study"]},
    }
    (study / "paper/build/article/manifest.json").write_text(json.dumps(told))
    (study / "experiments" / "runs").rename(study / "elsewhere")
    result = paperkit("why", "counts.models")
    assert "Were they elsewhere? Add --runs FOLDER." in result.stderr
    assert "stale" not in result.stderr
    assert "Were they" not in paperkit("why", "counts.models", "--runs", "elsewhere").stderr


@pytest.mark.usefixtures("study")
def test_a_folder_that_cannot_be_made_is_told_without_a_traceback(paperkit):
    result = paperkit("render", "--out", "/proc/nowhere/x")
    assert result.exit_code == 2
    assert "/proc/nowhere" in result.stderr
