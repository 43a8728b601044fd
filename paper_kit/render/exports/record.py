"""What an Overleaf export was: its files piece by piece, and the templates as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from paper_kit.core.archives import inside
from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, read_json, sha256_text, write_text
from paper_kit.render.exports.pieces import Piece

NAME = "paperkit.json"  # in the export; the same stands in the study's KEPT/<id>.json
KEPT = Path(".paperkit") / "overleaf"


@dataclass(frozen=True)
class Printed:
    r"""A fact of the export: what \VAR prints it, its name for people, and its TeX inside of \pkfact."""

    name: str
    text: str
    tag: str = ""  # a tag that prints it anywhere; empty where none is known


@dataclass(frozen=True)
class Record:
    """An export: pieces of the files with prose, SHA-256 of the others, templates, facts by number."""

    files: Mapping[str, tuple[Piece, ...]]
    locked: Mapping[str, str]
    generated: Mapping[str, str]  # the TeX of tables and figures
    templates: Mapping[str, str]
    facts: Mapping[str, Printed]
    commit: str = ""
    study: str = ""

    @cached_property
    def id(self) -> str:
        """Twelve hex digits that name the export."""
        return sha256_text(canonical_json(self.as_dict()))[:12]

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON; a piece of text is not repeated, since its template is there."""
        return {
            "files": {name: [_row(piece) for piece in pieces] for name, pieces in self.files.items()},
            "locked": dict(self.locked),
            "generated": dict(self.generated),
            "templates": dict(self.templates),
            "facts": {number: asdict(fact) for number, fact in self.facts.items()},
            "commit": self.commit,
            "study": self.study,
        }

    def to_json(self) -> str:
        """The record with its id."""
        return json.dumps({"id": self.id, **self.as_dict()}, ensure_ascii=False) + "\n"

    def keep(self, root: Path) -> Path:
        """The study's own copy of the record, in a folder that git does not see."""
        folder = root / KEPT
        write_text(root / KEPT.parts[0] / ".gitignore", "*\n")
        write_text(folder / f"{self.id}.json", self.to_json())
        return folder / f"{self.id}.json"

    def is_kept(self, root: Path) -> bool:
        """Whether the study at `root` made this export, on this machine."""
        return (root / KEPT / f"{self.id}.json").is_file()


def read_record(path: Path) -> Record:
    """The record in a file; InputError where it is damaged."""
    return record_of(read_json(path), str(path))


def record_of(told: Any, where: str) -> Record:
    """The record in a value of JSON; InputError where it is not what `to_json` wrote."""
    try:
        templates = {str(name): str(text) for name, text in told["templates"].items()}
        record = Record(
            {name: tuple(_piece(row, templates) for row in rows) for name, rows in told["files"].items()},
            dict(told["locked"]),
            dict(told["generated"]),
            templates,
            {number: Printed(**fact) for number, fact in told["facts"].items()},
            told["commit"],
            told["study"],
        )
        whole = record.id == told["id"]
        outside = [name for name in (*record.files, *record.locked, *templates) if not inside(name)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{where}: damaged ({error!r}). Export again, or import in the study that exported."
        ) from None
    if outside:
        raise InputError(f"{where}: {outside[0]!r} leads out of the study; this is no export of paperkit.")
    if not whole:
        raise InputError(f"{where}: changed since the export. Import in the study that exported.")
    return record


def _row(piece: Piece) -> list[Any]:
    row = [piece.kind, piece.file, piece.start, piece.end]
    return row if piece.kind == "text" else [*row, piece.text]


def _piece(row: list[Any], templates: Mapping[str, str]) -> Piece:
    kind, file, start, end, *text = row
    source = templates[file] if file else ""
    source += "" if source.endswith("\n") else "\n"
    return Piece(kind, text[0] if text else source[start:end], file, start, end)
