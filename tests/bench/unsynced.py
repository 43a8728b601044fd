"""SQLite for tests: it does not wait for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def unsynced() -> Iterator[None]:
    """Databases are written without waiting, which a search of real trainings never does."""
    event = pytest.importorskip("sqlalchemy.event", reason="needs Optuna: pip install 'paper-kit[tune]'")
    from sqlalchemy.engine import Engine

    def hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", hurry)
    yield
    event.remove(Engine, "connect", hurry)
