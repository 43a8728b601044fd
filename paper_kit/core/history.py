"""The history of a run: history.jsonl, one line an epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paper_kit.core.errors import InputError

LARGEST = 1e300  # beyond, a whole number is no float


def read_rows(path: Path) -> list[dict[str, Any]]:
    """One row an epoch, a last line cut off in mid-write left out; InputError for what is no number."""
    rows = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    for number, row in enumerate(rows, start=1):
        known = isinstance(row, dict)
        wrong = [name for name in row if not _number(row[name])] if known else ["the line"]
        if wrong:
            raise InputError(
                f"{path}:{number}: {', '.join(wrong)!a} is no number. The file was edited or damaged; "
                "unpack the records again, or delete the run's folder and type `paperkit run-all`."
            )
    return rows


def _number(value: object) -> bool:
    """Whether a value is a number or none; what is not finite tells of a training that diverged."""
    return value is None or (isinstance(value, int | float) and not LARGEST < abs(value) < float("inf"))
