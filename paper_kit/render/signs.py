"""Signs that are typed before a fact, which prints its own: a minus there makes another number of it."""

from __future__ import annotations

from collections.abc import Iterator

from paper_kit.render.covered import ReadBack, fact_number, plain, runs, signs
from paper_kit.render.layout import Word
from paper_kit.render.printer import PrintedFact

NEAR_PT = 5.0  # a sign so near belongs to the number behind it; a space between words is narrower
EVEN_PT = 0.8  # two spaces that differ by less are those around an operator
_SAID = {"minus", "negative"}


def flipped(read: ReadBack) -> Iterator[tuple[int, PrintedFact]]:
    """(place of its first word, fact) of each printing right before which a minus is typed, or the word."""
    for run in runs(read.words_of):
        fact = read.facts.get(fact_number(run[0][0].target))
        if fact is None or not any(sign.isdigit() for sign in fact.text):
            continue
        first = signs(fact.text.split()[0])
        for _, places in run:
            if (
                places
                and first in signs(read.layout.words[places[0]].text)
                and _signed(read, places[0], first)
            ):
                yield places[0], fact


def _signed(read: ReadBack, place: int, first: str) -> bool:
    """Whether a lone minus stands before the fact's first word, in that word or the one before."""
    words = read.layout.words
    before = signs(words[place].text).partition(first)[0]
    if before.endswith("-"):
        operand = before.rstrip("-")[-1:]
        return not (operand.isalnum() or operand in (")", "]", "%"))
    if before.strip("([{"):
        return False
    at = _beside(words, place)
    if at is None:
        return False
    said = signs(words[at].text)
    if plain(said).strip("([{") in _SAID:
        return True
    return said.lstrip("([{") == "-" and not _between(words, at, place)


def _beside(words: tuple[Word, ...], place: int) -> int | None:
    """The place of the word before in the same line; None where the line begins."""
    if not place:
        return None
    one, two = words[place - 1].box, words[place].box
    same = one.page == two.page and one.top <= two.middle <= one.bottom and one.right <= two.left + 1
    return place - 1 if same else None


def _between(words: tuple[Word, ...], sign: int, place: int) -> bool:
    """Whether a minus is an operator, as far from the word before as from the fact, or a dash."""
    behind = words[place].box.left - words[sign].box.right
    at = _beside(words, sign)
    if at is None:
        return behind > NEAR_PT
    ahead = words[sign].box.left - words[at].box.right
    return behind > NEAR_PT or ahead - behind < EVEN_PT
