"""What the pages show under each link, and whether it is what provenance.json says; figures with numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from pages import COVERED, Link, Pdf, Word, overlap, plain

CELL_PT = 6.0  # of a cell with two lines, from its middle to theirs at most
GAIN = re.compile(r"[+−±]?\d+\.\d")  # a gain, or half of its interval
NAME_PT = 260.0  # how far left of a cell the name of its row may begin


@dataclass(frozen=True)
class Printing:
    """One place where a fact is printed: its page, the words there, and the row's name if in a table."""

    number: int
    page: int
    shown: str
    rows: tuple[str, str]  # what stands left of it on its line: near, and across the page


def printings(pdf: Pdf, texts: Mapping[int, str]) -> Iterator[Printing]:
    """Each place of each fact, in the order of the PDF; links in a row to one fact are one place.

    They are several where each of them shows the whole text.
    """
    group: list[Link] = []
    for link in [*pdf.links, None]:
        if group and (link is None or link.target != group[0].target):
            if found := re.fullmatch(r"pk\.(\d+)", group[0].target):
                number = int(found[1])
                single = [_printing(pdf, number, [each]) for each in group]
                whole = all(shows(each, texts.get(number, "")) for each in single)
                yield from single if whole else [_printing(pdf, number, group)]
            group = []
        if link is not None:
            group.append(link)


def _printing(pdf: Pdf, number: int, group: Sequence[Link]) -> Printing:
    words: dict[Word, None] = {}
    for link in group:
        touched = sorted(pdf.under(link), key=lambda word: -overlap(link.box, word))
        words |= dict.fromkeys(
            word for word in touched if overlap(link.box, word) > COVERED or word == touched[0]
        )
    ordered = sorted(words, key=pdf.words.index)
    box = group[0].box
    across = [word for word in pdf.row(box) if word.right <= box.left + 1]
    near = [word for word in across if box.left - NAME_PT < word.left]
    rows = (" ".join(word.text for word in words) for words in (near, across))
    return Printing(number, box.page, " ".join(word.text for word in ordered), (next(rows), next(rows)))


def shows(printing: Printing, text: str) -> bool:
    """Whether the words hold the text, once or several times, and no other digit in a number's place."""
    if not text:
        return True
    wanted, found = plain(text), plain(printing.shown)
    if not any(sign.isdigit() for sign in wanted):
        wanted, found = (re.sub("-", "", each).casefold() for each in (wanted, found))
        return wanted in found
    found = re.sub(r"-(?=[a-z])", "", found) if wanted not in found else found
    left = re.sub(rf"(?<![\d.,]){re.escape(wanted)}(?![.,]?\d)", " ", found)
    return left != found and not re.search(r"\d", left)


def confusion(pdf: Pdf, classes: Sequence[str], models: int) -> Iterator[tuple[Word, str, list[Word]]]:
    """(label word, class, its cells from left to right) of each row of printed confusion matrices."""
    wanted = models * len(classes)
    for word in pdf.words:
        if word.text in classes:
            cells = [w for w in pdf.row(word) if re.fullmatch(r"\d{1,3}", w.text) and w.left > word.right]
            if len(cells) >= wanted:
                yield word, word.text, cells[:wanted]


def gain_cells(
    pdf: Pdf, classes: Sequence[str], across: int
) -> Iterator[tuple[Word, list[Word], list[Word]]]:
    """(label word, its values, half their intervals) of each row of a printed map of gains."""
    for label in (word for word in pdf.words if word.text in classes):
        right = (word for word in pdf.near(label, CELL_PT) if word.left > label.right)
        cells = list(takewhile(lambda word: GAIN.fullmatch(word.text), right))  # beyond is another column
        values = [word for word in cells if not word.text.startswith("±")][:across]
        halves = [word for word in cells if word.text.startswith("±")][:across]
        if len(values) == len(halves) == across:
            yield label, values, halves


def numbers(text: str) -> list[float]:
    """The numbers in a text, with their signs."""
    found = re.findall(r"[-+]?\d[\d,]*(?:\.\d+)?", plain(text))
    return [float(each.replace(",", "")) for each in found]


def decimals(text: str) -> int:
    """Decimals of the first number in a text."""
    found = re.search(r"\d[\d,]*(?:\.(\d+))?", plain(text))
    return len(found[1] or "") if found else 0


def row_names(printing: Printing, names: Collection[str]) -> set[str]:
    """Which of the names begin the row of a table in which a number stands: behind it are only numbers."""
    found = set()
    for row in printing.rows:
        told = row.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        begun = [name for name in names if re.fullmatch(rf"{re.escape(name)}(?: [^A-Za-z]*)?", told)]
        found |= {max(begun, key=len)} if begun else set()
    return found
