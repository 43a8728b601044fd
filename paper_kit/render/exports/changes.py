"""What was changed in a file of an export, as edits of the templates, and what cannot be taken over."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from paper_kit.render.exports.hunks import Atom, Compared, Hunk, compare
from paper_kit.render.exports.overleaf import facts_in
from paper_kit.render.exports.pieces import Piece
from paper_kit.render.exports.translation import Known, Refused, plain, short, translated, without_facts

_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Edit:
    """The signs `start` to `end` of a template become `text`; `place` is where that was asked for."""

    file: str
    start: int
    end: int
    text: str
    place: str
    piece: tuple[str, int, int] = ("", 0, 0)  # the text that was edited


class Changes:
    """The edits and refusals of one file: `edits`, `refused`."""

    def __init__(
        self, name: str, pieces: tuple[Piece, ...], returned: str, known: Known, *, shift: int = 0
    ) -> None:
        self._name, self._known, self._shift = name, known, shift
        self._pieces = tuple(piece for piece in pieces if piece.text)
        self._old = "".join(piece.text for piece in pieces)
        ending = self._old[len(self._old.rstrip()) :]
        self._new = returned.rstrip() + ending
        self._starts = [0, *accumulate(len(piece.text) for piece in self._pieces)]
        self.edits: list[Edit] = []
        self.refused: list[str] = []
        if self._new == self._old:
            return
        found = compare(self._old, self._new, by_line=name.endswith(".bib"))
        self._values(found)
        for hunk in found.hunks:
            try:
                self.edits += self._hunk(hunk)
            except Refused as reason:
                self.refused.append(f"{self._place(hunk.new_start)}: {reason}")

    def _place(self, position: int) -> str:
        position += len(self._new[position:]) - len(self._new[position:].lstrip())
        return f"{self._name}:{self._new.count(chr(10), 0, position) + 1 + self._shift}"

    def _values(self, found: Compared) -> None:
        """Nothing; each value that was changed is refused by name."""
        for old, new in found.facts:
            was, now = (self._value(text, atom) for text, atom in ((self._old, old), (self._new, new)))
            if was != now:
                self.refused.append(
                    f"{self._fact(old.fact)}: {plain(was)} was changed to {plain(now)} in "
                    f"{self._place(new.start)}; values come from runs."
                )

    @staticmethod
    def _value(text: str, atom: Atom) -> str:
        return " ".join(next(facts_in(text[atom.start : atom.end]))[1].split())

    def _fact(self, number: str) -> str:
        return self._known.facts[number].name if number in self._known.facts else f"fact {number}"

    def _hunk(self, hunk: Hunk) -> list[Edit]:
        """The edits that a hunk asks for; Refused where it touches what is not the author's to write."""
        new = self._new[hunk.new_start : hunk.new_end]
        touched = self._touched(hunk)
        if any(piece.locked for piece, _, _ in touched) and self._unwrapped(touched, new):
            return []
        for piece, start, end in touched:
            self._allowed(piece, start, end, touched, new)
        text = translated(new, self._known, self._old, self._position(hunk))
        if not touched:
            return [self._insertion(hunk, text)]
        return self._replacement(touched, text, hunk)

    def _touched(self, hunk: Hunk) -> list[tuple[Piece, int, int]]:
        """The pieces that a hunk replaces, each with the signs of it, from and to."""
        found = []
        place = max(bisect_right(self._starts, hunk.start) - 1, 0)
        while place < len(self._pieces) and self._starts[place] < hunk.end:
            first = self._starts[place]
            start, end = max(hunk.start - first, 0), min(hunk.end - first, len(self._pieces[place].text))
            piece = self._pieces[place]
            shown = piece.text[start:end].strip()
            if piece.locked and shown == piece.text.strip():
                start, end = 0, len(piece.text)
            if start < end and (shown or not piece.locked):
                found.append((piece, start, end))
            place += 1
        return found

    def _unwrapped(self, touched: list[tuple[Piece, int, int]], new: str) -> bool:
        r"""Whether only the \pkfact around a value was taken away: the same words are printed."""
        old = "".join(piece.text[start:end] for piece, start, end in touched)
        for _, text, start, end in reversed(list(facts_in(old))):
            old = old[:start] + text + old[end:]
        return " ".join(old.split()) == " ".join(new.split())

    def _allowed(
        self, piece: Piece, start: int, end: int, touched: list[tuple[Piece, int, int]], new: str
    ) -> None:
        """Nothing where a piece may be replaced so; else Refused."""
        if not piece.locked:
            return
        whole = start == 0 and end == len(piece.text)
        if not whole or piece.kind == "generated":
            raise Refused(self._not_yours(piece))
        if piece.kind == "include" or not new.strip():
            return
        facts = [(number, text) for number, text, _, _ in facts_in(piece.text)]
        rewritten = any(not each.locked and _WORD.search(each.text[a:b]) for each, a, b in touched)
        kept = {number for number, _, _, _ in facts_in(new)}
        if facts and all(number in kept for number, _ in facts):
            return
        if facts and (_DIGIT.search(without_facts(new)) or not rewritten):
            number, text = facts[0]
            raise Refused(
                f"{self._fact(number)}: {plain(text)} was changed to {short(new)}; values come from runs."
            )
        if not rewritten:
            raise Refused(self._not_yours(piece))

    def _not_yours(self, piece: Piece) -> str:
        """Why a text is not the author's to write here, and where to change it."""
        shown = short(piece.text)
        if piece.kind == "include":
            return f"the line {shown} reads another file; delete it whole, or leave it."
        if not piece.file:
            return f"{shown} was written by the study, not by a template; leave it as it is."
        tag = self._known.scopes.source(piece.file)[piece.start : piece.end]
        where = f"templates/{piece.file}:{self._known.scopes.line(piece.file, piece.start)}"
        return f"{shown} is printed by {tag}; change it in the study, at {where}."

    def _replacement(self, touched: list[tuple[Piece, int, int]], text: str, hunk: Hunk) -> list[Edit]:
        """The signs of templates that a hunk replaces, the new text at the first that has words."""
        parts: list[tuple[str, int, int, tuple[str, int, int], str]] = []
        for piece, start, end in touched:
            own = (piece.file, piece.start, piece.end)
            first, last = (
                (piece.start, piece.end) if piece.locked else (piece.start + start, piece.start + end)
            )
            shown = piece.text[start:end]
            if parts and parts[-1][0] == piece.file and parts[-1][2] == first:
                before = parts.pop()
                parts.append((piece.file, before[1], last, before[3], before[4] + shown))
            else:
                parts.append((piece.file, first, last, own, shown))
        if touched[-1][0].kind == "include" and text.strip():  # its tag takes the end of its line along
            text = text.strip() + "\n"
        home = next((number for number, part in enumerate(parts) if part[4].strip()), 0)
        place = self._place(hunk.new_start)
        return [
            Edit(file, start, end, text if number == home else "", place, own)
            for number, (file, start, end, own, _) in enumerate(parts)
        ]

    def _insertion(self, hunk: Hunk, text: str) -> Edit:
        """New text between two signs, in the branch that it continues, else outside of branches."""
        place = self._place(hunk.new_start)
        number = max(bisect_right(self._starts, hunk.start) - 1, 0)
        if number < len(self._pieces) and self._starts[number] < hunk.start:
            piece = self._pieces[number]
            if piece.locked and piece.text[hunk.start - self._starts[number] :].strip():
                raise Refused(self._not_yours(piece))
            if piece.locked:  # behind the line that reads a file
                return Edit(piece.file, piece.end, piece.end, text.strip() + "\n", place)
            at = piece.start + hunk.start - self._starts[number]
            return Edit(piece.file, at, at, text, place, (piece.file, piece.start, piece.end))
        before = self._pieces[number - 1] if number else None
        after = self._pieces[number] if number < len(self._pieces) else None
        return self._between(hunk, text, before, after, place)

    def _between(self, hunk: Hunk, text: str, before: Piece | None, after: Piece | None, place: str) -> Edit:
        """New text between two pieces."""
        led = self._new[: hunk.new_start]
        space = led[len(led.rstrip()) :]
        continues = before is not None and (space and "\n" not in space) and before.text.endswith("\n")
        if continues and before is not None and before.kind == "text" and before.text.strip():
            end = before.start + len(before.text.rstrip())
            return Edit(
                before.file, end, end, space + text.rstrip(), place, (before.file, before.start, before.end)
            )
        lines = text.endswith("\n") and self._old[: hunk.start].endswith("\n")
        spot = self._known.scopes.between(before, after, lines=lines)
        if spot is None:
            raise Refused("this text stands between lines that no template wrote; move it next to prose.")
        file, at, piece = spot
        own = (piece.file, piece.start, piece.end) if piece.kind == "text" else ("", 0, 0)
        return Edit(file, at, at, text, place, own)

    def _position(self, hunk: Hunk) -> tuple[str, int]:
        """The file and place of a template nearest to a hunk."""
        number = min(max(bisect_right(self._starts, hunk.start) - 1, 0), len(self._pieces) - 1)
        piece = self._pieces[number]
        return piece.file, piece.start + (hunk.start - self._starts[number] if not piece.locked else 0)
