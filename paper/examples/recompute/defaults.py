"""What a specification holds where an experiment file is silent: read from the source, never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SPEC, CLASS = "paper_kit/core/spec.py", "RunSpec"
PARTS = {"model": ("paper_kit/bench/models", "build"), "dataset": ("paper_kit/data/sources", "load")}
Table = dict[str, Any]


def wanted(root: Path, base: Mapping[str, Any], *changes: Mapping[str, Any]) -> Table:
    """Dotted field -> value of a whole specification: the defaults, under the base, under the changes."""
    found = flat(spec_defaults(root)) | flat(_named(base))
    for change in changes:
        found |= flat(_named(change))
    for kind in PARTS:
        found = part_defaults(root, kind, str(found[f"{kind}.name"])) | found
    return found


def flat(value: Mapping[str, Any], prefix: str = "") -> Table:
    """Dotted field -> value of nested tables; what is listed is a list."""
    found: Table = {}
    for name, item in value.items():
        inner = isinstance(item, Mapping)
        found |= flat(item, f"{prefix}{name}.") if inner else {f"{prefix}{name}": _plain(item)}
    return found


def spec_defaults(root: Path) -> Table:
    """The nested defaults of a specification's class."""
    tree = ast.parse((root / SPEC).read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return dict(_fields(classes[CLASS], classes))


def part_defaults(root: Path, kind: str, name: str) -> Table:
    """model.width -> 64: what the function behind a part takes where it is told nothing."""
    folder, called = PARTS[kind]
    place = root / folder / f"{name}.py"
    if not place.is_file():
        return {}
    body = ast.parse(place.read_text(encoding="utf-8")).body
    function = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == called)
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    values = {argument.arg: _literal(default) for argument, default in pairs if default is not None}
    return {f"{kind}.{argument}": value for argument, value in values.items() if value is not Ellipsis}


def _fields(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[tuple[str, Any]]:
    """(field, default) of a class, the classes among them opened."""
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or line.value is None or not isinstance(line.target, ast.Name):
            continue
        value = line.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            own = classes.get(value.func.id)
            told = {each.arg: _literal(each.value) for each in value.keywords}
            yield line.target.id, dict(_fields(own, classes)) if own else told
        else:
            yield line.target.id, _literal(value)


def _literal(node: ast.expr) -> Any:
    """The value of a literal; an ellipsis for what is none."""
    try:
        return _plain(ast.literal_eval(node))
    except ValueError:
        return ...


def _named(value: Mapping[str, Any]) -> Table:
    """The tables with each part opened that is written as its name alone."""
    return {
        name: {"name": item} if name in PARTS and isinstance(item, str) else item
        for name, item in value.items()
    }


def _plain(value: Any) -> Any:
    return [*map(_plain, value)] if isinstance(value, list | tuple) else value
