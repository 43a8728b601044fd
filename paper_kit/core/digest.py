"""What a build reads, hashed in classes: two builds are told apart, and the difference has a name."""

from __future__ import annotations

import contextlib
import json
import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from paper_kit import __version__
from paper_kit.core.config import weights_folders
from paper_kit.core.files import canonical_json, read_json, sha256_file, sha256_text, write_json
from paper_kit.core.pack import RECORD_FILES
from paper_kit.core.paper import experiment_files, load_paper
from paper_kit.core.part import Part, code_hashes, without_defaults
from paper_kit.core.plan import Plan, all_runs, load_plans
from paper_kit.core.source import PACKAGE, code_hash, imported_modules
from paper_kit.core.spec import RunSpec

CLASSES = {  # class -> what a difference in it means to a reader
    "records": "what the runs left",
    "data": "the images behind the records",
    "environment": "versions of Python and packages",
    "code": "the code that makes numbers, tables and figures",
    "templates": "the words",
    "venue": "the page",
    "paper": "paper.toml and the experiment files",
    "options": "what was asked for",
}
ROOMS = ("core", "stats", "data", "analysis", "render")  # bench is known by the hashes in its records
PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "statsmodels", "jinja2", "pillow")
MEMORY = "hashes.json"  # in paper/build: hashes of files that have not changed since
SETTLED_NS = 2_000_000_000  # a file changed so shortly ago may change again under the same time stamp
_PLUGIN_MODULE = re.compile(r"""["']([A-Za-z_][\w.]*):[A-Za-z_]\w*["']""")


@dataclass(frozen=True)
class Inputs:
    """What a build reads: class -> name -> SHA-256 of a file, or the value itself where it is short."""

    classes: Mapping[str, Mapping[str, str]]

    @cached_property
    def digests(self) -> dict[str, str]:
        """Class -> SHA-256 of its names and hashes, 64 hex digits."""
        return {name: sha256_text(canonical_json(dict(found))) for name, found in self.classes.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all classes, 64 hex digits: equal for equal inputs in any folder."""
        return sha256_text(canonical_json(self.digests))

    def changed_since(self, before: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
        """Class -> names that are new, gone or other than `before`; only classes with such names."""
        changed = {}
        for name in dict.fromkeys((*before, *self.classes)):
            then, now = before.get(name, {}), self.classes.get(name, {})
            names = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
            if names:
                changed[name] = tuple(names)
        return changed


def inputs(
    root: Path,
    *,
    venue: str = "",
    experiments: tuple[str, ...] = (),
    runs: Path | None = None,
    options: Mapping[str, Any] | None = None,
    remember: bool = True,
    plans: tuple[Plan, ...] = (),
) -> Inputs:
    """The inputs of a build of the study at `root`; names and paths are those of `build_paper`'s Request.

    `options` are what else was asked for and changes pages; `plans` those of the experiments, where they are
    at hand. With `remember`, a file whose size and times are those of an earlier call is not read again; the
    memory lies in paper/build, once that is there. Raises InputError for a study that cannot be planned.
    """
    paper, files = load_paper(root), experiment_files(root, experiments)
    plans = plans or load_plans(files, weights=weights_folders(root))
    hashes = FileHashes(root if remember else None)
    place = venue or paper.venue
    templates = tuple(_template_files(root / "templates", place))
    store = runs or root / "experiments" / "runs"
    data = _fingerprints(plans, store)
    records = _record_files(plans, store, data)
    told = {"venue": place, "experiments": [plan.experiment.name for plan in plans], **(options or {})}
    found = Inputs(
        {
            "records": {f"runs/{path.relative_to(store).as_posix()}": hashes.of(path) for path in records},
            "data": data,
            "environment": environment(),
            "code": dict(_code(root, templates, hashes)),
            "templates": _named(templates, root, hashes, venue=False),
            "venue": _named(templates, root, hashes, venue=True),
            "paper": _named((root / "paper" / "paper.toml", *files), root, hashes),
            "options": {name: _told(value) for name, value in sorted(told.items())},
        }
    )
    hashes.write()
    return found


def environment() -> dict[str, str]:
    """Name -> version, of what makes numbers and figures from records; the minor version of Python."""
    packages = {name: _version(name) for name in PACKAGES}
    return {"python": ".".join(platform.python_version_tuple()[:2]), "paper_kit": __version__, **packages}


def _record_files(plans: tuple[Plan, ...], store: Path, data: Mapping[str, str]) -> Iterator[Path]:
    """The files of finished runs, costs of the planned models, audits of their data, searches for both."""
    runs = all_runs(plans)
    for run in runs:
        folder = store / run.id
        if (folder / "record.json").is_file():
            yield from (folder / name for name in RECORD_FILES if (folder / name).is_file())
    networks = {(_model(part.model_dump(mode="json")), *size) for part, *size in set(map(_network, runs))}
    models = {model for model, *_ in networks}
    for path in sorted((store / "costs").glob("*.json")):
        if _model(read_json(path)["model"]) in models:
            yield path
    seen = {one for known in data.values() for one in known.split(", ")}
    yield from sorted(path for one in seen if (path := store / "audits" / f"{one}.json").is_file())
    for path in sorted((store / "tuning").glob("*.json")):
        tuning = read_json(path)
        spec, searched = tuning["spec"], {search["fingerprint"] for search in tuning["searches"]}
        if (searched & seen or not seen) and (
            _model(spec["model"]),
            spec["image_size"],
            spec["channels"],
        ) in networks:
            yield path


def _fingerprints(plans: tuple[Plan, ...], store: Path) -> dict[str, str]:
    """Dataset -> fingerprint in the records of its finished runs; all of them where they differ."""
    found: dict[str, set[str]] = {}
    name_of = lru_cache(maxsize=None)(_dataset)
    for run in all_runs(plans):
        path = store / run.id / "record.json"
        if path.is_file():
            known = str(read_json(path).get("data", {}).get("fingerprint", ""))
            found.setdefault(name_of(run.dataset), set()).add(known)
    return {name: ", ".join(sorted(each)) for name, each in sorted(found.items())}


def _template_files(folder: Path, venue: str) -> Iterator[Path]:
    """All files below templates/ but those of other venues, hidden ones, and editors' copies."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or path.name.endswith("~") or not path.is_file():
            continue
        if parts[0] != "venues" or parts[1] in (venue, "shared"):
            yield path


def _code(root: Path, templates: Iterable[Path], hashes: FileHashes) -> Iterator[tuple[str, str]]:
    """Name -> hash of the package's rooms, of the study's plug-ins, and of modules that templates name."""
    for room in ROOMS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            yield f"paper_kit/{path.relative_to(PACKAGE).as_posix()}", hashes.of(path, code=True)
    own = {path for path in (root / "plugins").rglob("*.py") if path.is_file()}
    for template in templates:
        text = template.read_text(encoding="utf-8", errors="replace") if template.suffix == ".tex" else ""
        named = (root.joinpath(*name.split(".")).with_suffix(".py") for name in _PLUGIN_MODULE.findall(text))
        own |= {path for path in named if path.is_file()}
    for path in sorted(own):
        yield path.relative_to(root).as_posix(), hashes.of(path, code=True)


def _named(
    files: Iterable[Path], root: Path, hashes: FileHashes, venue: bool | None = None
) -> dict[str, str]:
    """Path inside the study -> hash; with `venue`, only those that are, or are not, of a venue."""
    found = {}
    for path in files:
        inside = path.resolve().is_relative_to(root.resolve())
        name = path.resolve().relative_to(root.resolve()).as_posix() if inside else path.name
        if venue is None or venue is name.startswith("templates/venues/"):
            found[name] = hashes.of(path)
    return found


class FileHashes:
    """Hashes of files; those of an earlier call where size and times (also of the inode) are the same.

    They are remembered in paper/build of the study at `root`, where that is not None.
    """

    def __init__(self, root: Path | None) -> None:
        memory = root / "paper" / "build" / MEMORY if root is not None else None
        self._memory = memory
        self._known: dict[str, list[Any]] = {}
        self._new = False
        if memory is not None and memory.is_file():
            with contextlib.suppress(ValueError, RecursionError):  # a damaged memory is no memory
                held = json.loads(memory.read_text(encoding="utf-8"))
                self._known = held if isinstance(held, dict) else {}

    def of(self, path: Path, *, code: bool = False) -> str:
        """SHA-256 of the bytes, or the hash of the code without comments; bytes where it is no Python."""
        return (
            self._known_of("code", path, _code_hash) if code else self._known_of("bytes", path, sha256_file)
        )

    def of_plugin(self, kind: str, name: str) -> dict[str, str]:
        """File -> hash of its code, for a plug-in and the package files that it imports."""
        return code_hashes(kind, name, lambda path: self.of(path, code=True), self._modules)

    def _modules(self, path: Path) -> list[str]:
        return self._known_of("imports", path, lambda path: ",".join(imported_modules(path))).split(",")

    def _known_of(self, what: str, path: Path, find: Callable[[Path], str]) -> str:
        """What is found in the file, or was while it was the same."""
        status = path.stat()
        mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        key = f"{what} {sha256_text(str(path.resolve()))[:32]}"  # no path of this machine is written
        known = self._known.get(key)
        if isinstance(known, list) and len(known) == len(mark) + 1 and known[:3] == mark:
            return str(known[3])
        began = time.time_ns()
        found = find(path)
        if began - max(mark[1:]) > SETTLED_NS:
            self._known[key] = [*mark, found]
            self._new = True
        return found

    def write(self) -> None:
        """Nothing; what was read now need not be read next time."""
        if self._memory is not None and self._new and self._memory.parent.is_dir():
            with contextlib.suppress(PermissionError):  # not all may write here
                write_json(self._memory, self._known)


def _code_hash(path: Path) -> str:
    try:
        return code_hash(path)
    except (SyntaxError, UnicodeDecodeError):  # whoever loads it tells what is wrong
        return sha256_file(path)


def _network(run: RunSpec) -> tuple[Part, int, int]:
    return run.model, run.image_size, run.channels


def _model(part: Mapping[str, Any]) -> str:
    return canonical_json(without_defaults("model", part))


def _dataset(part: Part) -> str:
    """The dataset's name, with the arguments that are not its defaults."""
    table = without_defaults("dataset", part.model_dump(mode="json"))
    name = str(table.pop("name"))
    return f"{name} {canonical_json(table)}" if table else name


def _told(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
