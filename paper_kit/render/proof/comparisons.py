"""Comparatives and superlatives about what the paper studies: claims, which need a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

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

# A printed value with one of these names in it speaks of what was studied.
# A key to the signs of a table, and a question: "A negative entry means that it fell." "Whether it fell ..."
_OPEN = re.compile(
    r"[\s\ue003]*Whether\b|.*?\b(?:positive|negative|bold|grey)\s+(?:entry|change|value|number|sign)\s+means\b",
    re.IGNORECASE | re.DOTALL,
)
SPACES = r"\s+"
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
        found = _claim(text, start, end)
        if (
            found is None
            or _OPEN.match(text, start, end)
            or _is_cited(text, start, end, found.start(), turns)
        ):
            continue
        subject = _subject(text, start, end, found, page.tags, subjects)
        if subject:
            yield Comparison(found.start(), " ".join(found[0].split()), subject)


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


def _claim(text: str, start: int, end: int) -> re.Match[str] | None:
    position = start
    while found := CLAIMING.search(text, position, end):
        harmless = HARMLESS.search(text, max(start, found.start() - 4), end)
        if harmless is None or harmless.start() > found.start():
            return found
        position = max(harmless.end(), found.start() + 1)
    return None


def _is_cited(text: str, start: int, end: int, position: int, turns: Sequence[int]) -> bool:
    """Whether the sentence cites, in the same branch of an if: then it tells what the literature says."""
    cites = [at for at in range(start, end) if text[at] == CITE]
    return any(not any(min(at, position) < turn < max(at, position) for turn in turns) for at in cites)


def _subject(
    text: str, start: int, end: int, claim: re.Match[str], tags: Sequence[Tag], subjects: Subjects
) -> str:
    """What the sentence speaks of: a word, or a tag that prints a result or a name; "" where nothing is."""
    for tag in tags:
        if tag.name == "VAR" and start <= tag.start < end and _STUDIED.search(tag.inside):
            return rf"\VAR{{{tag.inside}}}"
    for found in subjects.pattern.finditer(text, start, end):
        if not (claim.start() <= found.start() < claim.end()) or " " in claim[0].strip():
            return " ".join(found[0].split())
    return "what the paper studies" if STRONGEST.search(claim[0]) else ""
