"""What happened to a run beside its training: it was cut off, a file was damaged, memory was too small."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from paper_kit.core.files import write_text
from paper_kit.core.store import Store

INCIDENTS = "incidents.jsonl"


def tell(store: Store, run_id: str, what: str) -> None:
    """Nothing; the run's folder holds the sentence with the time, after the earlier ones."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [*_rows(store, run_id), {"at": at, "what": what}]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(store.file(run_id, INCIDENTS), "".join(lines))


def incidents(store: Store, run_id: str) -> tuple[str, ...]:
    """One sentence for each thing that happened to the run, with its time (UTC), oldest first."""
    return tuple(f"{row['at']}: {row['what']}" for row in _rows(store, run_id))


def _rows(store: Store, run_id: str) -> list[dict[str, str]]:
    """Rows as they were written; a damaged line is left out, as nothing depends on it."""
    path = store.file(run_id, INCIDENTS)
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("at"), str) and isinstance(row.get("what"), str):
            found.append({"at": row["at"], "what": row["what"]})
    return found
