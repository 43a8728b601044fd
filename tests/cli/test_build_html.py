"""paperkit build-html and build-docx on the command line, with the committed example."""

import io
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.render.exports.test_html import assert_accessible, body_words
from tests.render.exports.webbed import needs_pandoc

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("root")
def test_without_pandoc_a_command_says_what_to_type(paperkit, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    for command in ("build-html", "build-docx"):
        result = paperkit(command)
        assert result.exit_code == 2
        assert "sudo apt-get install pandoc" in " ".join(result.stderr.split())


@pytest.mark.slow
@pytest.mark.tex
@needs_pandoc
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs TeX: make tex")
def test_the_example_is_a_page_and_a_word_document_with_the_numbers_of_its_pdf(
    tmp_path, monkeypatch, paperkit
):
    for name in ("templates", "experiments", "paper"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("build", "runs", "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    packed = tmp_path / "paper" / "examples" / "fer2013_small" / "records.zip"
    assert paperkit("unpack", packed).exit_code == 0
    result = paperkit("build-html", "fer2013_small")
    assert result.exit_code == 0, result.output
    place = Path(result.stdout.strip())
    assert place == tmp_path / "paper" / "build" / "ieeetran" / "paper.html"
    page = place.read_text()
    assert_accessible(page)
    tex = (place.parent / "paper.tex").read_text()
    assert len(re.findall("<table[ >]", page)) == tex.count(r"\begin{table")
    assert page.count("<img ") == len(re.findall(r"\\pk(?:figure|diagram)\{", tex))
    displayed = re.findall(r"\\begin\{(?:equation|align|gather|multline)\*?\}", tex)
    assert page.count('<math display="block"') == len(displayed)
    assert "??" not in re.sub(r"base64,[^\"]*", "", page)
    assert body_words(page)["emotionvit"] > 20
    document = paperkit("build-docx", "fer2013_small", "--out", tmp_path / "word" / "paper.docx")
    assert document.exit_code == 0, document.output
    with zipfile.ZipFile(io.BytesIO((tmp_path / "word" / "paper.docx").read_bytes())) as archive:
        xml = archive.read("word/document.xml").decode()
    assert xml.count("<w:tbl>") == len(re.findall("<table[ >]", page))
    assert xml.count("<pic:pic") == page.count("<img ")
    for caption in re.findall(r'<span class="number">((?:Table|Figure|Algorithm) \w+\.)</span>', page):
        assert f">{caption}<" in xml, caption
