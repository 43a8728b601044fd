"""Why a paper prints a number: answers from provenance.json and pages.json, without the study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.files import read_json, sha256_file

NEAREST = 3  # values told where nothing prints the one that is asked for
MOST_RUNS = 8  # runs told of a number that is from many
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_SIGNS = str.maketrans(
    {"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " "}
)

Facts = list[dict[str, Any]]


@dataclass(frozen=True)
class Trace:
    """What a build told of its printed facts; `pages` is empty where no PDF was compiled since."""

    facts: Facts
    runs: Mapping[str, Mapping[str, Any]]
    registry: Mapping[str, str] = field(default_factory=dict)  # every fact of the study, printed or not
    pages: Mapping[int, Sequence[int]] = field(default_factory=dict)  # page -> numbers of facts
    paper_pages: int = 0  # those of the supplement follow

    def page_name(self, page: int) -> str:
        """What the page's foot prints: those of the supplement are S1, S2 …"""
        return f"S{page - self.paper_pages}" if 0 < self.paper_pages < page else str(page)

    def pages_of(self, numbers: Iterable[int]) -> list[int]:
        """The pages on which facts of these numbers are printed."""
        wanted = set(numbers)
        return [page for page, shown in sorted(self.pages.items()) if wanted & set(shown)]


def read_trace(folder: Path) -> Trace:
    """The trace of the paper in a build folder; InputError where none was built."""
    path = folder / "provenance.json"
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. Type `paperkit build-pdf` to build the paper.")
    told = _json(path)
    with _undamaged(path):
        trace = Trace(told["facts"], told["runs"])
        for fact in trace.facts:  # what can be explained has all its fields
            _ = explained(trace, [fact]), title(fact), fact["number"] + 0
    registry = folder / "registry.json"
    names = _json(registry) if registry.is_file() else {}
    with _undamaged(registry):
        _ = [key.casefold() + text for key, text in names.items()]
    pages, paper_pages = _pages(folder, {fact["number"] for fact in trace.facts})
    return replace(trace, registry=names, pages=pages, paper_pages=paper_pages)


def _pages(folder: Path, numbers: set[int]) -> tuple[dict[int, list[int]], int]:
    """Page -> numbers of the facts on it, and the number of pages before the supplement.

    Empty where no PDF was compiled since these facts were written.
    """
    path = folder / "pages.json"
    shown = _json(path) if path.is_file() else {}
    with _undamaged(path):
        if shown.get("provenance") != sha256_file(folder / "provenance.json"):
            return {}, 0
        found = {int(page): list(on_it) for page, on_it in shown["pages"].items()}
        unknown = {number for on_it in found.values() for number in on_it} - numbers
        if unknown:
            raise ValueError(f"no facts {sorted(unknown)[:3]}")
        return found, int(shown["paper_pages"])


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """A block that reads values of a file; InputError where they are not what a build writes."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{path}: damaged ({error!r}). Type `paperkit build-pdf` again.") from None


def find(trace: Trace, asked: str) -> Facts:
    """The printed facts with this key or printed text; InputError tells the nearest where there are none."""
    if not asked.strip():
        raise InputError("Name what to explain: a number as it is printed, a fact's key, or paper.pdf:3.")
    by_key = [fact for fact in trace.facts if fact["key"] == asked]
    found = by_key or [fact for fact in trace.facts if matches(fact, asked)]
    if found:
        return found
    if asked in trace.registry:
        raise InputError(_not_printed(trace, asked))
    raise InputError(_nothing(trace, asked))


def on_page(trace: Trace, page: int, *, supplement: bool = False) -> Facts:
    """The facts that a page prints, in the order of its text; InputError where that is not known."""
    page += trace.paper_pages if supplement else 0
    if not trace.pages:
        raise InputError("The pages are not known: type `paperkit build-pdf`; it needs pdftotext (poppler).")
    if page not in trace.pages:
        known = ", ".join(trace.page_name(each) for each in sorted(trace.pages))
        raise InputError(f"Page {trace.page_name(page)} prints no fact; these do: {known}.")
    by_number = {fact["number"]: fact for fact in trace.facts}
    return [by_number[number] for number in trace.pages[page]]


def matches(fact: Mapping[str, Any], asked: str) -> bool:
    """Whether a fact prints this: its text, its text without a unit, or its number."""
    text, wanted = _plain(fact["text"]), _plain(asked)
    number = _number(fact)
    bare = {number[0], number[0].lstrip("+-")} if number else set()
    percent = fact["rounding"]["kind"] == "percent" and wanted.rstrip(" %") in bare
    return wanted in {text, *bare} or percent


def quantities(facts: Facts) -> list[Facts]:
    """The facts by quantity: one value that is printed in several forms is told once."""
    groups: dict[object, Facts] = {}
    for fact in facts:
        same = (fact["key"], str(fact["value"])) if fact["key"] else fact["number"]
        groups.setdefault(same, []).append(fact)
    return list(groups.values())


def explained(trace: Trace, facts: Facts) -> list[tuple[str, str]]:
    """(what, words) of one quantity: value, formula, runs, readings, settings, and where it is printed."""
    first, origin = facts[0], facts[0]["origin"]
    rows = [("printed as", ", ".join(dict.fromkeys(fact["text"] for fact in facts)))]
    if isinstance(first["value"], int | float):
        rows.append(("exact value", repr(first["value"])))
        rows.append(("rounded", _rounding(first["rounding"], first["unit"])))
    if first["spread"] is not None:
        rows.append(("deviation", repr(first["spread"])))
    if first["bounds"] is not None:
        rows.append(("interval", " to ".join(map(repr, first["bounds"]))))
    rows.append(("computed as", origin["formula"] or "read as it stands"))
    rows += [("from run" if not at else "", told) for at, told in enumerate(_runs(trace, origin))]
    rows += [("read on" if not at else "", told) for at, told in enumerate(_readings(origin["readings"]))]
    if origin["fields"]:
        rows.append(("fields", ", ".join(origin["fields"])))
    places = dict.fromkeys(place for fact in facts for place in fact["places"])
    rows += [("printed in" if not at else "", place) for at, place in enumerate(places)]
    pages = trace.pages_of(fact["number"] for fact in facts)
    if pages:
        rows.append(("on page" if len(pages) == 1 else "on pages", ", ".join(map(trace.page_name, pages))))
    if any(fact["missing"] for fact in facts):
        rows.append(("missing", "not known yet: type `paperkit run-all`"))
    if any(fact["stale"] for fact in facts):
        rows.append(
            ("stale", "its run no longer fits the code or the data: type `paperkit run-all --refresh`")
        )
    return rows


def title(fact: Mapping[str, Any]) -> str:
    """A fact's key, or its formula where a template or a table computed it."""
    return str(
        fact["key"] or fact["origin"]["formula"] or ", ".join(fact["origin"]["fields"]) or fact["text"]
    )


def _not_printed(trace: Trace, key: str) -> str:
    """A fact that no template prints: its value, and what is computed from it."""
    whole = re.compile(rf"(?<![\w.]){re.escape(key)}(?![\w.])")
    used = [
        f"{fact['text']} = {title(fact)}" for fact in trace.facts if whole.search(fact["origin"]["formula"])
    ]
    told = f"{key} is {trace.registry[key]}, but the paper does not print it"
    return f"{told}; it prints {', '.join(dict.fromkeys(used))}." if used else f"{told}."


def _nothing(trace: Trace, asked: str) -> str:
    """Nothing prints this: what comes nearest."""
    wanted = _NUMBER.match(_plain(asked))
    if "." in asked and wanted is None:
        keys = [fact["key"] for fact in trace.facts if fact["key"]]
        return f"No fact has the key {asked!r}.{did_you_mean(asked, [*keys, *trace.registry])}"
    if wanted is None:
        texts = dict.fromkeys(fact["text"] for fact in trace.facts)
        near = get_close_matches(asked, texts, NEAREST)
        return f"Nothing prints {asked!r}." + (f" Printed are: {', '.join(near)}." if near else "")
    numbers: dict[str, str] = {}
    for fact in trace.facts:
        number = _number(fact)
        if number:
            numbers.setdefault(number[0], f"{fact['text']} ({title(fact)})")
    near = sorted(numbers, key=lambda text: abs(float(text) - float(wanted[0])))[:NEAREST]
    return f"Nothing prints {asked}. Nearest are {'; '.join(numbers[text] for text in near)}."


def _number(fact: Mapping[str, Any]) -> re.Match[str] | None:
    """The number that a fact prints; None for what only begins with digits, such as 96 x 6 x 6."""
    whole = isinstance(fact["value"], int | float) and not isinstance(fact["value"], bool)
    return _NUMBER.match(_plain(fact["text"])) if whole else None


def _rounding(rounding: Mapping[str, Any], unit: str) -> str:
    kind, digits = rounding["kind"], rounding["digits"]
    what = {"quantity": "significant digit", "count": "", "setting": ""}.get(kind, "decimal")
    told = f"{digits} {what}{'' if digits == 1 else 's'}" if what else "not"
    scale = ", of a hundredth" if kind in {"percent", "points", "magnitude"} else f", {unit}" if unit else ""
    return told + scale


def _runs(trace: Trace, origin: Mapping[str, Any]) -> list[str]:
    """Each run with its label; the count of those that are too many to tell."""
    ids = list(dict.fromkeys([*origin["runs"], *(reading["run"] for reading in origin["readings"])]))
    told = [f"{run}  {trace.runs[run]['label']}" if run in trace.runs else run for run in ids[:MOST_RUNS]]
    return [*told, f"and {len(ids) - MOST_RUNS} more"] if len(ids) > MOST_RUNS else told


def _readings(readings: Sequence[Mapping[str, Any]]) -> list[str]:
    ways = dict.fromkeys(
        f"{each['split']} images, {each['epoch']} epoch, views {' + '.join(each['views'])}"
        + (f", mean {each['average']}" if len(each["views"]) > 1 else "")
        for each in readings
    )
    return list(ways)


def _plain(text: str) -> str:
    """A text with plain signs, single spaces, and numbers without commas."""
    text = re.sub(r"\s+", " ", text.translate(_SIGNS)).strip()
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).casefold()


def _json(path: Path) -> Any:
    try:
        return read_json(path)
    except InputError as error:
        raise InputError([*error.problems, "Type `paperkit build-pdf` to write it again."]) from None
