"""Values of a study as plain JSON and back: facts, tables, notes; nothing that could run when it is read."""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import Any

from paper_kit.analysis.artifacts import Note

ROOMS = ("paper_kit.analysis.", "paper_kit.render.")  # whose dataclasses and named tuples are written


class NotPlainError(TypeError):
    """A value that has no plain form."""


Known = dict[int, tuple[Any, Any]]  # id of a tuple or list -> itself, so that the id stays its own; its form
LONG = 8  # items of what is worth remembering: the runs behind a number stand behind hundreds of others


def to_plain(value: Any) -> Any:
    """The value as JSON; NotPlainError for what is no text, number, container or value class of the package.

    Numbers of numpy become those of Python. What the value holds more than once, its form shares.
    """
    return _write(value, {})


def from_plain(value: Any) -> Any:
    """The value that `to_plain` wrote; NotPlainError for anything else."""
    return _read(value, {})


def _write(value: Any, known: Known) -> Any:
    if value is None or type(value) in (str, bool, int, float):
        return value
    if type(value).__module__ == "numpy":  # which need not be loaded
        return _write(value.item(), known)
    if type(value) is tuple:
        return _once(value, known, lambda: [_write(item, known) for item in value])
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value, known)
    kind: Any = type(value)
    if not kind.__module__.startswith(ROOMS) or kind.__qualname__ != kind.__name__:
        raise NotPlainError(f"{kind.__module__}.{kind.__qualname__} has no plain form.")
    parts = [getattr(value, name) for name in _names(kind)]
    return {"is": f"{kind.__module__}:{kind.__name__}", "of": [_write(part, known) for part in parts]}


def _read(value: Any, known: Known) -> Any:
    if isinstance(value, list):
        return _once(value, known, lambda: tuple(_read(item, known) for item in value))
    if not isinstance(value, dict):
        return value
    if "is" in value:
        kind = _kind(value["is"])
        return kind(*(_read(part, known) for part in value["of"]))
    for name, reader in _READERS.items():
        if name in value:
            return reader(value[name], known)
    raise NotPlainError(f"{list(value)[:3]} is no plain form.")


def _once(items: Sequence[Any], known: Known, make: Callable[[], Any]) -> Any:
    """What the items become, made once for each list or tuple that is long."""
    if len(items) < LONG:
        return make()
    if id(items) not in known:
        known[id(items)] = items, make()
    return known[id(items)][1]


_WRITERS: dict[type, Callable[[Any, Known], Any]] = {
    list: lambda value, known: {"list": [_write(item, known) for item in value]},
    dict: lambda value, known: {
        "map": [[_write(key, known), _write(item, known)] for key, item in value.items()]
    },
    frozenset: lambda value, known: {"set": sorted(_write(item, known) for item in value)},
    bytes: lambda value, _known: {"bytes": base64.b64encode(value).decode()},
    Note: lambda value, known: {"note": [_write(part, known) for part in value.parts]},
}
_READERS: dict[str, Callable[[Any, Known], Any]] = {
    "list": lambda items, known: [_read(item, known) for item in items],
    "map": lambda pairs, known: {_read(key, known): _read(item, known) for key, item in pairs},
    "set": lambda items, known: frozenset(_read(item, known) for item in items),
    "bytes": lambda text, _known: base64.b64decode(text),
    "note": lambda parts, known: Note(*(_read(part, known) for part in parts)),
}


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    """Names of what the class is made from, in the order in which it takes them."""
    named = getattr(kind, "_fields", None)
    if isinstance(named, tuple):
        return named
    if not is_dataclass(kind) or not all(field.init and not field.kw_only for field in fields(kind)):
        raise NotPlainError(f"{kind} has no plain form.")
    return tuple(field.name for field in fields(kind))


@cache
def _kind(name: str) -> type:
    """The class of that name; NotPlainError where it is none that `to_plain` writes."""
    module, _, own = name.partition(":")
    if not module.startswith(ROOMS):
        raise NotPlainError(f"{name} is no class of paper_kit's values.")
    kind = getattr(import_module(module), own, None)
    if not isinstance(kind, type) or kind.__module__ != module:
        raise NotPlainError(f"There is no class {name}.")
    _names(kind)
    return kind
