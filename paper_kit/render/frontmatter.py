"""The front matter as templates know it: title, authors, institutes, keywords, and the venue's page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from paper_kit.core.paper import Author, Paper
from paper_kit.render.tex import Tex, escape, key
from paper_kit.render.venue import SHARED, Venue

NOBODY = Author(name="First Author", affiliation="Your University")
MOST_RUNNING = 2  # authors in a running head; more are "First et al."
_PLACEHOLDER = re.compile(
    r"\b(first|second|third|fourth|your|another)\s+(author|name|university|institution|department|city)\b"
    r"|@example\.(org|com|net)",
    re.IGNORECASE,
)


def placeholders(paper: Paper) -> list[str]:
    """The names in paper.toml that still have to be given, each as it stands there."""
    authors = paper.authors or (NOBODY,)
    return [text for author in authors for text in author.model_dump().values() if is_placeholder(text)]


def is_placeholder(text: str) -> bool:
    """Whether a name still has to be given, such as "First Author"."""
    return bool(_PLACEHOLDER.search(text))


def has_supplement(paper: Paper, venue: Venue) -> bool:
    """Whether the appendices go to a PDF of their own."""
    return paper.supplement == "own" or (paper.supplement == "venue" and venue.supplement)


def front_matter(paper: Paper, venue: Venue, templates: Mapping[str, str]) -> dict[str, Any]:
    """What templates may say of paper.toml and the venue, whose own parts are among `templates`."""
    authors = paper.authors or (NOBODY,)
    places = list(dict.fromkeys((each.affiliation, each.place) for each in authors if _address(each)))
    return {
        "title": paper.title,
        "authors": [_author(author, places) for author in authors],
        "institutes": [_institute(number, place, authors) for number, place in enumerate(places, start=1)],
        "author_names": [author.name for author in authors],
        "running_authors": _running(authors),
        "keywords": list(paper.keywords),
        "ccs_concepts": [Tex(escape(text).replace(r"\textasciitilde{}", "~")) for text in paper.ccs_concepts],
        "supplement": has_supplement(paper, venue),
        "acknowledgements": paper.acknowledgements,
        "code_url": Tex(escape(paper.code_url).replace("/", r"/\allowbreak{}")),  # an address has no spaces
        "bibliography_style": Tex(venue.bibliography_style),
        "venue": {
            **venue.model_dump(),
            "documentclass": Tex(venue.documentclass),
            "options": Tex(",".join(venue.class_options)),
            "style": Tex(venue.style),
            "style_with": Tex(",".join(venue.style_options)),
            "commands": Tex(venue.commands),
        },
        "venue_preamble": _part(venue, "preamble", "preamble", templates),
        "venue_frontmatter": _part(venue, "frontmatter", venue.author_format, templates),
    }


def _part(venue: Venue, own: str, default: str, templates: Mapping[str, str]) -> str:
    """The venue's own file where it has one, else the shared one."""
    name = f"venues/{venue.key}/{own}.tex"
    return name if name in templates else f"venues/{SHARED}/{default}.tex"


def _author(author: Author, places: Sequence[tuple[str, str]]) -> dict[str, Any]:
    city, _, country = author.place.rpartition(",")
    place = (author.affiliation, author.place)
    return {
        "name": _name(author.name),
        "affiliation": _name(author.affiliation),
        "place": _name(author.place),
        "city": _name(city.strip()),
        "country": _name(country.strip()),
        "email": escape(author.email),
        "orcid": key(author.orcid) if author.orcid else "",
        "institute": places.index(place) + 1 if place in places else 0,
        "lines": _lines(author),
    }


def _institute(number: int, place: tuple[str, str], authors: Sequence[Author]) -> dict[str, Any]:
    here = [author for author in authors if (author.affiliation, author.place) == place]
    return {
        "number": number,
        "address": [escape(text) for text in place if text],
        "emails": [escape(author.email) for author in here if author.email],
    }


def _address(author: Author) -> str:
    return author.affiliation or author.place


def _running(authors: Sequence[Author]) -> str:
    names = [_short(author.name) for author in authors]
    return " and ".join(names) if len(names) <= MOST_RUNNING else f"{names[0]} et al."


def _short(name: str) -> str:
    """A name with its given names as initials, "Ada King Lovelace" as "A. K. Lovelace"."""
    *given, last = name.split() or [name]
    return " ".join([*(f"{each[0]}." for each in given), last])


def _name(text: str) -> Tex:
    written = escape(text)
    return Tex(rf"\pkplaceholder{{{written}}}") if _PLACEHOLDER.search(text) else written


def _lines(author: Author) -> list[Tex]:
    """Affiliation, place, address and ORCID, those that are given."""
    lines = [_name(text) for text in (author.affiliation, author.place) if text]
    if author.email:
        lines.append(Tex(rf"\texttt{{{_name(author.email)}}}"))
    if author.orcid:
        lines.append(Tex(rf"ORCID \href{{https://orcid.org/{key(author.orcid)}}}{{{key(author.orcid)}}}"))
    return lines
