"""A dataset is decoded once, and opened in milliseconds for as long as its files stay as they are.

cache_dir/index/<key>.json holds the fingerprint of a part, and size and time of each file it was read from.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, read_json, sha256_text, write_json
from paper_kit.core.part import Part, complete, load, plugin_file
from paper_kit.data.card import Card
from paper_kit.data.dataset import Dataset, open_cached, problems_of, write_dataset
from paper_kit.data.sources import Splits
from paper_kit.data.strangers import check_files, only_pictures

SHOWN = 50  # unreadable images listed in a message

Given = Mapping[str, Path | None]  # parameter of `load` -> root


def open_dataset(part: Part, roots: Mapping[str, Path], cache_dir: Path, skip_bad: bool = False) -> Dataset:
    """The dataset of a part, decoded now if it was not before or if its files have changed since.

    InputError lists the images that cannot be decoded, unless `skip_bad`, and says what to type where the
    dataset's root is not known.
    """
    part = complete("dataset", part)
    given = _given(part, roots)
    entry = cache_dir / "index" / f"{_key(part, given)}.json"
    dataset = _indexed(entry, cache_dir)
    if dataset is None:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.with_suffix(".lock")):
            dataset = _indexed(entry, cache_dir) or _decode(part, given, entry, cache_dir)
    if dataset.bad and not skip_bad:
        raise InputError(_listed(part.name, dataset.bad))
    return dataset


def fingerprint_at_hand(part: Part, roots: Mapping[str, Path], cache_dir: Path) -> str | None:
    """The fingerprint of a dataset that is decoded and whose files are as they were; None otherwise."""
    try:
        part = complete("dataset", part)
        given = _given(part, roots)
    except InputError:
        return None
    dataset = _indexed(cache_dir / "index" / f"{_key(part, given)}.json", cache_dir)
    return dataset.fingerprint if dataset else None


def data_root(name: str, roots: Mapping[str, Path]) -> Path | None:
    """Where a dataset lies: as given in `roots`, else PAPERKIT_DATA/name, else None.

    InputError where a path was given and nothing is there.
    """
    if name in roots:
        root = Path(roots[name]).expanduser()
        if not root.exists():
            raise InputError(
                f"{root}: nothing is there; it was given as the data of {name!r}. Correct the path."
            )
        return root.resolve()
    shared = os.environ.get("PAPERKIT_DATA", "")
    place = Path(shared).expanduser() / name
    below = Path(name).name == name  # an experiment file names no folder elsewhere
    there = shared and below and os.path.exists(place)  # noqa: PTH110 - False, and no error, without rights
    return place.resolve() if there else None


def _given(part: Part, roots: Mapping[str, Path]) -> Given:
    """The roots of the positional parameters of `load`; InputError where a needed one is not known."""
    found: dict[str, Path | None] = {}
    for parameter, needed in _positional(part.name):
        own = str(part.arguments.get("alias") or part.name)
        name = own if parameter == "root" else parameter
        found[parameter] = data_root(name, roots)
        if needed and found[parameter] is None:
            raise InputError(_missing(name))
    return found


def _positional(name: str) -> list[tuple[str, bool]]:
    """(name, whether needed) of each positional parameter of a dataset's function, read from its source."""
    wanted = name.partition(":")[2] or "load"
    tree = ast.parse(plugin_file("dataset", name).read_text(encoding="utf-8"))
    node = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == wanted)
    parameters = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    needed = len(parameters) - len(node.args.defaults)
    return [(parameter, place < needed) for place, parameter in enumerate(parameters)]


def _missing(name: str) -> str:
    shared = os.environ.get("PAPERKIT_DATA", "")
    why = f" (PAPERKIT_DATA is {shared}, which has no {name}/)" if shared else ""
    return (
        f"The dataset {name!r} needs its files, and where they are is not known{why}. Type one of:\n"
        f"  --data {name}=PATH                with the command\n"
        f'  {name} = "PATH"                   below [data] in paperkit.local.toml\n'
        f"  export PAPERKIT_DATA=FOLDER       where FOLDER/{name} holds the files"
    )


def _listed(name: str, bad: tuple[tuple[str, str], ...]) -> list[str]:
    more = [f"… and {len(bad) - SHOWN} more."] if len(bad) > SHOWN else []
    advice = "Mend or remove them, or go on without them with --skip-bad."
    first = f"{name}: {len(bad)} images cannot be decoded. {advice}"
    return [first, *(f"{path}: {why}" for path, why in bad[:SHOWN]), *more]


def _key(part: Part, given: Given) -> str:
    """16 hex digits of what decides how a dataset is decoded: part, roots, code of this room and plug-in."""
    code = hashlib.sha256(plugin_file("dataset", part.name).read_bytes())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(file.read_bytes())
    roots = {name: str(path) for name, path in given.items()}
    return sha256_text(canonical_json([part.model_dump(mode="json"), roots, code.hexdigest()]))[:16]


def _indexed(entry: Path, cache_dir: Path) -> Dataset | None:
    """The dataset of an index entry whose files are as they were, else None."""
    if not entry.is_file():
        return None
    try:
        said = read_json(entry)
        if any(_stamp(Path(path)) != stamp for path, stamp in said["read"].items()):
            return None
        dataset = open_cached(said["fingerprint"], cache_dir)
        bad = tuple((path, why) for path, why in said["bad"])
        return dataset and replace(dataset, card=Card.from_dict(said["card"]), bad=bad)
    except (InputError, LookupError, TypeError, ValueError, AttributeError):  # damaged: decoded again
        return None


def _stamp(path: Path) -> str:
    """Size and time of a file, or a hash of name, size and time of all below a folder; "" for nothing."""
    if not path.exists():
        return ""
    if path.is_file():
        status = path.stat()
        return f"{status.st_size}-{status.st_mtime_ns}"
    digest = hashlib.sha256()
    folders = [str(path)]
    while folders:
        with os.scandir(folders.pop()) as found:
            items = sorted(found, key=lambda item: item.name)
        for item in items:
            broken = item.is_symlink() and not Path(item.path).exists()
            status = item.stat(follow_symlinks=not broken)
            line = f"{item.path}\0{status.st_size}\0{status.st_mtime_ns}\n"
            digest.update(line.encode(errors="surrogateescape"))
        folders += [item.path for item in items if item.is_dir()]
    return digest.hexdigest()[:32]


def _decode(part: Part, given: Given, entry: Path, cache_dir: Path) -> Dataset:
    """The dataset, decoded and written; its index entry is written last."""
    source = load("dataset", part.name)
    check_files(given.values())
    try:
        with only_pictures():
            splits: Splits = source(*given.values(), **part.arguments)
    except OSError as error:
        raise InputError(f"{part.name}: {error.filename or 'reading'}: {error.strerror or error}.") from None
    problems = problems_of(splits)
    if problems:
        unreadable = _listed(part.name, splits.bad) if splits.bad else []
        raise InputError([*(f"{part.name}: {problem}" for problem in problems), *unreadable])
    dataset = write_dataset(splits, cache_dir)
    said = {
        "part": part.model_dump(mode="json"),
        "fingerprint": dataset.fingerprint,
        "card": splits.card.as_dict(),
        "bad": splits.bad,
        "read": {str(path): _stamp(path) for path in splits.read},
    }
    write_json(entry, said)
    return dataset
