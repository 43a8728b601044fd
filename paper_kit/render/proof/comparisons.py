"""Comparatives and superlatives about what the paper studies: claims, which need a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from paper_kit.render.lexer import Tag
from paper_kit.render.proof.lexicon import (
    CLAIMING,
    CLASSES,
    DATASETS,
    HARMLESS,
    MODELS,
    NOUNS,
    STRONGEST,
    TECHNIQUES,
)
from paper_kit.render.proof.page import CITE, Page, Span
from paper_kit.render.proof.sentences import sentences

# A key to the signs of a table, and a question: "A negative entry means that it fell." "Whether it fell ..."
_OPEN = re.compile(
    r"[\s\ue003]*Whether\b|.*?\b(?:positive|negative|bold|grey)\s+(?:entry|change|value|number|sign)\s+means\b",
    re.IGNORECASE | re.DOTALL,
)
SPACES = r"\s+"
# A printed value with one of these names in it speaks of what was studied.
_STUDIED = re.compile(r"\b(?:results|names|cost|study|subject|data|model|counts|\w*label\w*|key|uses)\b")


@dataclass(frozen=True)
class Subjects:
    """What a claim can be about, as patterns of words; a study adds its own labels with `of`."""

    models: tuple[str, ...] = MODELS
    techniques: tuple[str, ...] = TECHNIQUES
    classes: tuple[str, ...] = CLASSES
    datasets: tuple[str, ...] = DATASETS

    @classmethod
    def of(
        cls, models: Iterable[str] = (), classes: Iterable[str] = (), datasets: Iterable[str] = ()
    ) -> Subjects:
        """The default subjects and these names, taken literally."""
        return cls(
            (*MODELS, *map(re.escape, models)),
            TECHNIQUES,
            (*CLASSES, *map(re.escape, classes)),
            (*DATASETS, *map(re.escape, datasets)),
        )

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of them as a whole word."""
        names = (*self.models, *self.techniques, *self.classes, *self.datasets, *NOUNS)
        return re.compile(
            rf"(?<!\w)(?:{'|'.join(name.replace(' ', chr(92) + 's+') for name in names)})(?!\w)", re.I
        )


@dataclass(frozen=True)
class Comparison:
    """A claim in words: where its comparing word stands, that word, and what the claim is about."""

    start: int
    word: str
    subject: str


def comparisons(page: Page, subjects: Subjects) -> Iterator[Comparison]:
    """The claims of a page outside claim tags, one a sentence; headings, opinions, citations are left out."""
    text = _outside(page)
    turns = [tag.start for tag in page.tags if tag.name == "BLOCK" and _word(tag) in {"else", "elif"}]
    for start, end in sentences(text):
        claim = _claim(text[start:end])
        if claim is None or _is_cited(text, start, end, start + claim[0], turns):
            continue
        printed = [tag.inside for tag in page.tags if tag.name == "VAR" and start <= tag.start < end]
        subject = _subject(text[start:end], claim, printed, subjects)
        if subject:
            yield Comparison(start + claim[0], " ".join(text[start:end][slice(*claim)].split()), subject)


def claim_spans(tags: Sequence[Tag]) -> list[Span]:
    """The parts of a template from each claim tag to its endclaim."""
    spans: list[Span] = []
    opened: list[int] = []
    for tag in tags:
        if tag.name == "BLOCK" and _word(tag) == "claim":
            opened.append(tag.start)
        elif tag.name == "BLOCK" and _word(tag) == "endclaim" and opened:
            spans.append((opened.pop(), tag.end))
    return spans


def _word(tag: Tag) -> str:
    return tag.inside.strip().strip("-+").strip().partition(" ")[0]


def _outside(page: Page) -> str:
    """The text with claims, opinions and headings blanked."""
    signs = list(page.text)
    for start, end in (*claim_spans(page.tags), *page.opinions, *page.headings):
        signs[start:end] = " " * (end - start)
    return "".join(signs)


@lru_cache(maxsize=4096)
def _claim(sentence: str) -> Span | None:
    """Where the words that compare stand in a sentence; None where nothing is claimed."""
    if _OPEN.match(sentence):
        return None
    position = 0
    while found := CLAIMING.search(sentence, position):
        harmless = HARMLESS.search(sentence, max(0, found.start() - 4))
        if harmless is None or harmless.start() > found.start():
            return found.span()
        position = max(harmless.end(), found.start() + 1)
    return None


def _is_cited(text: str, start: int, end: int, position: int, turns: Sequence[int]) -> bool:
    """Whether the sentence cites, in the same branch of an if: then it tells what the literature says."""
    cites = [at for at in range(start, end) if text[at] == CITE]
    return any(not any(min(at, position) < turn < max(at, position) for turn in turns) for at in cites)


def _subject(sentence: str, claim: Span, printed: Sequence[str], subjects: Subjects) -> str:
    """What the sentence speaks of: a tag that prints a result or a name, or a word; "" where nothing is."""
    for inside in printed:
        if _STUDIED.search(inside):
            return rf"\VAR{{{inside}}}"
    words = sentence[slice(*claim)]
    for found in subjects.pattern.finditer(sentence):
        if not claim[0] <= found.start() < claim[1] or " " in words.strip():
            return " ".join(found[0].split())
    return "what the paper studies" if STRONGEST.search(words) else ""
