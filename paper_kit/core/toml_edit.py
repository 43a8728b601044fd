"""Fields set in an experiment file as a person would set them: comments and layout stay as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from paper_kit.core.config import read_toml
from paper_kit.core.errors import InputError, PaperkitError, did_you_mean
from paper_kit.core.experiment import Experiment, experiment_from, load_experiment, set_fields
from paper_kit.core.files import write_text
from paper_kit.core.spec import spec_from

Values = Mapping[str, Any]  # dotted key -> value, such as {"optim.lr": 0.001, "compile": True}


def edit_experiment(
    path: Path,
    *,
    base: Values | None = None,
    models: Mapping[str, Values] | None = None,
    out: Path | None = None,
) -> Path:
    """The written file, which says what `path` says with these fields set; `path` itself, or `out`.

    `base` holds for every model: what a [[model]] sets otherwise under the same key is dropped. `models` goes
    by the keys of the [[model]] entries; there, "model.width" is an argument of the part. Raises InputError,
    and writes nothing, where a model is not there or the result would not be a valid experiment.
    """
    place = out or path
    before = load_experiment(path)
    text = edited(path, base or {}, models or {})
    after = experiment_from(tomllib.loads(text), place)
    _compare(before, after, base or {}, models or {}, place)
    write_text(place, text)
    return place


def edited(path: Path, base: Values, models: Mapping[str, Values]) -> str:
    """The text of the file with the fields set, not yet checked; InputError where it has no such model."""
    import tomlkit

    read_toml(path)  # tells wrong syntax with the file's name
    document = tomlkit.parse(path.read_bytes().decode())
    entries = {str(entry["key"]): entry for entry in document.get("model", [])}
    for key in models:
        if key not in entries:
            raise InputError(
                f"{path}: there is no [[model]] with the key {key!r}.{did_you_mean(key, entries)}"
            )
    if base and "base" not in document:
        document["base"] = tomlkit.table()
    for key, value in base.items():
        _put(document["base"], key, value)
        for entry in entries.values():
            _drop(entry, key)
    for name, values in models.items():
        for key, value in values.items():
            _put_in_model(entries[name], key, value)
    return tomlkit.dumps(document)


def _put_in_model(entry: Any, key: str, value: Any) -> None:
    if key.startswith("model."):
        _put(entry, key.replace("model.", "part.", 1), value)
        return
    if "set" not in entry:
        entry["set"] = _inline({})
    _put(entry["set"], key, value, quoted=True)


def _put(table: MutableMapping[str, Any], key: str, value: Any, quoted: bool = False) -> None:
    """Nothing; the field is set where it stands, else under its head, else new: as a table, or `quoted`."""
    head, _, rest = key.partition(".")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _put(table, f"{key}.{name}", inner, quoted)
    elif key in table or not rest:
        table[key] = value
    elif isinstance(table.get(head), str):  # a part by its name alone
        table[head] = _inline({"name": str(table[head]), rest: value})
    elif head in table:
        _put(table[head], rest, value, quoted)
    elif quoted:
        table[key] = value
    else:
        table[head] = _like(table)
        _put(table[head], rest, value)


def _drop(entry: Any, key: str) -> None:
    """Nothing; a [[model]] entry no longer sets the key itself, written in one or in nested tables."""
    own = entry.get("set", {})
    inner, name = own, key
    while name not in inner and "." in name:
        head, _, name = name.partition(".")
        inner = inner.get(head, {})
    inner.pop(name, None)
    if "set" in entry and not own:
        del entry["set"]


def _like(table: Any) -> Any:
    import tomlkit
    from tomlkit.items import InlineTable

    return tomlkit.inline_table() if isinstance(table, InlineTable) else tomlkit.table()


def _inline(value: Values) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(value)
    return table


def _compare(
    before: Experiment, after: Experiment, base: Values, models: Mapping[str, Values], place: Path
) -> None:
    """Nothing; PaperkitError where a model's spec is not the old one with the fields set, and no other."""
    for old, new in zip(before.model, after.model, strict=True):
        seed = before.seeds[0]
        changes = {**base, **models.get(old.key, {})}
        wanted = spec_from(set_fields(before.spec(old, seed, {}).full(), changes), str(place))
        if after.spec(new, seed, {}).short() != wanted.short():
            raise PaperkitError(
                f"{place}: {', '.join(changes)} could not be set where they stand. Set them by hand."
            )
