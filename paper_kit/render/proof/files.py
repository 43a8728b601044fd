"""Typed numbers in paper.toml and literature.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator

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
            for typed in in_prose(text):
                if key == "acknowledgements" and _is_grant(text, typed):
                    continue
                place = _place(PAPER, source, 0, key, text, typed)
                tags = () if values is None else values.holding(typed, text)
                yield Finding("number", place, f"{key}: {_told(typed, tags)}")


def literature_findings(source: str, values: Values | None = None) -> Iterator[Finding]:
    """The typed numbers of rows that cite nobody; what a row with `cite` says is its source's."""
    starts = [found.end() for found in re.finditer(r"^\s*\[\[result\]\]", source, re.MULTILINE)]
    rows = tomllib.loads(source).get("result", [])
    for start, row in zip(starts, rows, strict=False):
        if not str(row.get("cite", "")).strip():
            yield from _row_findings(source, start, row.items(), values)


def _row_findings(
    source: str, start: int, row: Iterable[tuple[str, object]], values: Values | None
) -> Iterator[Finding]:
    for key, said in row:
        for typed in in_prose(str(said)):
            place = _place(LITERATURE, source, start, key, str(said), typed)
            tags = () if values is None else values.holding(typed, str(said))
            yield Finding("number", place, f"{key}: {_told(typed, tags)} Or give the row its `cite`.")


def _told(typed: Typed, tags: tuple[str, ...]) -> str:
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
