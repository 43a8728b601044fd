"""A paper as one HTML file: pictures and style inside, no scripts, numbers linked to their origin."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources

from paper_kit.render.exports.web_floats import Float
from paper_kit.render.exports.web_page import Page, captioned, formula, headings
from paper_kit.render.exports.web_pictures import Picture
from paper_kit.render.exports.web_tree import (
    Node,
    Nodes,
    attributes,
    div,
    kind,
    link,
    pandoc,
    para,
    raw,
    span,
    text,
    words,
)

LARGER = 1.45  # than in print: a screen's text is larger, and so are the letters in figures
_BODY = re.compile(r"<tbody>.*?</tbody>", re.DOTALL)
_HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
_UPRIGHT = re.compile(r'<mstyle mathvariant="normal">((?:<m[ino]>[^<]*</m[ino]>)+)</mstyle>')
_ANNOTATION = re.compile(r"<annotation encoding=\"application/x-tex\">.*?</annotation>", re.DOTALL)


@dataclass(frozen=True)
class HtmlShape:
    """The parts of a page; `keys` and `told` are each fact's name and the words of its origin, by number.

    A fact whose origin is not told, as in a paper for reviewers, is its words alone.
    """

    pictures: Mapping[str, Picture]
    keys: Mapping[int, str]
    told: Mapping[int, str]

    def fact(self, number: int, inlines: Nodes) -> Nodes:
        """A link to the origin, which a pointer also shows."""
        if number not in self.told:
            return inlines
        title = self.told[number]
        return [link(inlines, f"#pk-{number}", title, classes=("fact",), data_fact=self.keys[number])]

    def origin(self, numbers: list[str], inlines: Nodes) -> Nodes:
        """A value with a place for each fact that leads to it."""
        shown = span(inlines, name=f"pk-{numbers[-1]}", classes=("origin",))
        for number in reversed(numbers[:-1]):
            shown = span([shown], name=f"pk-{number}", classes=("origin",))
        return [shown]

    def picture(self, file: str, alt: str) -> Node:
        """The picture inside of the page."""
        found = self.pictures[file]
        data = base64.b64encode(found.data).decode()
        shown = attributes("", (), style=f"width:{found.width_in * LARGER * 6:.1f}rem")
        return {"t": "Image", "c": [shown, text(alt), [f"data:{found.media};base64,{data}", ""]]}

    def floated(self, one: Float, caption: Nodes, blocks: Nodes) -> Nodes:
        """A <figure> with its caption; a table has its own."""
        blocks, has_table = captioned(blocks, caption) if caption else (blocks, False)
        blocks = _with_regions(blocks)
        if has_table:
            return [div(blocks, name=one.label, classes=("float",))]
        name = f' id="{escape(one.label)}"' if one.label else ""
        told = [raw("<figcaption>"), {"t": "Plain", "c": caption}, raw("</figcaption>")] if caption else []
        inside = [*told, *blocks] if one.kind != "figure" else [*blocks, *told]
        return [raw(f'<figure{name} class="{one.kind}">'), *inside, raw("</figure>")]

    def equation(self, label: str, number: str, tex: str) -> Nodes:
        """A formula with its number at the right."""
        shown = [{"t": "Plain", "c": [formula(tex)]}]
        told = [{"t": "Plain", "c": [span(text(number), classes=("number",))]}] if number else []
        return [div([*shown, *told], name=label, classes=("equation",))]

    def step(self, depth: int) -> Nodes:
        """The indentation."""
        return [span([], classes=("indent",), style=f"width:{1.4 * depth:.1f}em")] if depth else []

    def comment(self, inlines: Nodes) -> Nodes:
        """The remark, in grey."""
        return [{"t": "Space"}, span(inlines, classes=("comment",))]

    def styled(self, style: str, blocks: Nodes, name: str = "") -> Node:
        """Blocks of a class."""
        return div(blocks, name=name, classes=(style,))


def html_page(found: Page, *, language: str = "en") -> str:
    """The page as HTML."""
    title = words(found.title).strip()
    authors = [words(lines[0]).strip() for lines in found.authors if lines]
    body = _written(_blocks(found))
    style = resources.files("paper_kit.render.exports").joinpath("webpage.css").read_text(encoding="utf-8")
    metas = [f'<meta name="author" content="{escape(name)}">' for name in authors]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{escape(language)}">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(title)}</title>",
            *metas,
            f'<meta name="description" content="{escape(words(found.abstract).strip()[:300])}">',
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            body,  # it ends with the footnotes
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _blocks(found: Page) -> Nodes:
    """All that stands in <body>; pandoc adds footnotes, and <main> is to be closed behind them."""
    lines = [
        div([{"t": "Plain", "c": line} for line in author], classes=("author",)) for author in found.authors
    ]
    keywords = [para([span(text("Keywords:"), classes=("number",)), {"t": "Space"}, *found.keywords])]
    return [
        raw('<a class="skip" href="#page-text">Skip to the text</a>\n<header>\n<h1>'),
        {"t": "Plain", "c": found.title},
        raw("</h1>"),
        div(lines, classes=("authors",)),
        raw('</header>\n<nav aria-label="Contents"><details open><summary>Contents</summary>'),
        _contents(found.body),
        raw('</details></nav>\n<main id="page-text">\n<section class="abstract" aria-label="Abstract">'),
        _heading("Abstract"),
        *found.abstract,
        *(keywords if found.keywords else []),
        raw("</section>"),
        *[_lowered(block) for block in found.body],
    ]


def _heading(title: str) -> Node:
    return {"t": "Header", "c": [2, attributes("page-abstract"), text(title)]}


def _contents(blocks: Nodes) -> Node:
    """The sections, and below each its subsections, as a list of links."""
    items: list[Nodes] = []
    for level, name, title in headings(blocks):
        entry: Node = {"t": "Plain", "c": [link(text(title), f"#{name}")]}
        if level == 1 or not items:
            items.append([entry])
        elif level == 2 and len(items[-1]) == 1:
            items[-1].append({"t": "BulletList", "c": [[entry]]})
        elif level == 2:
            items[-1][1]["c"].append([entry])
    return {"t": "BulletList", "c": items}


def _lowered(block: Node) -> Node:
    """A heading one level below the title's."""
    if block["t"] != "Header":
        return block
    level, name, inlines = block["c"]
    return {"t": "Header", "c": [level + 1, name, inlines]}


def _with_regions(blocks: Nodes) -> Nodes:
    """The blocks, each table with its notes in a region that scrolls where it is wider than the screen."""
    shown: Nodes = []
    for block in blocks:
        if block["t"] == "Table":
            shown.append(div([block], classes=("scroll",), role="region", tabindex="0", aria_label="Table"))
        elif kind(block) == "notes" and shown and kind(shown[-1]) == "scroll":
            shown[-1]["c"][1].append(block)
        else:
            shown.append(_plain(block))
    return shown


def _plain(block: Node) -> Node:
    """A paragraph of a picture alone as the picture: pandoc would make it a figure of its own."""
    return {"t": "Plain", "c": block["c"]} if block["t"] == "Para" else block


def _written(blocks: Nodes) -> str:
    """The blocks as HTML, each header of a table saying what it is the header of."""
    document = {"pandoc-api-version": [1, 22, 2, 1], "meta": {}, "blocks": blocks}
    options = ["--from", "json", "--to", "html5", "--mathml", "--wrap", "none"]
    html = _ANNOTATION.sub("", pandoc(options, json.dumps(document)))
    html = _UPRIGHT.sub(lambda found: _upright(found[1]), html)
    html = _HEAD.sub(lambda head: _scoped(head[0], "col"), html)
    return _BODY.sub(lambda body: _scoped(body[0], "row"), html)


def _upright(letters: str) -> str:
    """A word in upright letters as one: browsers set single letters in italics."""
    return f'<mi mathvariant="normal">{re.sub("<[^>]*>", "", letters)}</mi>'


def _scoped(html: str, scope: str) -> str:
    def header(found: re.Match[str]) -> str:
        wide = scope == "col" and "colspan" in found["rest"]
        return f'<th scope="{"colgroup" if wide else scope}"{found["rest"]}>'

    return re.sub(r"<th(?=[ >])(?P<rest>[^>]*)>", header, html)
