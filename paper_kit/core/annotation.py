"""The types of options, from annotations as they are written in the source of a plug-in."""

from __future__ import annotations

import ast
from typing import Any, Literal

_TYPES: dict[str, Any] = {
    "int": int, "float": float, "bool": bool, "str": str, "tuple": tuple, "list": list, "dict": dict,
}  # fmt: skip
_GENERIC = ("tuple", "list", "dict")


def type_of(written: str) -> Any:
    """The type that an annotation means, built from its syntax and never run; Any for what is not known."""
    try:
        return _meant(ast.parse(written, mode="eval").body)
    except (TypeError, RecursionError):
        return Any


def _meant(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=value) if value is ...:
            return ...
        case ast.Name(id=name) if name in _TYPES:
            return _TYPES[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _meant(left) | _meant(right)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            return Literal[_constants(inner)]  # type: ignore[misc]  # whose values are known only here
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if name in _GENERIC:
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _TYPES[name][tuple(map(_meant, items))]
    raise TypeError(ast.dump(node)[:100])


def _constants(node: ast.expr) -> tuple[Any, ...]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise TypeError("no constants") from None
    return value if isinstance(node, ast.Tuple) else (value,)
