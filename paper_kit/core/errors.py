"""Errors that a person can act on: what was found, what was expected, what to type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PaperkitError(Exception):
    """Something failed that is not the user's input, such as a run; the command exits with 1."""

    exit_code = 1

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class InputError(PaperkitError):
    """The user's input is at fault; `problems` lists everything found; the command exits with 2."""

    exit_code = 2


class Superseded(PaperkitError):
    """What this process wanted to write was given to another, because it was silent for too long."""


class StoreLost(PaperkitError):
    """The folder of runs cannot be written any more; nothing can be trained until it can."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """A sentence that starts with a space: the nearest of `options`, or all of them if none is near."""
    known = sorted(set(options))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]!r}?"
    if not known:
        return ""
    shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
    return f" Known: {shown}."
