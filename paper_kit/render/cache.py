"""What earlier builds made, kept in the build folder as JSON files that are checked when they are read."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from paper_kit.core.files import sha256_text, write_text
from paper_kit.render.plain import NotPlainError, from_plain, to_plain

FOLDER = "cache"  # in the build folder; deleting it costs time and nothing else
DAMAGED = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RecursionError)


class Cache:
    """Values by name, of a build whose inputs have this key; without a folder nothing is kept.

    An entry that is damaged, or of other inputs, counts as none.
    """

    def __init__(self, folder: Path | None = None, key: str = "") -> None:
        self._folder = folder
        self._key = key
        self._used: set[Path] = set()

    def get(self, name: str) -> Any:
        """The value that was put under this name; None where there is none."""
        path = self._path(name)
        if path is None or not path.is_file():
            return None
        self._used.add(path)
        try:
            digest, _, text = path.read_text(encoding="utf-8").partition("\n")
            return from_plain(json.loads(text)) if digest == sha256_text(text) else None
        except DAMAGED:
            return None

    def put(self, name: str, value: Any) -> Any:
        """The value as the next build will get it; as it is where it has no plain form."""
        try:
            plain = to_plain(value)
        except NotPlainError:
            return value
        path = self._path(name)
        if path is not None:
            text = json.dumps(plain, ensure_ascii=False)
            with contextlib.suppress(OSError):  # a full or read-only disk is told by what must be written
                write_text(path, f"{sha256_text(text)}\n{text}")
                self._used.add(path)
        return from_plain(plain)

    def prune(self) -> None:
        """Nothing; entries that this build neither read nor wrote are deleted."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in self._folder.glob("*.json"):
            if path not in self._used:
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path | None:
        if self._folder is None:
            return None
        digest = hashlib.sha256(f"{self._key}\n{name}".encode()).hexdigest()
        return self._folder / f"{digest[:24]}.json"
