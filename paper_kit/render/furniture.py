"""Digits of a page that count or name and state no result: of headings, captions, lists, references."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

from paper_kit.render.layout import Box, Layout, Word

# A letter that touches the digits makes a name of them: F1, FER2013, ResNet-50, 3D, tf_efficientnet_lite0. A
# decimal is no part of a name: in "F97.7" and "Acc-97.7" the number is found.
NAME = re.compile(r"[^\W\d_][^\W\d]*(?:[-\N{HYPHEN}\N{EN DASH}+]?\d\w*)+(?![.,]?\d)|\b[123]-?D\b")
YEAR = re.compile(r"\(?(?:19[5-9]\d|20[0-3]\d)[a-z]?\)?[.,;:)]*")
_CAPTION = re.compile(r"(?:fig|figure|table|algorithm|listing|appendix)\.?", re.IGNORECASE)
_HEADING = re.compile(r"(?:(?:sub)*section|paragraph|appendix|part|chapter)\*?\.(?:.*\.)?([\w.]+)")
_BLOCK = re.compile(r"cite\.|(?:sub)*section|appendix|paragraph|pk\.provenance")
ABOVE_PT = (-8.0, 34.0)  # how far below its target a heading's number may stand
LINE_PT = 14.0
ENTRY_PT = 2.0
STICKS_OUT = 0.005  # of the words, such as those of a figure that is wider than its column
RULER = 5  # numbers of lines below one another, at the least


@dataclass(frozen=True)
class Furniture:
    """The layout of a document of `columns` columns, asked word by word."""

    layout: Layout
    columns: int

    def holds(self, place: int) -> bool:
        """Whether the word at this place of the layout has digits that state no result."""
        words = self.layout.words
        word = words[place]
        before = words[place - 1].text if place and words[place - 1].box.page == word.box.page else ""
        return bool(
            YEAR.fullmatch(word.text)
            or self._caption(word, before)
            or self._heading(word)
            or self._counted(word)
            or self._page_number(word)
            or place in self._line_numbers
            or self.in_references(word.box)
        )

    def in_references(self, box: Box) -> bool:
        """Whether the place lies in the list of references: what begins above it is an entry."""
        place = bisect_right(self._starts, self._order(box))
        return place > 0 and self._blocks[place - 1][1].startswith("cite.")

    def _caption(self, word: Word, before: str) -> bool:
        """The number in "Table 3", where the target of such a caption is on the page."""
        number = re.fullmatch(r"([\w.]*\w)[.:]?", word.text)
        if number is None or not _CAPTION.fullmatch(before):
            return False
        end = re.compile(rf"\.{re.escape(number[1].rpartition('.')[2])}$")
        named = [name for name in self.layout.on(word.box.page) if name.startswith(before.lower()[:3])]
        if any(end.search(name) for name in named):
            return True
        # The caption package counts its targets otherwise: then there are at least so many.
        counted = re.search(r"\d+$", number[1])
        known = [name for name in self.layout.targets if name.startswith(before.lower()[:3])]
        enough = counted is None or int(counted[0]) <= sum(".caption." in name for name in known)
        return enough and word.text.endswith((".", ":")) and any(".caption." in name for name in named)

    def _heading(self, word: Word) -> bool:
        """The number of a heading, which stands right below its target: "2.1", or "1)" for 2.1.1."""
        number = re.fullmatch(r"([\w.]*?\w)([.):]*)", word.text)
        if number is None:
            return False
        for name, box in self.layout.on(word.box.page).items():
            own = _HEADING.fullmatch(name)
            if own is None or not self._below(word, box):
                continue
            full = name.split(".", 1)[1]
            if f".{full}".endswith(f".{number[1]}") or (
                number[2].startswith(")") and number[1] == full.rpartition(".")[2]
            ):
                return True
        return False

    def _below(self, word: Word, target: Box) -> bool:
        return ABOVE_PT[0] <= word.box.middle - target.top <= ABOVE_PT[1]

    def _counted(self, word: Word) -> bool:
        """Numbers of equations, footnotes, items of lists and lines of algorithms."""
        names = self.layout.on(word.box.page)
        if found := re.fullmatch(r"\((\d+)\)", word.text):
            return any(re.fullmatch(rf"equation\.(?:.*\.)?{found[1]}", name) for name in names)
        if found := re.match(r"(\d+)(?![\d%]|[.,]\d)", word.text):
            note = names.get(f"Hfootnote.{found[1]}")
            if note is not None and abs(word.box.middle - note.top) <= LINE_PT:
                return True
        if re.fullmatch(r"\d+:", word.text):
            return any(name.startswith(("algorithm.", "ALG@line.")) for name in names)
        if re.fullmatch(r"\(?\d+[.)]", word.text):
            items = (box for name, box in names.items() if name.startswith("Item."))
            return any(abs(word.box.middle - box.top) <= LINE_PT for box in items)
        return False

    @cached_property
    def entries(self) -> dict[str, int]:
        """Target of an entry of the list of references -> its number there, from 1."""
        names = [name for _, name in self._blocks if name.startswith("cite.")]
        return {name: number for number, name in enumerate(names, start=1)}

    def _page_number(self, word: Word) -> bool:
        """A number that is the page's own, alone in the first or the last line."""
        if not re.fullmatch(r"S?\d+", word.text) or f"page.{word.text}" not in self.layout.on(word.box.page):
            return False
        others = [each.box for each in self._on_page(word.box.page) if each is not word]
        above = all(box.top >= word.box.bottom - 1 for box in others)
        return above or all(box.bottom <= word.box.top + 1 for box in others)

    @cached_property
    def _line_numbers(self) -> frozenset[int]:
        """The places of the numbers that a class for reviewers prints in the margins, one a line."""
        left, right = self._margins
        found: set[int] = set()
        for places in self._places_by_page.values():
            digits = {
                place: self.layout.words[place] for place in places if self.layout.words[place].text.isdigit()
            }
            for margin in (
                [place for place, word in digits.items() if word.box.right <= left],
                [place for place, word in digits.items() if word.box.left >= right],
            ):
                rows = sorted(margin, key=lambda place: digits[place].box.top)
                found.update(_counted_up(rows, [int(digits[place].text) for place in rows]))
        return frozenset(found)

    @cached_property
    def _margins(self) -> tuple[float, float]:
        """Where the text of the document begins and ends, but for the few words that stick out."""
        text = [word.box for word in self.layout.words if not word.text.isdigit()]
        if not text:
            return 0.0, inf
        out = int(len(text) * STICKS_OUT)
        return sorted(box.left for box in text)[out], sorted(box.right for box in text)[-1 - out]

    @cached_property
    def _places_by_page(self) -> dict[int, list[int]]:
        pages: dict[int, list[int]] = {}
        for place, word in enumerate(self.layout.words):
            pages.setdefault(word.box.page, []).append(place)
        return pages

    def _on_page(self, page: int) -> Sequence[Word]:
        return self._words_by_page.get(page, ())

    @cached_property
    def _words_by_page(self) -> dict[int, list[Word]]:
        pages: dict[int, list[Word]] = {}
        for word in self.layout.words:
            pages.setdefault(word.box.page, []).append(word)
        return pages

    def _order(self, box: Box) -> tuple[int, int, float]:
        """The place of a box in reading order: page, column, height."""
        wide = self.layout.sizes[box.page - 1][0]
        return box.page, int(self.columns == 2 and box.left > wide / 2 - LINE_PT), box.middle

    @cached_property
    def _blocks(self) -> list[tuple[tuple[int, int, float], str]]:
        """Headings and references in reading order."""
        named = []
        for name, box in self.layout.targets.items():
            if _BLOCK.match(name):
                page, column, height = self._order(box)
                below = ENTRY_PT if name.startswith("cite.") else 0.0  # it may begin as high as its heading
                named.append(((page, column, height + below), name))
        return sorted(named)

    def numbered(self, target: str) -> str:
        """The last numbered heading above one without a number, to which a reference to that one leads."""
        place = next((at for at, (_, name) in enumerate(self._blocks) if name == target), 0)
        above = (name for _, name in reversed(self._blocks[:place]) if re.match(r"(?:sub)*section\.", name))
        return next(above, "")

    @cached_property
    def _starts(self) -> list[tuple[int, int, float]]:
        return [order for order, _ in self._blocks]


def _counted_up(rows: Sequence[int], numbers: Sequence[int]) -> list[int]:
    """The rows whose numbers count up by one, other numbers between them left out; none if they are few."""
    longest: list[int] = []
    for start in range(len(rows)):
        if len(rows) - start <= len(longest):
            break
        chain, last = [rows[start]], numbers[start]
        for row, number in zip(rows[start + 1 :], numbers[start + 1 :], strict=True):
            if number == last + 1:
                chain.append(row)
                last = number
        longest = max(longest, chain, key=len)
    return longest if len(longest) >= RULER else []
