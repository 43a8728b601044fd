"""A paper as one HTML page: accessible, numbered as its PDF, each number leading to its origin."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.compile import compile_tex
from paper_kit.render.exports.web import export_web, written
from paper_kit.render.exports.web_numbers import numbers, read_numbers
from paper_kit.render.exports.web_tex import source
from paper_kit.render.exports.web_tree import pandoc
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import typeset
from paper_kit.render.request import Request
from tests.render.exports.webbed import TEXT, fronted, html, needs_pandoc, told, venue
from tests.render.small import HOSTILE, MATERIAL, manuscript


class Seen(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def assert_accessible(page: str) -> None:
    """A page that a screen reader, a keyboard and a browser without a network can read."""
    seen = Seen(page)
    assert seen.of("html")[0]["lang"] == "en"
    assert re.search(r"<title>[^<]+</title>", page)
    assert all(image["alt"].strip() and image["src"].startswith("data:") for image in seen.of("img"))
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in seen.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inner = {link["href"][1:] for link in seen.of("a") if link["href"].startswith("#")}
    assert inner <= set(ids)
    assert all(header["scope"] in ("col", "row", "colgroup") for header in seen.of("th"))
    assert not seen.of("script", "link", "iframe")


def body_words(page: str) -> Counter[str]:
    """The words of three letters and more that stand in a page's text, without its contents."""
    page = re.sub(r"<head>.*?</head>|<nav.*?</nav>|<a class=.skip.*?</a>", " ", page, flags=re.DOTALL)
    page = re.sub(r"</?(?:a|span|em|strong|sup|sub|code)\b[^>]*>", "", page)
    return Counter(re.findall(r"[a-z]{3,}", unescape(re.sub(r"<[^>]*>", " ", page)).casefold()))


@needs_pandoc
class TestPage:
    def test_it_is_accessible_and_needs_nothing_else(self) -> None:
        assert_accessible(html())

    def test_sections_floats_and_equations_have_the_numbers_of_the_pdf(self) -> None:
        page = re.sub(r"\s+", " ", html())
        for shown in (
            '<span class="number">I</span> One',
            '<span class="number">I-A</span> Deeper',
            '<span class="number">Appendix A</span> More',
            '<span class="number">Table IV.</span> Recall on',
            '<span class="number">Figure 9.</span> A figure, with <em>emphasis</em>.',
            '<span class="number">Algorithm 2.</span> A step',
            '<span class="number">(5)</span>',
        ):
            assert shown in page, shown
        for name, number in (
            ("tab:classes", "IV"),
            ("fig:curves", "9"),
            ("sec:deep", "I-A"),
            ("eq:loss", "5"),
        ):
            assert f'<a href="#{name}">{number}</a>' in page

    def test_citations_have_the_numbers_of_the_pdf_and_lead_to_its_references(self) -> None:
        cited = '[<a href="#ref-he2016deep">3</a>, <a href="#ref-zeta">12</a>]'
        assert cited in html()
        listed = re.sub(r"<[^>]*>", "", html().partition('id="ref-he2016deep"')[2])
        assert "[3]\N{NO-BREAK SPACE}K.\N{NO-BREAK SPACE}He, X." in listed
        assert "in CVPR, ser. A. IEEE, 2016." in listed
        assert "On FER faces." in listed

    def test_each_number_leads_to_its_origin_and_tells_it(self) -> None:
        seen = Seen(html())
        facts = [link for link in seen.of("a") if link.get("class") == "fact"]
        assert {fact["data-fact"] for fact in facts} >= {"data.train", "results.emotion_vit.accuracy"}
        assert all(fact["href"].startswith("#pk-") and fact["title"] for fact in facts)

    def test_a_table_is_one_with_its_caption_names_of_rows_and_notes(self) -> None:
        table = re.search(r"<table>.*?</table>", html(), re.DOTALL)
        assert table
        assert len(re.findall(r"<tr", table[0])) == 3
        assert '<th scope="row" style="text-align: left;"><strong>happy</strong></th>' in table[0]
        assert "<sup>a</sup>" in table[0]
        assert "About 50% &amp; _weird_" in html()

    def test_a_users_text_is_shown_as_typed(self) -> None:
        title = re.search(r"<h1>(.*?)</h1>", html(), re.DOTALL)
        assert title
        assert unescape(re.sub(r"<[^>]*>", "", title[1])).strip() == HOSTILE
        assert "Ada &amp; Łukasz" in html()

    def test_formulas_are_mathml_and_steps_of_an_algorithm_a_numbered_list(self) -> None:
        assert html().count('<math display="block"') == 2
        assert '<mi mathvariant="normal">ReLU</mi>' in html()
        listing = html().partition("Algorithm 2.")[2]
        steps = re.findall(r"<li>(.*?)</li>", listing.partition("</ol>")[0], re.DOTALL)
        plain = [
            re.sub(r"\s+", " ", re.sub(r"<math.*?</math>", "M", step, flags=re.DOTALL)) for step in steps
        ]
        shown = [re.sub(r"<[^>]*>", "", step).strip() for step in plain]
        assert shown == ["if M then", "M Mix(M) as in (5)", "else", "return M"]

    def test_only_what_is_printed_is_there(self) -> None:
        for hidden in ("think again", "remark that nobody", "a reason", "PKFLOAT", "pkfact", "\\"):
            text = re.sub(r"<h1>.*?</h1>|<title>.*?</title>", "", html(), flags=re.DOTALL).replace(
                r"\input", ""
            )
            assert hidden not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL), hidden
        assert 'class="missing"' in html()
        assert "In small print." in html()
        assert 'points</a>.<a href="#fn1"' in html()

    def test_a_blind_page_names_nobody_and_has_no_links_to_origins(self) -> None:
        blind = typeset(fronted(), MATERIAL, venue(), "blind")
        page = written(blind, fronted(), venue(), told(), "html").decode()
        assert "Ada" not in page
        assert "a_b@c.de" not in page
        assert "Anonymous Authors" in page
        assert 'class="fact"' not in page
        assert "28,709" in page
        assert_accessible(page)

    def test_a_formula_that_cannot_be_set_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"pandoc cannot set the paper.*foo"):
            pandoc(["--from", "latex", "--to", "html5", "--mathml"], r"$\foo{x}$")


def test_without_pandoc_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(InputError, match="apt-get install pandoc"):
        export_web(Request(), tmp_path, "html")


def test_numbers_are_read_as_classes_write_them() -> None:
    found = told()
    assert found.labels["sec:deep"] == "I-A"
    assert found.cited == {"zeta": "12", "he2016deep": "3"}
    assert [kind for kind, *_ in found.headings] == ["section", "subsection", "section", "section", "section"]
    assert [key for key, _ in found.references] == ["he2016deep", "zeta"]
    assert numbers("").references == ()


def test_rows_of_aligned_equations_are_counted_as_tex_does() -> None:
    rows = r"a &= b \label{eq:loss} \\ c &= d \nonumber \\ e &= f"
    text = TEXT.replace(r"\begin{equation*}", rf"\begin{{align}}{rows}\end{{align}}\begin{{equation*}}")
    text = text.replace("  \\label{eq:loss}\n", "")
    found = source(typeset(fronted(text), MATERIAL, venue()), told(), venue().line)
    assert [number for _, number in found.equations] == ["(1)", "(2), (3)", ""]
    assert r"\begin{aligned}a &= b \\ c &= d  \\ e &= f\end{aligned}" in found.tex


def test_before_the_pdf_there_are_no_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="paperkit build-pdf"):
        read_numbers(tmp_path)


@pytest.mark.tex
@pytest.mark.slow
@needs_pandoc
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs TeX: make tex")
def test_a_page_has_the_words_of_the_pdf(tmp_path: Path) -> None:
    """One word of three letters and more in twenty may differ: TeX splits some at the ends of lines."""
    text = TEXT.replace("zeta,", "")
    article = venue("article")
    printed = typeset(manuscript(text), MATERIAL, article)
    write(page_files(printed, manuscript(text), article), tmp_path)
    pdf = compile_tex(tmp_path, printed.lines).pdf
    own = fronted(text, "article")
    made = typeset(own, MATERIAL, article)
    page = written(made, own, article, read_numbers(tmp_path), "html").decode()
    said = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, check=True, text=True).stdout
    said = re.sub(r"(?<=\w)-\n", "", said.replace("\N{LATIN SMALL LIGATURE FI}", "fi"))
    wanted, found = Counter(re.findall(r"[a-z]{3,}", said.casefold())), body_words(page)
    lost = wanted - found
    assert sum(lost.values()) <= 0.05 * sum(wanted.values()), lost
    extra = found - wanted
    assert sum(extra.values()) <= 0.05 * sum(found.values()), extra
