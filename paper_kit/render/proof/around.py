"""What stands around a printed value and changes it: a sign, a digit, another network's name, a counter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from paper_kit.render.lexer import Tag
from paper_kit.render.proof.claims import Wrong
from paper_kit.render.proof.commands import LAYOUT_COUNTERS
from paper_kit.render.proof.page import Page
from paper_kit.render.proof.sentences import sentences
from paper_kit.render.proof.subjects import Subjects

# A tag that prints a value of one network, by the network's key.
_VALUE_OF = re.compile(r"""\b(?:results|cost)(?:\.|\[["'])(\w+)""")
_NO_NUMBER = re.compile(
    r"""^(?:names\b|subject\(|table\(|figure\(|title\b|key\b|label\b|line\b|author)|\.model$|\.name$"""
)
_MINUS = re.compile(
    r"(?:\b(?:minus|negative)|\\text(?:minus|endash)(?:\{\})?|\$\s*[-+\N{MINUS SIGN}]\s*(?:\{\})?\$"
    r"|\\ensuremath\{\s*[-+]\s*\}|(?:^|[\s({\[$=<>~])[-+\N{MINUS SIGN}\N{EN DASH}])[\s~$]*\{*$"
)
_DIGIT_BEFORE = re.compile(r"\d[.,]?\}*\{*$")
_DIGIT_AFTER = re.compile(r"^\}*\{*[.,]?\d")
_SETS = re.compile(r"\s*\{([^{}]*)\}\s*\{\s*([01])?")
NEAR = 40  # signs before a value that can hold its sign


def value_findings(page: Page) -> Iterator[Wrong]:
    """The printed values beside which a sign or a digit is typed, and so read as another number."""
    for tag in page.tags:
        if tag.name != "VAR" or _NO_NUMBER.search(tag.inside.strip()):
            continue
        before = _line_before(page, tag)
        after = page.source[tag.end : tag.end + 4]
        sign = None if _is_difference(page, tag) else _MINUS.search(before)
        if sign and not before[: sign.start() + 1].rstrip().endswith(("-", "--")):
            shown = " ".join(sign[0].split())
            yield Wrong(
                tag.start,
                rf"{shown} stands before {_shown(tag)} and changes its sign; print a fact with that sign.",
            )
        elif _DIGIT_BEFORE.search(before) or _DIGIT_AFTER.search(after):
            yield Wrong(
                tag.start,
                rf"a digit is typed beside {_shown(tag)} and changes the number; put a space or a word.",
            )


def _line_before(page: Page, tag: Tag) -> str:
    """What is set before a tag: other tags that print stand as letters, the rest are left out."""
    first = max(0, tag.start - NEAR)
    signs = list(page.source[first : tag.start])
    for other in page.tags:
        if first < other.end <= tag.start:
            begin = max(other.start, first)
            signs[begin - first : other.end - first] = [
                "v" if other.name == "VAR" else "",
                *[""] * (other.end - begin - 1),
            ]
    return "".join(signs)


def _is_difference(page: Page, tag: Tag) -> bool:
    """Whether a formula subtracts the value from something."""
    for start, end in page.formulas:
        if start <= tag.start < end:
            return bool(re.search(r"[\w)}\]\ue000]\s*[-+]\s*\{*$", page.source[start : tag.start]))
    return False


def owner_findings(page: Page, subjects: Subjects) -> Iterator[Wrong]:
    """The values of a network in sentences that name others and not that one."""
    for start, end in sentences(page.text):
        printed = [tag for tag in page.tags if tag.name == "VAR" and start <= tag.start < end]
        named: set[str] | None = None
        for tag in printed:
            found = _VALUE_OF.search(tag.inside)
            owner = subjects.model(found[1]) if found else None
            if owner is None:
                continue
            if named is None:
                named = subjects.named(page.text[start:end], [each.inside for each in printed])
            if named and owner not in named:
                others = " and ".join(sorted(named))
                message = rf"{_shown(tag)} is of {owner}, but its sentence names {others}; name {owner}."
                yield Wrong(tag.start, message)


def counter_findings(page: Page) -> Iterator[Wrong]:
    """The commands that set or print what TeX counts; setting a counter of the layout is none."""
    for start, name in page.counters:
        asked = _SETS.match(page.source, start + 1 + len(name))
        if (
            asked
            and "counter" in name
            and (asked[1] in LAYOUT_COUNTERS or (asked[2] and name == "setcounter"))
        ):
            continue
        yield Wrong(
            start,
            rf"\{name} makes a number that is no fact; print a fact, or write \literal{{…}}{{why}}.",
        )


def brace_findings(page: Page) -> Iterator[Wrong]:
    """The escapes without a reason and the opinions without braces, which take the next letter instead."""
    for start, shown in page.bare:
        if shown.startswith(r"\opinion"):
            yield Wrong(start, r"\opinion takes its words in braces; write \opinion{…}.")
        elif "{" in shown:
            yield Wrong(start, rf"{shown} has no reason; write {shown}{{why it is typed}}.")
        else:
            yield Wrong(start, r"\literal takes two arguments in braces; write \literal{3}{why it is typed}.")


def _shown(tag: Tag) -> str:
    return rf"\VAR{{{tag.inside.strip()}}}"
