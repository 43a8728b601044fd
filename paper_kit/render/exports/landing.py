"""Edits of templates as they were, made in the templates as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

from paper_kit.render.exports.changes import Edit
from paper_kit.render.exports.translation import Span


@dataclass(frozen=True)
class Landed:
    """A template with its edits, and what did not fit into it."""

    text: str
    conflicts: tuple[str, ...] = ()


def agreed(
    edits: Sequence[Edit], printed: Mapping[tuple[str, int, int], int]
) -> tuple[list[Edit], list[str]]:
    """Each edit once, and a line for those of text that is printed several times and was edited differently.

    `printed`: how often the text of a template was printed by one and the same loop.
    """
    wanted: dict[Span, dict[tuple[str, int, int, str], list[Edit]]] = {}
    for edit in edits:
        wanted.setdefault(edit.piece, {}).setdefault((edit.file, edit.start, edit.end, edit.text), []).append(
            edit
        )
    kept: list[Edit] = []
    refused: list[str] = []
    for piece, asked in wanted.items():
        times = printed.get(piece, 1)
        for each in asked.values():
            if times > 1 and len(each) != times:
                refused.append(
                    f"{each[0].place}: one line of templates/{piece[0]} prints this text {times} times; "
                    "edit all of them alike, or that line in the study."
                )
            else:
                kept.append(each[0])
    return _apart(kept, refused), refused


def _apart(edits: list[Edit], refused: list[str]) -> list[Edit]:
    """The edits without those that overlap an earlier one; `refused` gets a line for each."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.file, edit.start, edit.end)):
        last = kept[-1] if kept else None
        if last is not None and last.file == edit.file and edit.start < last.end:
            refused.append(
                f"{edit.place}: the same text was edited otherwise in {last.place}; edit one of them."
            )
        else:
            kept.append(edit)
    return kept


def applied(source: str, edits: Sequence[Edit]) -> str:
    """The text with its edits, which are in order and apart."""
    pieces, position = [], 0
    for edit in edits:
        pieces += [source[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, source[position:]])


def landed(then: str, now: str, edits: Sequence[Edit]) -> Landed:
    """The edits of the template `then` made in `now`; where its lines have changed, they are conflicts."""
    wanted = applied(then, edits)
    if now in (then, wanted):
        return Landed(wanted)
    here, done = _Blocks(then, now), _Blocks(wanted, now)
    fitting: list[Edit] = []
    conflicts: list[str] = []
    grown = 0
    for edit in edits:
        moved = here.place(edit.start, edit.end)
        start = edit.start + grown
        grown += len(edit.text) - (edit.end - edit.start)
        if moved is not None:
            fitting.append(replace(edit, start=moved, end=moved + edit.end - edit.start))
        elif done.place(start, start + len(edit.text)) is None:
            line = now.count("\n", 0, here.near(edit.start)) + 1
            conflicts.append(
                f"templates/{edit.file}:{line}: changed in the study since the export, and in {edit.place}; "
                f"the study's words are kept, not taken over: {' '.join(edit.text.split()) or '(deleted)'}"
            )
    return Landed(applied(now, sorted(fitting, key=lambda edit: edit.start)), tuple(conflicts))


class _Blocks:
    """The lines that two texts share."""

    def __init__(self, left: str, right: str) -> None:
        rows, others = left.splitlines(keepends=True), right.splitlines(keepends=True)
        self._left, self._right = _offsets(rows), _offsets(others)
        self._blocks = SequenceMatcher(None, rows, others, autojunk=False).get_matching_blocks()

    def place(self, start: int, end: int) -> int | None:
        """Where `start` to `end` of the left text stand in the right one; None if they do not."""
        for left, right, size in self._blocks:
            first, last = self._left[left], self._left[left + size]
            if size and first <= start and end <= last:
                return self._right[right] + start - first
        return None

    def near(self, start: int) -> int:
        """The place in the right text that follows the last shared line before `start`."""
        for (left, right, size), (after, *_) in pairwise(self._blocks):
            if self._left[left + size] <= start < self._left[after] + 1:
                return self._right[right + size]
        return 0


def _offsets(rows: Sequence[str]) -> list[int]:
    found = [0]
    for row in rows:
        found.append(found[-1] + len(row))
    return found
