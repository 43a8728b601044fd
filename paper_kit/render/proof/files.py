"""Typed numbers in paper.toml and literature.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from paper_kit.core.paper import Paper
from paper_kit.render.check import Finding
from paper_kit.render.proof.numbers import Typed, in_prose
from paper_kit.render.proof.suggest import Values, told
from paper_kit.render.source_map import Place

PAPER, LITERATURE = "paper/paper.toml", "templates/literature.toml"
# The number of a grant, which acknowledgements have to give.
_GRANT = re.compile(
    r"(?:grants?|awards?|projects?|contracts?|agreements?|numbers?|nos?\.?|under|id)\W*(?:[\w/.-]*\d[\w/.-]*\W+"
    r"(?:and\W+)?)*$",
    re.IGNORECASE,
)


def paper_findings(paper: Paper, source: str = "", values: Values | None = None) -> Iterator[Finding]:
    """The typed numbers of title, keywords and acknowledgements; `source` is the file, for their lines."""
    for key in ("title", "keywords", "acknowledgements"):
        said = getattr(paper, key)
        for text in (said,) if isinstance(said, str) else said:
            for typed in _typed(key, text):
                place = _place(PAPER, source, 0, key, text, typed)
                yield Finding("number", place, f"{key}: {_told(typed, text, values)}")


def literature_findings(source: str, values: Values | None = None) -> Iterator[Finding]:
    """The typed numbers of rows that cite nobody; what a row with `cite` says is its source's."""
    starts = [found.end() for found in re.finditer(r"^\s*\[\[result\]\]", source, re.MULTILINE)]
    rows = tomllib.loads(source).get("result", [])
    uncited = [
        (at, row) for at, row in zip(starts, rows, strict=False) if not str(row.get("cite", "")).strip()
    ]
    for start, key, text in ((at, key, str(said)) for at, row in uncited for key, said in row.items()):
        for typed in in_prose(text):
            place = _place(LITERATURE, source, start, key, text, typed)
            yield Finding("number", place, f"{key}: {_told(typed, text, values)} Or give the row its `cite`.")


def _typed(key: str, text: str) -> Iterator[Typed]:
    """The typed numbers of a field of paper.toml; acknowledgements may give the numbers of grants."""
    thanks = key == "acknowledgements"
    return (typed for typed in in_prose(text) if not (thanks and _is_grant(text, typed)))


def _told(typed: Typed, text: str, values: Values | None) -> str:
    tags = () if values is None else values.holding(typed, text)
    if tags:
        return told(typed.text, tags)
    return f"{typed.text} is typed; say it in a template, where a fact can be printed."


def _is_grant(text: str, typed: Typed) -> bool:
    before, after = text[: typed.start], text[typed.end : typed.end + 1]
    touching = before[-1:] in {"/", "-"} or after in {"/", "-"}
    return touching or bool(_GRANT.search(before))


def _place(name: str, source: str, start: int, key: str, text: str, typed: Typed) -> str:
    """The line of a typed number in a key behind `start`; no line where the file is not known."""
    begins = re.compile(rf"^[ \t]*{key}\s*=", re.MULTILINE).search(source, start)
    if begins is None:
        return str(Place(name, 0))
    at = source.find(text, begins.end())
    at = at + typed.start if at >= 0 else source.find(typed.text, begins.end())  # an escaped sign in the text
    return str(Place(name, source.count("\n", 0, max(at, begins.end())) + 1))
