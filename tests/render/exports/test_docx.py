"""A paper as a Word document: Word's own tables and formulas, the numbers and captions of the PDF."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

from paper_kit.render.exports.web import written
from paper_kit.render.manuscript import typeset
from tests.render.exports.webbed import docx, fronted, needs_pandoc, told, venue
from tests.render.small import HOSTILE, MATERIAL

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"

pytestmark = needs_pandoc


def part(name: str, data: bytes | None = None) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(data or docx())) as archive:
        return ElementTree.fromstring(archive.read(name))


def paragraphs() -> list[tuple[str, str]]:
    """(style, text) of each paragraph."""
    found = []
    for each in part("word/document.xml").iter(f"{W}p"):
        style = each.find(f"{W}pPr/{W}pStyle")
        text = "".join(one.text or "" for one in each.iter() if one.tag in (f"{W}t", f"{M}t"))
        found.append(("" if style is None else style.get(f"{W}val", ""), text))
    return found


def test_captions_have_the_numbers_of_the_pdf() -> None:
    captions = [text for style, text in paragraphs() if style in ("TableCaption", "ImageCaption")]
    assert captions == [
        "Table IV. Recall on 28,709 images",
        "Figure 9. A figure, with emphasis.",
        "Algorithm 2. A step",
    ]


def test_headings_are_word_s_and_numbered() -> None:
    heads = [(style, text) for style, text in paragraphs() if style.startswith("Heading")]
    assert ("Heading1", "I One 28,709") in heads
    assert ("Heading2", "I-A Deeper") in heads
    assert ("Heading1", "Appendix A More") in heads


def test_a_table_is_word_s_with_a_row_of_headers() -> None:
    tables = list(part("word/document.xml").iter(f"{W}tbl"))
    assert len(tables) == 1
    rows = list(tables[0].iter(f"{W}tr"))
    cells = [["".join(cell.itertext()) for cell in row.iter(f"{W}tc")] for row in rows]
    assert cells == [["Class", "Recall (%)"], [HOSTILE, "72.4"], ["happy", "8.25a"]]
    assert rows[0].find(f"{W}trPr/{W}tblHeader") is not None


def test_formulas_are_word_s_with_their_numbers() -> None:
    displayed = ["".join(one.itertext()) for one in part("word/document.xml").iter(f"{M}oMathPara")]
    assert len(displayed) == 2
    assert displayed[0].rstrip().endswith("(5)")
    assert "ReLU" in displayed[1]


def test_a_figure_fits_the_line_and_tells_what_it_shows() -> None:
    document = part("word/document.xml")
    widths = [int(one.get("cx", "0")) / 914400 for one in document.iter(f"{DRAWING}extent")]
    assert len(widths) == 1
    assert 1 < widths[0] <= 6.28
    told_of = [one.get("descr", "") for one in document.iter(f"{DRAWING}docPr")]
    assert told_of == [f"A line; {HOSTILE}"]


def test_every_link_leads_to_a_place_with_a_name_that_word_takes() -> None:
    document = part("word/document.xml")
    names = {one.get(f"{W}name", "") for one in document.iter(f"{W}bookmarkStart")}
    links = {one.get(f"{W}anchor", "") for one in document.iter(f"{W}hyperlink")} - {""}
    assert {"ref_he2016deep", "tab_classes", "fig_curves", "eq_loss"} <= links <= names
    assert all(re.fullmatch(r"\w{1,40}", name) for name in names)


def test_title_authors_and_language_are_set_and_equal_papers_are_equal() -> None:
    core = "".join(part("docProps/core.xml").itertext())
    assert HOSTILE in core
    assert "Ada & Łukasz" in core
    assert "faces" in core
    made = typeset(fronted(), MATERIAL, venue())
    again = part("word/document.xml", written(made, fronted(), venue(), told(), "docx"))
    assert ElementTree.tostring(again) == ElementTree.tostring(part("word/document.xml"))


def test_a_blind_document_names_nobody() -> None:
    blind = typeset(fronted(), MATERIAL, venue(), "blind")
    data = written(blind, fronted(), venue(), told(), "docx")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".xml"))
    assert b"Anonymous Authors" in everything
    assert b"Ada" not in everything
    assert b"a_b@c.de" not in everything
