"""Which printed numbers differ between two builds of a paper, from what to what, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paper_kit.core.digest import Inputs
from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, sha256_file
from paper_kit.core.store import Store
from paper_kit.render.reasons import Runs, reasons, runs_behind
from paper_kit.render.seal import MANIFEST, RUNS, read_manifest, run_entry

FACTS = "facts.json"
STAMPED = "build."  # facts that differ whenever anything does
BOOKKEEPING = ("environment.", "counts.", "names.", "study.")
TIMES = frozenset({"ms", "s", "min", "h"})
NOT_PRINTED = "–"

PrintedFacts = Sequence[Mapping[str, Any]]  # facts.json


@dataclass(frozen=True)
class Build:
    """What a build tells of itself: its printed facts, the runs behind them, and its inputs if sealed."""

    facts: PrintedFacts
    runs: Runs
    inputs: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Difference:
    """One printed fact that changed: its texts, how large the change is (relative), and why."""

    fact: str
    old: str
    new: str
    size: float
    why: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The difference for JSON."""
        return asdict(self)


def load_build(path: Path, store: Store | None = None) -> Build:
    """The build in a folder, or the one that a facts.json, manifest.json or paper.pdf belongs to.

    Runs that the folder does not tell of are looked for in `store`. Raises InputError where there are no
    facts.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists() or not (folder / FACTS).is_file():
        raise InputError(
            f"{path}: expected a build folder with {FACTS}, such as paper/build/ieeetran, or a commit."
        )
    facts = _checked(read_json(folder / FACTS), folder / FACTS)
    runs = _checked_runs(read_json(folder / RUNS), facts, folder / RUNS) if (folder / RUNS).is_file() else {}
    manifest = folder / MANIFEST
    inputs = _sealed(manifest) if manifest.is_file() else {}
    return Build(facts, {**_from_store(facts, runs, store), **runs}, inputs)


def differences(before: Build, after: Build) -> tuple[Difference, ...]:
    """The printed facts that differ, the largest changes first; facts are matched by key, else by formula."""
    old, new = _by_name(before.facts), _by_name(after.facts)
    inputs = Inputs(after.inputs).changed_since(before.inputs) if before.inputs and after.inputs else {}
    changed = {name: names for name, names in inputs.items() if name != "options"}
    found = []
    for name in dict.fromkeys((*old, *new)):
        if name not in old or name not in new:
            found.append(_one_sided(name, old.get(name, ()), new.get(name, ())))
            continue
        difference = _between(name, old[name], new[name], before.runs, after.runs, changed)
        if difference is not None:
            found.append(difference)
    return tuple(sorted(found, key=lambda each: (_rank(each.fact, new, old), -each.size)))


def _rank(name: str, *sides: Mapping[str, PrintedFacts]) -> int:
    """0 for results and claims, 1 for the rest, 2 for what every machine and every count changes."""
    if "results." in name or name.startswith("claim"):
        return 0
    first = next(side[name][0] for side in sides if name in side)
    return 2 if name.startswith(BOOKKEEPING) or first["unit"] in TIMES else 1


def _between(
    name: str, old: PrintedFacts, new: PrintedFacts, then: Runs, now: Runs, changed: Mapping[str, Any]
) -> Difference | None:
    """The difference of one fact; None where all its texts are the same: nobody can see a change."""
    was, became = old[0], new[0]
    texts = [[fact["text"] for fact in side] for side in (old, new)]
    if sorted(texts[0]) == sorted(texts[1]):
        return None
    if was["value"] == became["value"] and was["kind"] != "list":
        fresh = [text for text in texts[1] if text not in texts[0]] or texts[1][:1]
        gone = [text for text in texts[0] if text not in texts[1]] or texts[0][:1]
        kept = set(texts[0]) & set(texts[1])
        told = "template: printed in other forms" if kept else "rounding: the value itself is the same"
        return Difference(name, ", ".join(gone), ", ".join(fresh), 0.0, (told,))
    why = reasons(was, became, then, now, changed)
    return Difference(name, was["text"], became["text"], _size(was["value"], became["value"]), why)


def _one_sided(name: str, old: PrintedFacts, new: PrintedFacts) -> Difference:
    why = "template: no longer printed" if old else "template: printed now"
    left, right = (side[0]["text"] if side else NOT_PRINTED for side in (old, new))
    return Difference(name, left, right, -1.0, (why,))


def _size(was: Any, became: Any) -> float:
    """The change relative to the larger of two numbers, 0 to 2; 1 for names and for what became known."""
    if not isinstance(was, int | float) or not isinstance(became, int | float):
        return 1.0
    return abs(became - was) / max(abs(became), abs(was))


def _by_name(facts: PrintedFacts) -> dict[str, list[Mapping[str, Any]]]:
    """Name -> the forms in which a fact is printed; facts without a key or a formula go by their text."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for fact in facts:
        origin = fact["origin"]
        name = fact["key"] or origin["formula"] or " ".join([*origin["fields"], fact["text"]])
        if not name.startswith(STAMPED):
            found.setdefault(name, []).append(fact)
    return found


def _from_store(facts: PrintedFacts, known: Runs, store: Store | None) -> dict[str, Any]:
    """Entries of the runs behind facts that `known` does not tell of, from the Store's records."""
    ids = {run for fact in facts for run in runs_behind(fact)} - set(known)
    if store is None:
        return {}
    here = sorted(run for run in ids if store.file(run, "record.json").is_file())
    return {run: run_entry(store.record(run).model_dump(mode="json"), run) for run in here}


def _checked(value: Any, path: Path) -> PrintedFacts:
    """The facts of a file; InputError where it holds something else."""
    needed = {"key", "text", "value", "kind", "unit", "origin"}
    parts = {"runs", "readings", "fields", "formula"}
    rows = value if isinstance(value, list) and value else [None]
    if not all(
        isinstance(row, dict)
        and needed <= set(row)
        and isinstance(row["origin"], dict)
        and parts <= set(row["origin"])
        for row in rows
    ):
        raise InputError(f"{path}: not the facts of a paper. Type `paperkit render` to write them again.")
    return list(rows)


def _checked_runs(value: Any, facts: PrintedFacts, path: Path) -> Runs:
    """The runs of a file; InputError where it holds something else, or lacks one that a fact is from."""
    needed = {"label", "seed", "data", "spec", "code", "engine", "metrics", "environment"}
    whole = isinstance(value, dict) and all(
        isinstance(run, dict) and needed <= set(run) for run in value.values()
    )
    behind = {run for fact in facts if not fact.get("missing") for run in runs_behind(fact) if "/" not in run}
    if not whole or behind - set(value):
        raise InputError(
            f"{path}: not the runs behind the facts. Type `paperkit render` to write them again."
        )
    return dict(value)


def _sealed(manifest: Path) -> Mapping[str, Mapping[str, str]]:
    """The inputs that a manifest tells; InputError where the facts beside it are others."""
    told = read_manifest(manifest)
    for name in (FACTS, RUNS):
        path = manifest.with_name(name)
        if name in told.files and (not path.is_file() or sha256_file(path) != told.files[name]):
            raise InputError(
                f"{path}: not the file that {MANIFEST} seals: it was rendered or changed since. Type "
                "`paperkit build-pdf` to build the paper again, or compare with . (the study as it is now)."
            )
    return told.inputs
