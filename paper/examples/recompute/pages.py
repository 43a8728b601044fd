"""A PDF as its reader sees it: words on pages, links over them, attached files."""

from __future__ import annotations

import html
import re
import subprocess
import unicodedata
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

COVERED = 0.25  # of a word's width, from which a link is said to lie over the word
LINE_PT = 2.5  # words whose middles differ by less stand on one line
SAME = str.maketrans({"−": "-", "–": "-", "‐": "-", "∘": "°", "◦": "°", "∙": "·", "\xad": ""})


def plain(text: str) -> str:
    """A text as it is compared: no spaces, one minus, ligatures and mathematical letters resolved."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).translate(SAME))


@dataclass(frozen=True)
class Word:
    """A word with its box in points, from the upper left corner of its page."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def middle(self) -> float:
        """Height of the word's middle."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Link:
    """A link's target and its box, as a Word has it."""

    target: str
    box: Word


class Pdf:
    """The objects of a PDF file, read without its table of them: a later object replaces an earlier."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.objects: dict[int, bytes] = {}
        data = path.read_bytes()
        for found in re.finditer(rb"(?<!\d)(\d+) 0 obj\b(.*?)\bendobj", data, re.DOTALL):
            self.objects[int(found[1])] = found[2]
        for body in list(self.objects.values()):
            if b"/ObjStm" in body:
                self._unpack(body)

    def _unpack(self, body: bytes) -> None:
        """Nothing; the objects inside of an object stream are known after it."""
        inner = stream(body)
        count, first = _integer(body, b"N"), _integer(body, b"First")
        numbers = [int(each) for each in inner[:first].split()[: 2 * count]]
        ends = [*numbers[3::2], len(inner) - first]
        for number, start, end in zip(numbers[::2], numbers[1::2], ends, strict=True):
            self.objects.setdefault(number, inner[first + start : first + end])

    @cached_property
    def page_numbers(self) -> list[int]:
        """Object numbers of the pages, in order."""
        catalog = next(body for body in self.objects.values() if re.search(rb"/Type\s*/Catalog\b", body))
        return self._leaves(_reference(catalog, b"Pages"))

    def _leaves(self, number: int) -> list[int]:
        kids = re.search(rb"/Kids\s*\[(.*?)\]", self.objects[number], re.DOTALL)
        if kids is None:
            return [number]
        return [leaf for kid in re.findall(rb"(\d+) 0 R", kids[1]) for leaf in self._leaves(int(kid))]

    @cached_property
    def links(self) -> list[Link]:
        """The links to places in the document, in the order in which TeX set them."""
        found = []
        for page, number in enumerate(self.page_numbers, 1):
            height = self._height(number)
            for annotation in self._annotations(number):
                target = re.search(rb"/D\s*\(((?:\\.|[^()\\])*)\)", annotation)
                rect = re.search(rb"/Rect\s*\[([^\]]*)\]", annotation)
                if target and rect:
                    x0, y0, x1, y1 = (float(each) for each in rect[1].split())
                    box = Word(page, x0, height - y1, x1, height - y0, "")
                    found.append(Link(target[1].decode("latin-1"), box))
        return found

    def _annotations(self, page: int) -> list[bytes]:
        body = self.objects[page]
        listed = re.search(rb"/Annots\s*(?:\[(.*?)\]|(\d+) 0 R)", body, re.DOTALL)
        if listed is None:
            return []
        array = listed[1] if listed[2] is None else self.objects[int(listed[2])]
        return [self.objects[int(each)] for each in re.findall(rb"(\d+) 0 R", array)]

    def _height(self, number: int) -> float:
        while (box := re.search(rb"/MediaBox\s*\[([^\]]*)\]", self.objects[number])) is None:
            number = _reference(self.objects[number], b"Parent")
        return float(box[1].split()[3])

    @cached_property
    def words(self) -> list[Word]:
        """Every word of every page, in reading order, by `pdftotext -bbox`."""
        told = subprocess.run(["pdftotext", "-bbox", str(self.path), "-"], check=True, capture_output=True)
        page, found = 0, []
        word = re.compile(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>')
        for line in told.stdout.decode().splitlines():
            page += "<page " in line
            if match := word.search(line):
                box = [float(each) for each in match.groups()[:4]]
                found.append(Word(page, *box, html.unescape(match[5])))
        return found

    @cached_property
    def _words_of_page(self) -> dict[int, list[Word]]:
        pages: dict[int, list[Word]] = {}
        for word in self.words:
            pages.setdefault(word.page, []).append(word)
        return pages

    def under(self, link: Link) -> list[Word]:
        """The words that a link lies over."""
        near = self._words_of_page.get(link.box.page, [])
        return [word for word in near if overlap(link.box, word) > 0]

    def row(self, box: Word) -> list[Word]:
        """The words of a box's line, from left to right, across the page."""
        return self.near(box, LINE_PT)

    def near(self, box: Word, within_pt: float) -> list[Word]:
        """The words so little above or below a box's middle, from left to right."""
        words = self._words_of_page.get(box.page, [])
        return sorted((w for w in words if abs(w.middle - box.middle) < within_pt), key=lambda w: w.left)

    def attachment(self, name: str) -> bytes | None:
        """The content of an attached file; None where there is none of this name."""
        for body in self.objects.values():
            if re.search(rb"/Filespec\b", body) and b"(" + name.encode() + b")" in body:
                inner = re.search(rb"/EF\s*<<.*?(\d+) 0 R", body, re.DOTALL)
                return stream(self.objects[int(inner[1])]) if inner else None
        return None


class Together(Pdf):
    """A paper and its supplement, whose pages follow the paper's."""

    def __init__(self, paper: Path, supplement: Path) -> None:
        super().__init__(paper)
        self.supplement = Pdf(supplement)

    @cached_property
    def links(self) -> list[Link]:
        """The links of both, in order."""
        more = [Link(link.target, self._later(link.box)) for link in self.supplement.links]
        return [*super().links, *more]

    @cached_property
    def words(self) -> list[Word]:
        """The words of both, in order."""
        return [*super().words, *map(self._later, self.supplement.words)]

    def _later(self, word: Word) -> Word:
        return replace(word, page=word.page + len(self.page_numbers))


def opened(paper: Path) -> Pdf:
    """The paper, with the supplement that lies beside it where its links lead there."""
    alone, beside = Pdf(paper), paper.with_name("supplement.pdf")
    parted = any(b"/GoToR" in body and b"(supplement.pdf)" in body for body in alone.objects.values())
    if parted and not beside.is_file():
        raise ValueError(f"{paper}: links to supplement.pdf, which is not beside it")
    return Together(paper, beside) if parted else alone


def stream(body: bytes) -> bytes:
    """The content of a stream object, inflated where it is deflated."""
    start = re.search(rb"\bstream\r?\n", body)
    if start is None:
        raise ValueError("an object of the PDF has no stream where one was expected")
    content = body[start.end() : body.rindex(b"endstream")]
    return zlib.decompressobj().decompress(content) if b"/FlateDecode" in body[: start.start()] else content


def overlap(box: Word, word: Word) -> float:
    """The share of a word's width that a box covers; 0 where they stand on different lines."""
    if box.page != word.page or not box.top - 1 <= word.middle <= box.bottom + 1:
        return 0.0
    shared = min(box.right, word.right) - max(box.left, word.left)
    return max(0.0, shared) / max(word.right - word.left, 0.1)


def _integer(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb"\s+(\d+)", body)
    if found is None:
        raise ValueError(f"the PDF has an object stream without /{name.decode()}")
    return int(found[1])


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb"\s+(\d+) 0 R", body)
    if found is None:
        raise ValueError(f"the PDF has an object without /{name.decode()}")
    return int(found[1])
