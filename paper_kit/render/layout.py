"""What stands where in a PDF: its words, its links, its named targets, each with page and position."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from pikepdf import Array, Dictionary, Name, NameTree, Object, Pdf

from paper_kit.core.errors import InputError
from paper_kit.render.poppler import BOXES, INSTALL, said

SUPPLEMENT = "pk.supplement"  # the target on the first page of the supplement
PROVENANCE = "pk.provenance"  # the target above the provenance appendix
MARGIN_PT = 1.0  # pdfTeX's \pdflinkmargin: a link's rectangle is so much wider than its text
_PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)">')
_WORD = re.compile(r'<word xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">(.*?)</word>')


@dataclass(frozen=True)
class Box:
    """A rectangle on a page, in points from its upper left corner."""

    page: int  # from 1
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return (self.top + self.bottom) / 2

    def covers(self, other: Box) -> float:
        """The part of the other's width that lies inside, 0 to 1; 0 for one above or below."""
        if self.page != other.page or not self.top <= other.middle <= self.bottom:
            return 0.0
        shared = min(self.right, other.right) - max(self.left, other.left)
        return max(0.0, shared) / max(other.right - other.left, 0.1)


@dataclass(frozen=True)
class Word:
    """A word as pdftotext tells it."""

    text: str
    box: Box


@dataclass(frozen=True)
class Link:
    """A link inside of the document ("" for one to an address) and the place of its text."""

    target: str
    box: Box
    address: str = ""


@dataclass(frozen=True)
class Layout:
    """Words in reading order, links in the order of the text, targets by name, and the pages' sizes."""

    words: tuple[Word, ...]
    links: tuple[Link, ...]
    targets: Mapping[str, Box]
    sizes: tuple[tuple[float, float], ...]  # width and height of each page, in points

    @cached_property
    def body_pages(self) -> int:
        """The number of pages before the provenance appendix; of all where there is none."""
        found = self.targets.get(PROVENANCE)
        return found.page - 1 if found else len(self.sizes)

    @property
    def paper_pages(self) -> int:
        """The number of pages before the supplement; of all where there is none."""
        found = self.targets.get(SUPPLEMENT)
        return found.page - 1 if found else len(self.sizes)

    @cached_property
    def regions(self) -> dict[str, tuple[Box, ...]]:
        """Kind ("figure", "table") -> where such things stand, as macros.tex marked them."""
        found: dict[str, list[Box]] = {"figure": [], "table": []}
        for name, start in self.targets.items():
            matched = re.fullmatch(r"pk\.(figure|table)\.(\d+)\.a", name)
            end = self.targets.get(f"{name[:-1]}b")
            if matched and end is not None:
                found[matched[1]].append(Box(start.page, start.left, start.top, end.left, end.top))
        return {kind: tuple(boxes) for kind, boxes in found.items()}

    def on(self, page: int) -> dict[str, Box]:
        """The targets on a page."""
        return self.by_page.get(page, {})

    @cached_property
    def by_page(self) -> dict[int, dict[str, Box]]:
        """Page -> its targets by name."""
        pages: dict[int, dict[str, Box]] = {}
        for name, box in self.targets.items():
            pages.setdefault(box.page, {})[name] = box
        return pages


def body_pages(pdf: Path) -> int:
    """How many pages a PDF has before its supplement or provenance appendix; all where it has neither."""
    with Pdf.open(pdf) as document:
        starts = {name: number for name, number, _, _ in _places(document)}
        return min(len(document.pages), *(starts.get(name, 2**31) for name in (SUPPLEMENT, PROVENANCE)))


def read_layout(pdf: Path) -> Layout:
    """The layout of a PDF; needs poppler's pdftotext, InputError where that cannot read it."""
    with Pdf.open(pdf) as document:
        linked, places = list(_links(document)), list(_places(document))
    told = said(BOXES, pdf)
    if not told:
        raise InputError(f"{pdf}: pdftotext cannot read it. {INSTALL}")
    sizes: list[tuple[float, float]] = []
    words: list[Word] = []
    for line in told.splitlines():
        if page := _PAGE.search(line):
            sizes.append((float(page[1]), float(page[2])))
        elif found := _WORD.search(line):
            left, top, right, bottom = (float(found[number]) for number in range(1, 5))
            words.append(Word(html.unescape(found[5]), Box(len(sizes), left, top, right, bottom)))
    links = tuple(_below(link, sizes) for link in linked)
    targets = {name: _point(number, left, above, sizes) for name, number, left, above in places}
    return Layout(tuple(words), links, targets, tuple(sizes))


def _below(link: Link, sizes: Sequence[tuple[float, float]]) -> Link:
    """The link with its place told from the page's upper edge, not from the lower."""
    box, height = link.box, sizes[link.box.page - 1][1]
    return replace(link, box=replace(box, top=height - box.top, bottom=height - box.bottom))


def _point(number: int, left: float, above: float, sizes: Sequence[tuple[float, float]]) -> Box:
    top = sizes[number][1] - above
    return Box(number + 1, left, top, left, top)


def _links(document: Pdf) -> Iterator[Link]:
    """The links of all pages, their places told from each page's lower edge."""
    for number, page in enumerate(document.pages, start=1):
        for link in page.get("/Annots", ()):
            if link.get("/Subtype") == Name.Link:
                x0, y0, x1, y1 = (float(value) for value in link.Rect)
                box = Box(number, x0 + MARGIN_PT, y1, x1 - MARGIN_PT, y0)
                yield Link(*_leads(link, box))


def _leads(link: Object, box: Box) -> tuple[str, Box, str]:
    """The name of the place to which a link leads, the box, and the address; "" for what it has not."""
    action = link.get("/A")
    target = link.get("/Dest") if action is None else action.get("/D")
    named = target is not None and not isinstance(target, Array)
    return str(target) if named else "", box, "" if action is None else str(action.get("/URI", ""))


def _places(document: Pdf) -> Iterator[tuple[str, int, float, float]]:
    """Each named place: its page from 0, and its distances from the page's left and lower edge."""
    names = document.Root.get("/Names", Dictionary()).get("/Dests")
    if names is None:
        return
    pages: dict[object, int] = {page.objgen: number for number, page in enumerate(document.pages)}
    for name, value in NameTree(names).items():
        place = value.D if isinstance(value, Dictionary) else value
        number = pages.get(place[0].objgen)
        if number is not None:
            yield str(name), number, *_corner(place)


def _corner(place: Any) -> tuple[float, float]:
    """The left and upper edge that a place names; 0 for one that it leaves open."""
    left, top = {"/XYZ": (2, 3), "/FitH": (None, 2), "/FitBH": (None, 2), "/FitV": (2, None)}.get(
        str(place[1]), (None, None)
    )
    return _number(place, left), _number(place, top)


def _number(place: Any, at: int | None) -> float:
    known = at is not None and len(place) > at and isinstance(place[at], int | float | Decimal)
    return float(place[at]) if known else 0.0
