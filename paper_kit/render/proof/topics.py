"""Who is cited: how many works, how many of the last years, and whether each topic has its sources."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from paper_kit.core.config import Frozen, validate
from paper_kit.core.errors import InputError
from paper_kit.render.check import Finding
from paper_kit.render.lexer import closing_brace

LAG = 1  # years that the newest work may be old, where nothing says when the paper is submitted
TOPICS, BIBLIOGRAPHY = "templates/topics.toml", "references.bib"
_CITED = re.compile(r"\\(?!nocite|bstctlcite)[A-Za-z]*cite[A-Za-z]*\*?\s*(?:\[[^\]]*\]\s*){0,2}\{([^{}]*)\}")
_ENTRY = re.compile(r"^\s*@(?!comment|string|preamble|IEEEtranBSTCTL)\w+\s*\{\s*([^\s,{}]+)\s*,", re.M | re.I)
_FIELD = re.compile(r'(?:^|,)\s*(year|keywords)\s*=\s*(?:\{([^{}]*)\}|"([^"]*)"|(\d+))', re.M | re.I)
_COMMENT = re.compile(r"(?<!\\)%.*")


class Topic(Frozen):
    """One topic that the paper has to have sources for: the keyword of its entries, and its name."""

    keyword: str
    title: str
    least: Annotated[int, Field(ge=0)] = 1


class Topics(Frozen):
    """topics.toml: how many works to cite, which share of them from the last `years` to `year`, on what.

    `year` is that of submission; without it the years end with the newest work that is cited.
    """

    cited: Annotated[int, Field(ge=0)] = 0
    recent: Annotated[float, Field(ge=0, le=1)] = 0.0
    years: Annotated[int, Field(ge=1)] = 3
    year: Annotated[int, Field(ge=1900)] | Literal["newest"] = "newest"
    topic: tuple[Topic, ...] = ()


@dataclass(frozen=True)
class Counted:
    """One count of the references: of what, and how many there are."""

    name: str
    found: str


def load_topics(source: str) -> Topics:
    """The checked topics.toml; InputError lists everything wrong with it."""
    try:
        return validate(Topics, tomllib.loads(source), TOPICS)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{TOPICS}: {error}.") from None


def cited_keys(tex: str) -> tuple[str, ...]:
    """The keys that a paper cites in its text, captions and tables, each once, in order."""
    text = _COMMENT.sub("", tex)
    keys = (key.strip() for found in _CITED.findall(text) for key in found.split(","))
    return tuple(dict.fromkeys(key for key in keys if key))


def entries(bibliography: str) -> dict[str, Mapping[str, str]]:
    """{key: {field: text}} of a bibliography, for the fields year and keywords."""
    found: dict[str, Mapping[str, str]] = {}
    for entry in _ENTRY.finditer(bibliography):
        end = closing_brace(bibliography, bibliography.index("{", entry.start()) + 1)
        body = bibliography[entry.end() : end if end > 0 else len(bibliography)]
        fields = (field.groups() for field in _FIELD.finditer(body))
        found[entry[1]] = {name.lower(): " ".join(filter(None, values)) for name, *values in fields}
    return found


def reference_counts(tex: str, bibliography: str, topics: Topics) -> tuple[Counted, ...]:
    """What is cited, as told by `paperkit check`."""
    known = _cited(tex, bibliography)
    recent = len(_recent(known, topics))
    share = f" ({100 * recent / len(known):.0f} %)" if known else ""
    year = _last_year(known, topics)
    span = f"{year - topics.years + 1} to {year}" if year else f"the last {topics.years} years"
    by_topic = (Counted(topic.title, str(len(_on(known, topic)))) for topic in topics.topic)
    return (Counted("works cited", str(len(known))), Counted(f"from {span}", f"{recent}{share}"), *by_topic)


def reference_findings(tex: str, bibliography: str, topics: Topics, today: int) -> Iterator[Finding]:
    """What the references lack of what topics.toml asks for; `today` is the present year."""
    known = _cited(tex, bibliography)
    place = f"templates/{BIBLIOGRAPHY}"
    if len(known) < topics.cited:
        told = f"{len(known)} works are cited, but {TOPICS} asks for {topics.cited}"
        yield Finding("references", place, f"{told}; cite more, or lower `cited` there.")
    year = _last_year(known, topics)
    if known and topics.year == "newest" and year < today - LAG:
        told = f"the newest work cited is of {year}, and this is {today}"
        yield Finding(
            "references", place, f"{told}; cite newer ones, or state the year of submission in {TOPICS}."
        )
    recent, wanted = len(_recent(known, topics)), topics.recent * len(known)
    if recent < wanted:
        told = f"{recent} of {len(known)} works cited are of the last {topics.years} years to {year}"
        cure = (
            f"but {TOPICS} asks for a share of {topics.recent:g}; cite newer ones, or lower `recent` there."
        )
        yield Finding("references", place, f"{told}, {cure}")
    for topic in topics.topic:
        count = len(_on(known, topic))
        if count < topic.least:
            told = f"{topic.title}: {count} works cited, {topic.least} asked for by {TOPICS}"
            cure = f"cite one, with keywords = {{{topic.keyword}}} in its entry, or take the topic out there."
            yield Finding("references", place, f"{told}; {cure}")


def _cited(tex: str, bibliography: str) -> dict[str, Mapping[str, str]]:
    known = entries(bibliography)
    return {key: known[key] for key in cited_keys(tex) if key in known}


def _recent(known: Mapping[str, Mapping[str, str]], topics: Topics) -> list[str]:
    last = _last_year(known, topics)
    return [key for key, year in _years(known).items() if last - topics.years < year <= last]


def _last_year(known: Mapping[str, Mapping[str, str]], topics: Topics) -> int:
    """The year of submission, or else that of the newest work; 0 where neither is known."""
    return max(_years(known).values(), default=0) if topics.year == "newest" else topics.year


def _years(known: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    years = {key: fields.get("year", "").strip() for key, fields in known.items()}
    return {key: int(year) for key, year in years.items() if year.isdigit()}


def _on(known: Mapping[str, Mapping[str, str]], topic: Topic) -> list[str]:
    return [
        key
        for key, fields in known.items()
        if topic.keyword in (word.strip() for word in re.split("[,;]", fields.get("keywords", "")))
    ]
