"""Typed numbers: digits and number words in prose, digits in formulas."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paper_kit.render.proof.page import SYMBOL, VALUE, Span

_SMALL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_WORDS = (
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth hundredth thousandth"
)
_SMALL, _TENS, _ORDINALS = _SMALL_WORDS.split(), _TEN_WORDS.split(), _ORDINAL_WORDS.split()
VALUES = {
    **{word: float(number) for number, word in enumerate(_SMALL)},
    **{word: float(10 * number) for number, word in enumerate(_TENS, start=2)},
    **{word: float(number) for number, word in enumerate(_ORDINALS[:18], start=3)},
    "twice": 2.0, "double": 2.0, "second": 2.0, "couple": 2.0, "half": 0.5, "quarter": 0.25, "thrice": 3.0,
    "triple": 3.0, "dozen": 12.0, "hundred": 100.0, "thousand": 1000.0, "twofold": 2.0, "threefold": 3.0,
    "fourfold": 4.0, "fivefold": 5.0, "tenfold": 10.0,
}  # fmt: skip
ORDINALS = (*_ORDINALS, "second", "twice", "double", "thrice", "triple", "half", "quarter", "twofold",
            "threefold", "fourfold", "fivefold", "tenfold")  # fmt: skip
_FOLD = rf"(?:{'|'.join(_SMALL[1:] + _TENS)}|hundred|many)-?fold"
_COUNTS = (
    rf"{_FOLD}|(?:{'|'.join(_TENS)})(?:-?(?:{'|'.join(_SMALL[1:10])}))?|{'|'.join(_SMALL[2:])}"
    r"|hundreds?|thousands?|millions?|billions?|trillions?|dozens?|twice|thrice|doubled?|doubles|tripl(?:e[ds]?|ing)"
    r"|quadrupl(?:e[ds]?|ing)|trios?|quartets?|quintets?|(?:a|two|three) score(?= of\b)|scores(?= of \w+s\b)"
    r"|half|quarters?|couple|seconds?|thirds|halved|halving|doubling"
    rf"|(?:{'|'.join(_ORDINALS)})s?"
)
WORD = re.compile(rf"(?<![\w\\])(?:{_COUNTS})(?![\w])", re.IGNORECASE)
ONE = re.compile(
    r"(?<![\w\\-])one\s+(?:seeds?|networks?|models?|classes|epochs?|runs?|views?|gpus?|threads?|"
    r"folds?|percent|per cent|points?|layers?|annotators?|hundred|thousand|million|"
    r"architectures?|third|half|quarter)"
    r"\b(?!\s+at\s+a\s+time)",
    re.IGNORECASE,
)
# Upper-case Roman numerals of three signs or more, save what is an abbreviation, as MCC for a coefficient.
ROMAN = re.compile(
    r"(?<![\w\\-])(?!(?:MCC|CCC|MIX|MMD|MMI|CLI|CMC|DCC|DIV|VIM|XXX)\b)(?=[MDCLXVI]{3})"
    r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?![\w-])"
)
_SIGNS = re.compile(r"[^\x00-\x7f\ue000-\uf8ff]")
DIGITS = re.compile(r"\d{1,3}(?:(?:,|\{,\})\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)*|[¼½¾⅓⅔⅛]")
# Words that a number word belongs to as a part of a name.
_NAMES = {
    "half": r"[\s-]*precision\b",
    "double": r"[\s-]*(?:precision|descent|blind)\b",
    "third": r"[\s-]*(?:party|parties|person)\b",
    "second": r"[\s-]*(?:order|person|hand)\b",
}
_THE_TWO = re.compile(r"\b(?:the|these|those|other|of the|them)\s+$", re.IGNORECASE)
_UNCOUNTED = re.compile(
    r"\s*(?:$|[.,;:)!?]|(?:can|cannot|could|may|might|must|will|would|should|are|were|is|was|have|has|had|do|does|did"
    r"|not|also|then|both|agree|differ|perform|reach|show|share|use|need|behave|come|lie|stand|of|in|on|at|by|with|from"
    r"|to|as|and|or|but|that|which|who|together|apart|alike|alone)\b)"
)
_DIMENSIONS = re.compile(r"-dimensional\b")
_SECOND = re.compile(r"(?:^|[\s(])(?:a|per|every|each|the|in|its)\s+$|[.\ue003(]\s*$|^\s*$", re.IGNORECASE)
_NAME_BEFORE = re.compile(r"(?:^|[\s({\ue003~\"'])(?:(?:[A-Z][\w+]*[-/])+|top-|rank-)$")
_PLACES = re.compile(
    r"(?:Sections?|Sec\.|Tables?|Tab\.|Figures?|Figs?\.|Eqs?\.|Equations?|Algorithms?|Appendix|Chapter|Part|Lines?|"
    r"Ref\.|No\.|Vol\.|page|pp?\.)[\s(]*$"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|until|from|by|year|before|after)|\(|\([^()]*[,\s])\s*$|\ue001\s*$", re.IGNORECASE
)
_YEAR_AFTER = re.compile(
    r"\s*(?:[.,;:)\ue001\ue003-]|(?:and|to|by|it|we|the|a|as|for|on|with|when|was|is)\b|$)"
)
_CITED_AFTER = re.compile(
    r"\s*(?:%|percent|per\s+cent|points?)?\s*"
    r"(?:(?:on|for|of|in)\s+(?:the\s+)?[A-Z][\w+-]*(?:\s+(?:test\s+|validation\s+)?(?:set|images))?)?\s*\ue001"
)
_CITED_BEFORE = re.compile(
    r"\ue001\s*(?:\w+\s+)?(?:report|reach|obtain|give|find|achieve|state|measure|publish|list|count)"
    r"(?:s|d|es|ed|ing)?\b[^.,;:!?\ue001\ue003]{0,40}$"
)
WINDOW = 100  # signs before and after a number that say what it is


@dataclass(frozen=True)
class Typed:
    """A number that stands in a text: where, and as it was typed."""

    start: int
    end: int
    text: str
    word: bool = False


def in_prose(text: str) -> Iterator[Typed]:
    """The typed numbers of a prose in which commands are blanked, in order of kind, then of place."""
    for found in DIGITS.finditer(text):
        before = text[max(0, found.start() - WINDOW) : found.start()]
        after = text[found.end() : found.end() + WINDOW]
        if not (_named(before, found[0], after) or _placed(before, found[0], after) or _cited(before, after)):
            yield Typed(found.start(), found.end(), found[0])
    for found in _SIGNS.finditer(text):
        lettered = text[found.start() - 1 : found.start()].isalpha()
        sign = found[0]
        if unicodedata.numeric(sign, None) is not None and not (lettered or DIGITS.match(sign)):
            yield Typed(found.start(), found.end(), sign)
    for pattern in (WORD, ONE, ROMAN):
        for found in pattern.finditer(text):
            before = text[max(0, found.start() - WINDOW) : found.start()]
            after = text[found.end() : found.end() + WINDOW]
            if not (_part_of_name(before, found[0], after) or _cited(before, after)):
                yield Typed(found.start(), found.end(), " ".join(found[0].split()), True)


def in_formula(math: str, spans: Sequence[Span]) -> Iterator[Typed]:
    """The typed numbers of formulas: all above two, and 0, 1 and 2 that stand alone beside a relation."""
    for start, end in spans:
        formula = math[start:end]
        for found in DIGITS.finditer(formula):
            lettered = formula[found.start() - 1 : found.start()].isalpha() if found.start() else False
            if not lettered and not _structural(formula, found):
                yield Typed(start + found.start(), start + found.end(), found[0])


def _named(before: str, number: str, after: str) -> bool:
    """Whether a letter touches the digits, as in F1, FER2013, ResNet-50, 3D; or they are a parameter, #1."""
    if before[-1:].isalpha() or before[-1:] in {"_", "#"}:
        return True
    if number in {"1", "2", "3"} and re.match(r"-?D\b", after):
        return True
    return number.isdigit() and bool(_NAME_BEFORE.search(before)) and not before.endswith("--")


def _placed(before: str, number: str, after: str) -> bool:
    """Whether the number is a year or that of a section."""
    if _YEAR.fullmatch(number) and _YEAR_AFTER.match(after):
        return bool(_YEAR_BEFORE.search(before) or re.match(r"\s*\ue001", after))
    return number.isdigit() and bool(_PLACES.search(before))


def _cited(before: str, after: str) -> bool:
    """Whether a citation stands right beside the number, or says that it reports it."""
    return bool(_CITED_AFTER.match(after) or _CITED_BEFORE.search(before))


def _part_of_name(before: str, word: str, after: str) -> bool:
    lowered = word.lower()
    if _DIMENSIONS.match(after) or (lowered in _NAMES and re.match(_NAMES[lowered], after)):
        return True
    if lowered == "seconds" or (lowered == "two" and re.search(r"\b(?:between|any)\s+$", before)):
        return True  # a unit; a comparison in pairs
    if lowered == "two" and _THE_TWO.search(before) and _UNCOUNTED.match(after):
        return True  # "the two differ": no noun is counted
    if ROMAN.fullmatch(word):
        return bool(
            _PLACES.search(before) or re.search(r"\b(?:Type|Phase|Class|Grade|World War)\s+$", before)
        )
    if lowered in {"second", "third", "fourth"} and re.match(r"\s*,", after) and _SECOND.search(before):
        return True  # an enumeration: Second, ...
    return lowered == "second" and bool(re.search(r"(?:^|\s)(?:a|per|every)\s+$", before))


def _structural(formula: str, found: re.Match[str]) -> bool:
    """Whether 0, 1 or 2 is a part of a formula with symbols, as in (1-p), and not a value that is stated."""
    if found[0] not in {"0", "1", "2"}:
        return False
    left = max(formula.rfind(sign, 0, found.start()) for sign in "=<>&\n") + 1
    ends = [formula.find(sign, found.end()) for sign in "=<>&"]
    right = min([end for end in ends if end >= 0], default=len(formula))
    side = formula[left:right]
    if re.fullmatch(r"\s*[\[(]\s*[01]\s*,\s*[01]\s*[\])]\s*", side):
        return True
    return bool(re.search(rf"[A-Za-z{SYMBOL}{VALUE}]", side))
