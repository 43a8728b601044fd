"""A new experiment file from one that exists, so that no run exists that no file knows."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paper_kit.core.config import read_toml
from paper_kit.core.errors import InputError
from paper_kit.core.experiment import load_experiment, set_fields
from paper_kit.core.files import write_text
from paper_kit.core.part import Part

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def derive(path: Path, settings: tuple[str, ...], seeds: str, folder: Path) -> Path:
    """The file in `folder` that says what `path` says with these settings and seeds; written if it is new.

    A setting is "key=value" as --set takes it; seeds is "0,1,2" or "" for those of `path`. Raises InputError,
    and leaves no file, where the result is not a valid experiment.
    """
    value = read_toml(path)
    value.pop("name", None)
    for item in settings:
        key, new = _setting(item)
        value = _changed(value, key, new)
    if seeds:
        value["seeds"] = _seeds(seeds)
    asked = " ".join([*(f"--set {item}" for item in settings), *([f"--seeds {seeds}"] if seeds else [])])
    header = f"# Derived from {path.name} by: paperkit run-all {path.stem} {asked}\n\n"
    return _written(header + to_toml(value), path.stem, folder)


def to_toml(value: Mapping[str, Any]) -> str:
    """TOML text that `tomllib` reads back as `value`; tables are written as sections one level deep."""
    flat = {key: item for key, item in value.items() if not _is_section(item)}
    blocks = ["\n".join(f"{_key(key)} = {_inline(item)}" for key, item in flat.items())]
    for key, item in value.items():
        if not _is_section(item):
            continue
        head = f"[{_key(key)}]" if isinstance(item, Mapping) else f"[[{_key(key)}]]"
        for table in [item] if isinstance(item, Mapping) else item:
            lines = [f"{_key(name)} = {_inline(inner)}" for name, inner in table.items()]
            blocks.append("\n".join([head, *lines]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _written(text: str, stem: str, folder: Path) -> Path:
    number = 1
    while (place := folder / f"{stem}-{number}.toml").exists():
        if place.read_text(encoding="utf-8") == text:
            return place
        number += 1
    write_text(place, text)
    try:
        load_experiment(place)
    except InputError as error:
        place.unlink()
        raise InputError([problem.removeprefix(f"{place}: ") for problem in error.problems]) from None
    return place


def _changed(value: dict[str, Any], key: str, new: Any) -> dict[str, Any]:
    """The experiment with one field set: in the base, for every model; `model.…` in the models' parts."""
    head, _, rest = key.partition(".")
    if head == "source" and rest:
        source = value.get("source", {})
        return {**value, "source": {**source, "set": {**source.get("set", {}), rest: new}}}
    models = [_model(dict(model), key, new) for model in value.get("model", [])]
    if head == "model":
        return {**value, "model": models}
    return {**value, "base": set_fields(value.get("base", {}), {key: new}), "model": models}


def _model(model: dict[str, Any], key: str, new: Any) -> dict[str, Any]:
    """A [[model]] entry that does not set `key` against the base, or whose part has the new argument."""
    if not key.startswith("model."):
        kept = {name: item for name, item in model.get("set", {}).items() if name != key}
        return {**model, "set": kept} if "set" in model else model
    part = Part.model_validate(model.get("part", ""))
    arguments = {**part.arguments, key.removeprefix("model."): new}
    return {**model, "part": {"name": part.name, **arguments}}


def _setting(item: str) -> tuple[str, Any]:
    """("optim.lr", 0.001) from "optim.lr=0.001"; what is not a TOML value is text."""
    key, sign, text = item.partition("=")
    if not sign or not key.strip() or not text.strip():
        raise InputError(f"--set {item}: expected key=value, such as --set epochs=2 or --set optim.lr=1e-3.")
    try:
        return key.strip(), tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text.strip()


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise InputError(
            f"--seeds {text}: expected whole numbers with commas, such as --seeds 0,1,2."
        ) from None


def _is_section(item: Any) -> bool:
    tables = item if isinstance(item, list) and item else [item]
    return all(isinstance(table, Mapping) for table in tables)


def _inline(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(item, Mapping):
        inner = ", ".join(f"{_key(key)} = {_inline(value)}" for key, value in item.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(item, list):
        return f"[{', '.join(_inline(inner) for inner in item)}]"
    return repr(item)


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
