"""Where two versions of a TeX file differ in their words, line breaks and spaces being no words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from paper_kit.render.lexer import closing_brace

_ATOM = re.compile(
    r"\\begin\{(?P<verbatim>verbatim\*?|lstlisting|Verbatim|minted)\}.*?\\end\{(?P=verbatim)\}"
    r"|\\pkfact\{(?P<fact>\d+)\}\{|\\(?:input|include)\{[^{}\n]*\}|\\(?:verb\*?([^A-Za-z\s*]).*?\3|[A-Za-z@]+\*?|.)|%[^\n]*\n?|[^\W_]+|.",
    re.DOTALL,
)
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True)
class Atom:
    """A word, sign, command, comment or whole fact from `start` to `end`, and the space up to `after`."""

    start: int
    end: int
    after: int
    word: str  # what makes it equal to another: of a fact its number
    space: str  # "", " " or a paragraph's end
    fact: str = ""  # its number


@dataclass(frozen=True)
class Hunk:
    """The signs `start` to `end` of the old text became `new_start` to `new_end` of the new one."""

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True)
class Compared:
    """The hunks between two texts, and the facts that stand in both, in the old and in the new one."""

    hunks: tuple[Hunk, ...]
    facts: tuple[tuple[Atom, Atom], ...]


def atoms(text: str) -> list[Atom]:
    """The atoms of a TeX text; spaces at its start belong to none."""
    found: list[Atom] = []
    blank = _SPACE.match(text)
    position = blank.end() if blank else 0
    while match := _ATOM.match(text, position):
        end, fact = match.end(), match["fact"] or ""
        if fact:
            closed = closing_brace(text, end)
            end, fact = (closed, fact) if closed > 0 else (end, "")
        word = f"\0{fact}" if fact else text[position:end]
        space = _SPACE.match(text, end)
        after = space.end() if space else end
        found.append(Atom(position, end, after, word, _kind(text[end:after]), fact))
        position = after
    return found


def rows(text: str) -> list[Atom]:
    """The lines of a text as atoms, for files in which a line is a thing, such as a bibliography."""
    found: list[Atom] = []
    position = 0
    for row in re.findall(r"[^\n]*\n|[^\n]+", text):
        end = position + len(row)
        found.append(Atom(position, end, end, row.rstrip(), ""))
        position = end
    return found


def compare(old: str, new: str, *, by_line: bool = False) -> Compared:
    """What differs between two texts, in the order of the text."""
    cut = rows if by_line else atoms
    left, right = cut(old), cut(new)
    matcher = SequenceMatcher(None, [_key(a) for a in left], [_key(a) for a in right], autojunk=False)
    hunks: list[Hunk] = []
    facts: list[tuple[Atom, Atom]] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            facts += [(a, b) for a, b in zip(left[i:j], right[k:m], strict=True) if a.fact]
        else:
            start, new_start = _begin(left, i, old), _begin(right, k, new)
            whole = Hunk(start, _begin(left, j, old), new_start, _begin(right, m, new))
            hunks.append(_trimmed(whole, left[i:j], right[k:m], old, new, facts))
    return Compared(tuple(h for h in hunks if h.end > h.start or h.new_end > h.new_start), tuple(facts))


def _key(atom: Atom) -> tuple[str, str]:
    return atom.word, atom.space


def _kind(space: str) -> str:
    return "\n\n" if space.count("\n") > 1 else " " if space else ""


def _begin(found: Sequence[Atom], place: int, text: str) -> int:
    return found[place].start if place < len(found) else (found[-1].after if found else len(text))


def _trimmed(
    hunk: Hunk,
    left: Sequence[Atom],
    right: Sequence[Atom],
    old: str,
    new: str,
    facts: list[tuple[Atom, Atom]],
) -> Hunk:
    """The hunk without the words and the space that both sides share at its ends."""
    if left and right and left[0].word == right[0].word:
        if left[0].fact:
            facts.append((left[0], right[0]))
        hunk = Hunk(left[0].end, hunk.end, right[0].end, hunk.new_end)
        left, right = left[1:], right[1:]
        if _kind(old[hunk.start : hunk.end]) and not left and not right:
            return hunk
    ends = _ending(old[hunk.start : hunk.end]), _ending(new[hunk.new_start : hunk.new_end])
    if _kind(ends[0]) == _kind(ends[1]) and ends[0]:
        hunk = Hunk(hunk.start, hunk.end - len(ends[0]), hunk.new_start, hunk.new_end - len(ends[1]))
    if left and right and left[-1].word == right[-1].word and hunk.end == left[-1].end:
        if left[-1].fact:
            facts.append((left[-1], right[-1]))
        hunk = Hunk(hunk.start, left[-1].start, hunk.new_start, right[-1].start)
    return hunk


def _ending(text: str) -> str:
    return text[len(text.rstrip()) :]
