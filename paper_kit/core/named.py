"""Which plug-ins that are not the package's own may run: those that an experiment file names.

A template, a record or an archive can ask for a plug-in too. It runs only where a person can see its name in
the study's experiment files: in `part`, `dataset`, or the list `plugins`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from paper_kit.core.errors import InputError
from paper_kit.core.part import is_own


def refuse_unnamed(kind: str, name: str, named: Container[str]) -> None:
    """Nothing; InputError for a plug-in from outside the package that is not among those named."""
    listed = name if ":" in name else f"{kind}/{name}"
    if listed not in named and not is_own(kind, name):
        raise InputError(
            f"The {kind} {name!r} is code from outside the package, and no experiment file names it, so it "
            f'is not run. If you trust it, write plugins = ["{listed}"] into the experiment file.'
        )


def named_in(root: Path) -> frozenset[str]:
    """What the experiment files of a study name, as `refuse_unnamed` looks it up; damaged ones nothing."""
    found: set[str] = set()
    for file in sorted((root / "experiments").glob("*.toml")):
        try:
            found.update(_named(tomllib.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, RecursionError):
            continue
    return frozenset(found)


def _named(tables: dict[str, Any]) -> Iterator[str]:
    """Names of the parts in the tables of an experiment file, each with its kind, and all of `plugins`."""
    yield from (name for name in _listed(tables.get("plugins")) if isinstance(name, str))
    models = [entry.get("part") for entry in _listed(tables.get("model")) if isinstance(entry, dict)]
    holders = (tables.get("base"), tables.get("source"))
    datasets = [holder.get("dataset") for holder in holders if isinstance(holder, dict)]
    for kind, parts in (("model", models), ("dataset", datasets)):
        for name in map(_name, parts):
            yield from (name, f"{kind}/{name}")


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _name(part: Any) -> str:
    return str(part.get("name", "")) if isinstance(part, dict) else str(part)
