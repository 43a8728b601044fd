"""A paper as a Word document: its tables Word's, its formulas Word's, numbers and captions as in the PDF."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paper_kit.core.files import sha256_text
from paper_kit.render.exports.web_floats import Float
from paper_kit.render.exports.web_page import Page, captioned, formula, page
from paper_kit.render.exports.web_pictures import Picture
from paper_kit.render.exports.web_styles import reference
from paper_kit.render.exports.web_tex import Source
from paper_kit.render.exports.web_tree import (
    Node,
    Nodes,
    attributes,
    changed,
    div,
    pandoc,
    para,
    span,
    text,
    words,
)

WIDEST_IN = 6.27  # of a line between the margins of A4
LONGEST = 40  # signs of the name of a place
LARGER = 1.3  # than in print, where it fits
STYLES = {"notes": "Table Notes", "reference": "Bibliography", "origins": "Origins", "listing": "Listing"}
CHARACTERS = {"missing": "Mark", "grey": "Grey"}


@dataclass(frozen=True)
class DocxShape:
    """The parts of a Word document; a fact is its words."""

    pictures: Mapping[str, Picture]
    names: Mapping[str, str]  # picture -> name of its file

    def fact(self, number: int, inlines: Nodes) -> Nodes:  # noqa: ARG002
        """The words."""
        return inlines

    def origin(self, numbers: list[str], inlines: Nodes) -> Nodes:  # noqa: ARG002
        """The words."""
        return inlines

    def picture(self, file: str, alt: str) -> Node:
        """The picture at a width that the line holds."""
        width = min(WIDEST_IN, self.pictures[file].width_in * LARGER)
        shown = attributes("", (), width=f"{width:.2f}in")
        return {"t": "Image", "c": [shown, text(alt), [self.names[file], ""]]}

    def floated(self, one: Float, caption: Nodes, blocks: Nodes) -> Nodes:
        """A captioned table or picture; the caption is the place that links lead to."""
        caption = [span([], name=one.label), *caption] if one.label and caption else caption
        blocks, has_table = captioned(blocks, caption) if caption else (blocks, False)
        if has_table:
            return blocks
        if one.kind == "figure":
            told = [_in_style("Image Caption", [para(caption)])] if caption else []
            return [_in_style("Captioned Figure", blocks), *told]
        return [*([_in_style("Table Caption", [para(caption)])] if caption else []), *blocks]

    def equation(self, label: str, number: str, tex: str) -> Nodes:
        """A formula with its number behind it."""
        tex = rf"{tex} \qquad\text{{{number}}}" if number else tex
        place = [span([], name=label)] if label else []
        return [para([*place, formula(tex)])]

    def step(self, depth: int) -> Nodes:
        """The indentation."""
        return [{"t": "Str", "c": "\N{EM SPACE}" * depth}] if depth else []

    def comment(self, inlines: Nodes) -> Nodes:
        """The remark behind a sign."""
        sign = "\N{NO-BREAK SPACE}\N{WHITE RIGHT-POINTING TRIANGLE}\N{NO-BREAK SPACE}"
        return [{"t": "Str", "c": sign}, {"t": "Emph", "c": inlines}]

    def styled(self, style: str, blocks: Nodes, name: str = "") -> Node:
        """Blocks of a paragraph style."""
        return _in_style(STYLES[style], blocks, name)


def docx_file(source: Source, pictures: Mapping[str, Picture], *, language: str = "en") -> bytes:
    """The document."""
    names = {name: f"picture{place}{one.ending}" for place, (name, one) in enumerate(pictures.items())}
    found = page(source, DocxShape(pictures, names))
    with tempfile.TemporaryDirectory(prefix="paperkit-docx-") as name:
        folder = Path(name)
        for picture, file in names.items():
            (folder / file).write_bytes(pictures[picture].data)
        (folder / "reference.docx").write_bytes(reference())
        document = {
            "pandoc-api-version": [1, 22, 2, 1],
            "meta": _meta(found, language),
            "blocks": changed(_blocks(found), _for_word),
        }
        options = ["--from", "json", "--to", "docx", "--reference-doc", "reference.docx"]
        pandoc([*options, "--output", "paper.docx"], json.dumps(document), folder)
        return (folder / "paper.docx").read_bytes()


def _blocks(found: Page) -> Nodes:
    keywords = [para([{"t": "Strong", "c": text("Keywords:")}, {"t": "Space"}, *found.keywords])]
    return [*([_in_style("Abstract", keywords)] if found.keywords else []), *found.body]


def _meta(found: Page, language: str) -> Node:
    authors = [{"t": "MetaInlines", "c": _in_a_line(author)} for author in found.authors]
    keywords = [text(word) for word in words(found.keywords).split(",") if word.strip()]
    return {
        "title": {"t": "MetaInlines", "c": found.title},
        "author": {"t": "MetaList", "c": authors},
        "abstract": {"t": "MetaBlocks", "c": found.abstract},
        "keywords": {
            "t": "MetaList",
            "c": [{"t": "MetaInlines", "c": word} for word in keywords],
        },
        "lang": {"t": "MetaString", "c": language},
    }


def _bookmark(name: str) -> str:
    """The name of a place as Word takes it: letters, digits and _, not more than 40."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 9]}_{sha256_text(name)[:8]}"


def _in_a_line(lines: tuple[Nodes, ...]) -> Nodes:
    """An author's lines with commas between them."""
    joined = [part for line in lines for part in [{"t": "Str", "c": ","}, {"t": "Space"}, *line]]
    return joined[2:]


def _in_style(style: str, blocks: Nodes, name: str = "") -> Node:
    return div(blocks, name=name, custom_style=style)


def _for_word(node: Node) -> Nodes:
    """A marked or grey text in the character style of that name; names of places in signs that Word takes."""
    if node["t"] == "Link" and str(node["c"][2][0]).startswith("#"):
        node["c"][2][0] = f"#{_bookmark(node['c'][2][0][1:])}"
    if node["t"] in ("Span", "Div", "Header"):
        named = node["c"][1 if node["t"] == "Header" else 0]
        named[0] = _bookmark(named[0])
    if node["t"] == "Span" and (style := CHARACTERS.get(next(iter(node["c"][0][1]), ""))):
        return [span(node["c"][1], custom_style=style)]
    if node["t"] == "Span" and "number" in node["c"][0][1]:
        return [{"t": "Strong", "c": node["c"][1]}]
    return [node]
