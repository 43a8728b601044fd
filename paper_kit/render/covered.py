"""The words of a compiled paper and the links over them: what of a word a link accounts for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor

from paper_kit.render.furniture import Furniture
from paper_kit.render.layout import Layout, Link
from paper_kit.render.printer import PrintedFact
from paper_kit.render.typed import NUMBER

WHOLLY = 0.6  # of a word's width: a link that covers more covers all of it but its punctuation
PARTLY = 0.25  # the same for a typed number that is meant: the 9 of "(9),"
TOUCHED = 0.02
_SIGNS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{HYPHEN}": "-",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",  # so TeX sets an apostrophe
        "\N{LEFT SINGLE QUOTATION MARK}": "`",
        "\u2218": "°",
        "\u25e6": "°",
        "\u0131": "i",
    }
)
_PLACED = re.compile(r"(?:Item|ALG@line|Hfootnote)\.|.*\.caption\.")  # counted otherwise than printed
_YEAR = re.compile(r"(?:19[5-9]\d|20[0-3]\d)")
_SCHEME = re.compile(r"(?:https?|ftp)://[a-z]|mailto:[a-z]")
AFTER, BEFORE = 3, 5  # words around a number in which a citation makes it a cited one
_ENDS = (".", ";", "?", "!")
_CLAUSE = (*_ENDS, ",", ":", "\N{EM DASH}")
_OWN = {"we", "our", "ours", "us"}


@dataclass(frozen=True)
class ReadBack:
    """The words of a compiled paper with what covers each of them."""

    layout: Layout
    facts: Mapping[int, PrintedFact]
    columns: int = 1

    @cached_property
    def furniture(self) -> Furniture:
        """What of the layout counts and names."""
        return Furniture(self.layout, self.columns)

    @cached_property
    def links_of(self) -> dict[int, list[Link]]:
        """Place of a word -> the links that touch it."""
        found: dict[int, list[Link]] = {}
        for link, places in self.words_of:
            for place in places:
                found.setdefault(place, []).append(link)
        return found

    @cached_property
    def words_of(self) -> list[tuple[Link, list[int]]]:
        """Each link with the places of the words that it touches, in the order of the links."""
        rows: dict[tuple[int, int], list[int]] = {}  # page and height in whole points -> words
        for place, word in enumerate(self.layout.words):
            rows.setdefault((word.box.page, floor(word.box.middle)), []).append(place)
        return [(link, sorted(self._touched(link, rows))) for link in self.layout.links]

    def _touched(self, link: Link, rows: dict[tuple[int, int], list[int]]) -> Iterator[int]:
        for height in range(floor(link.box.top), floor(link.box.bottom) + 1):
            for place in rows.get((link.box.page, height), ()):
                if link.box.covers(self.layout.words[place].box) > TOUCHED:
                    yield place

    @cached_property
    def addresses(self) -> frozenset[int]:
        """The places of words under a link that prints the address to which it leads."""
        found: set[int] = set()
        for run in runs(self.words_of):
            places = [place for _, each in run for place in each]
            shown = plain("".join(self.layout.words[place].text for place in places)).strip(".,;:()[]<>")
            address = plain(run[0][0].address)
            if _SCHEME.match(address) and address.endswith(shown) and 2 * len(shown) >= len(address):
                found.update(places)
        return frozenset(found)

    @cached_property
    def models(self) -> frozenset[str]:
        """The names of the study's models that are printed, as they can be compared."""
        return frozenset(plain(fact.text) for fact in self.facts.values() if fact.name.startswith("names."))

    def pages(self) -> dict[int, list[int]]:
        """Page -> numbers of the facts that it prints, in the order of the text."""
        found: dict[int, dict[int, None]] = {}
        for link in self.layout.links:
            number = fact_number(link.target)
            if number:
                found.setdefault(link.box.page, {})[number] = None
        return {page: list(numbers) for page, numbers in sorted(found.items())}


def fact_number(target: str) -> int:
    """The number of the fact that a link leads to; 0 for other links."""
    found = re.fullmatch(r"pk\.(\d+)", target)
    return int(found[1]) if found else 0


def signs(text: str) -> str:
    """A text with one sign for each minus and whole accents."""
    return unicodedata.normalize("NFKC", text).translate(_SIGNS)


def plain(text: str) -> str:
    """A text as it can be compared: no spaces, one sign for each minus, accents joined, small letters."""
    return re.sub(r"\s+", "", signs(text)).casefold()


def runs(found: Iterable[tuple[Link, list[int]]]) -> Iterator[list[tuple[Link, list[int]]]]:
    """Links to one place, one after another, with their words: one printing, or several in a row."""
    run: list[tuple[Link, list[int]]] = []
    for link, places in found:
        if run and (link.target, link.address) != (run[0][0].target, run[0][0].address):
            yield run
            run = []
        run.append((link, places))
    if run:
        yield run


def uncovered(read: ReadBack, place: int) -> str:
    """What of a word no link accounts for, in plain signs.

    A link to a fact accounts for its text, one to a heading, a float or an entry for that one's number, and
    one to an address for the address.
    """
    word = read.layout.words[place]
    text = signs(word.text)
    if place in read.addresses:
        return ""
    for link in read.links_of.get(place, ()):
        covered = link.box.covers(word.box)
        number = fact_number(link.target)
        if (number and covered > WHOLLY) or (link.target == "pk.literal" and covered > PARTLY):
            return ""
        for piece in _pieces(read, link, text):
            if piece in text:
                text = text.replace(piece, " ", 1)
                break
    return text


def _pieces(read: ReadBack, link: Link, text: str) -> Sequence[str]:
    """The texts that a link may account for, the longest first."""
    if number := fact_number(link.target):
        fact = read.facts.get(number)
        return [signs(piece) for piece in sorted((fact.text if fact else "").split(), key=len, reverse=True)]
    numbers = sorted(NUMBER.findall(text), key=len, reverse=True)
    if link.target.startswith("cite."):
        rank = str(read.furniture.entries.get(link.target, ""))
        return [each for each in numbers if each == rank or _YEAR.fullmatch(each)]
    counted = bool(_PLACED.match(link.target))
    unnumbered = link.target.startswith("section*.")
    target = read.furniture.numbered(link.target) if unnumbered else link.target
    lettered = re.search(r"\.([A-Z]\d+)$", target)  # S5 of the supplement, which is no name of the text's
    if lettered and re.search(rf"(?<!\w){lettered[1]}(?!\w)", text):
        return [lettered[1]]
    return [
        each
        for each in numbers
        if target.endswith(f".{each}") or (counted and each.isdigit() and len(each) < 3)
    ]


def cited(read: ReadBack, place: int) -> bool:
    """Whether a citation stands close behind the word or before in its clause, and no "our" before it."""
    return not _own(read, place) and (_cited_behind(read, place) or _cited_before(read, place))


def _cited_behind(read: ReadBack, place: int) -> bool:
    words = read.layout.words
    for near in range(place, min(place + AFTER + 1, len(words))):
        if _cites(read, near):
            return True
        if words[near].text.endswith(_ENDS):
            return False
    return False


def _cited_before(read: ReadBack, place: int) -> bool:
    words = read.layout.words
    for near in range(place - 1, max(place - 1 - BEFORE, -1), -1):
        if words[near].text.endswith(_CLAUSE):  # also of the citation itself: "[8]." ends its sentence
            return False
        if _cites(read, near):
            return True
    return False


def _cites(read: ReadBack, place: int) -> bool:
    """Whether a link to an entry touches the word, which has that entry's number, or a year, or no number."""
    text = signs(read.layout.words[place].text)
    return any(
        link.target.startswith("cite.") and (_pieces(read, link, text) or not NUMBER.search(text))
        for link in read.links_of.get(place, ())
    )


def _own(read: ReadBack, place: int) -> bool:
    """Whether the sentence up to the word names a model of the study, or says "we" or "our"."""
    words = read.layout.words
    start = place
    while start and not words[start - 1].text.endswith(_ENDS):
        start -= 1
    said = [plain(word.text).strip(".,;:()") for word in words[start:place]]
    return not _OWN.isdisjoint(said) or not read.models.isdisjoint(said)
