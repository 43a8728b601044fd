"""Comparatives and superlatives about what the paper studies: claims, which need a test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paper_kit.render.proof.claims import claim_tags, comparing, word
from paper_kit.render.proof.lexicon import PRONOUN, STRONGEST
from paper_kit.render.proof.page import CITE, VALUE, Page, Span
from paper_kit.render.proof.sentences import sentences
from paper_kit.render.proof.subjects import Subjects

# A key to the signs of a table, and a question: "A negative entry means that it fell." "Whether it fell ..."
_OPEN = re.compile(
    r"[\s\ue003]*Whether\b|.*?\b(?:positive|negative|bold|grey)\s+(?:entry|change|value|number|sign)\s+means\b",
    re.IGNORECASE | re.DOTALL,
)
# A printed value with one of these names in it speaks of what was studied.
_STUDIED = re.compile(r"\b(?:results|names|cost|study|subject|data|model|counts|\w*label\w*|key|uses)\b")
_OURS = re.compile(r"(?<![\w-])(?:our|ours|we)(?![\w-])", re.IGNORECASE)
_BESIDE = re.compile(rf"\b(?:above|below|behind|beyond|past)\s+(?:the\s+)?(?={VALUE})", re.IGNORECASE)
_NAME = re.compile(r"\bnames\b|\bsubject\(|\.model$")


@dataclass(frozen=True)
class Comparison:
    """A claim in words: where its comparing word stands, that word, and what the claim is about."""

    start: int
    word: str
    subject: str


def comparisons(page: Page, subjects: Subjects) -> Iterator[Comparison]:
    """The claims of a page outside claim tags and opinions, one a sentence; what cites others is left out.

    A word that commands cut, as out{}performs, is read as it is set.
    """
    outside = _outside(page)
    found = {claim.start: claim for claim in _in_text(page, outside, range(len(outside)), subjects)}
    text, places = page.joined
    if len(text) < len(outside):
        joined = "".join(outside[at] for at in places)
        for claim in _in_text(page, joined, places, subjects):
            at = claim.start
            if any(near in page.weightless for near in range(at, at + len(claim.word))):
                found.setdefault(at, claim)
    yield from (found[at] for at in sorted(found))


def _in_text(page: Page, text: str, places: Sequence[int], subjects: Subjects) -> Iterator[Comparison]:
    turns = [tag.start for tag in page.tags if tag.name == "BLOCK" and word(tag) in {"else", "elif"}]
    for start, end in sentences(text):
        sentence, first, last = text[start:end], places[start], places[end - 1]
        printed = [
            (tag.start, tag.inside) for tag in page.tags if tag.name == "VAR" and first <= tag.start <= last
        ]
        claim = _claim(sentence) or _beside(sentence, [places[at] for at in range(start, end)], dict(printed))
        if claim is None:
            continue
        at = start + claim[0]
        before = [inside for position, inside in printed if position < places[at]]
        ours = _is_ours(text[start:at], before, subjects)
        if not ours and _is_cited(text, start, end, at, places, turns):
            continue
        subject = _subject(sentence, claim, [inside for _, inside in printed], subjects)
        if subject:
            yield Comparison(places[at], " ".join(sentence[slice(*claim)].split()), subject)


def _outside(page: Page) -> str:
    """The text with claims and opinions blanked."""
    signs = list(page.text)
    claims = [(claim.tag.start, claim.end) for claim in claim_tags(page.tags)]
    for start, end in (*claims, *page.opinions):
        signs[start:end] = " " * (end - start)
    return "".join(signs)


def _claim(sentence: str) -> Span | None:
    """Where the words that compare stand in a sentence; None where nothing is claimed."""
    return None if _OPEN.match(sentence) else comparing(sentence)


def _beside(sentence: str, places: Sequence[int], printed: dict[int, str]) -> Span | None:
    """Where a sentence sets something above or below a network that a tag names."""
    for found in _BESIDE.finditer(sentence):
        if _NAME.search(printed.get(places[found.end()], "").strip()):
            return found.span()
    return None


def _is_ours(before: str, printed: Sequence[str], subjects: Subjects) -> bool:
    """Whether the words before the comparing word make the study its subject, whomever it cites."""
    if any(_STUDIED.search(inside) for inside in printed) or _OURS.search(before):
        return True
    return bool(subjects.named(before))


def _is_cited(text: str, start: int, end: int, at: int, places: Sequence[int], turns: Sequence[int]) -> bool:
    """Whether the sentence cites, in the same branch of an if: then it tells what the literature says."""
    claimed = places[at]
    cites = [places[one] for one in range(start, end) if text[one] == CITE]
    return any(not any(min(one, claimed) < turn < max(one, claimed) for turn in turns) for one in cites)


def _subject(sentence: str, claim: Span, printed: Sequence[str], subjects: Subjects) -> str:
    """What the sentence speaks of: a tag that prints a result or a name, or a word; "" where nothing is."""
    for inside in printed:
        if _STUDIED.search(inside):
            return rf"\VAR{{{inside}}}"
    words = sentence[slice(*claim)]
    for found in subjects.pattern.finditer(sentence):
        if not claim[0] <= found.start() < claim[1] or " " in words.strip():
            return " ".join(found[0].split())
    pronoun = PRONOUN.match(sentence)
    if pronoun and pronoun.end() <= claim[0]:
        return " ".join(pronoun[1].split())
    return "what the paper studies" if STRONGEST.search(words) else ""
