"""Plain text for terminals and pipes: aligned columns, durations, and lines to stderr."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import typer

DURATION = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")


def complain(problems: Iterable[str]) -> None:
    """Nothing; each problem stands on stderr after "error:"."""
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)


def say(text: str) -> None:
    """Nothing; the text stands on stderr, where talk belongs."""
    typer.echo(text, err=True)


def columns(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """The rows as lines with aligned columns, two spaces apart."""
    if not rows:
        return ""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join((indent + line).rstrip() for line in lines)


def duration(seconds: float) -> str:
    """ "48 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def seconds_of(text: str) -> float:
    """Seconds in "9m", "90s", "1h30m" or "540"; 0 for ""."""
    from paper_kit.core.errors import InputError

    found = DURATION.fullmatch(text.replace(" ", ""))
    if found is None or (text and not any(found.groups())):
        raise InputError(f"--time-limit {text}: expected a duration such as 9m, 90s or 1h30m.")
    hours, minutes, seconds = (float(found[unit] or 0) for unit in "hms")
    return hours * 3600 + minutes * 60 + seconds


def counted(number: int, noun: str) -> str:
    """ "1 run", "3 runs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
