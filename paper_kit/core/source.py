"""What a plug-in's source says and hashes to, read without importing it."""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def code_hash(path: Path) -> str:
    """16 hex digits of the source without docstrings, comments and blank lines: equal on every Python."""
    return _hash_of_code(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=256)
def _hash_of_code(text: str) -> str:
    lines = [_without_comment_marks(line) for line in _cut(text).splitlines()]
    kept = "\n".join(line.rstrip() for line in lines if line.strip())
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def imported_modules(path: Path) -> tuple[str, ...]:
    """Names of the modules that a file imports, and of what it takes from them, in their order."""
    return _imports_of_code(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=256)
def _imports_of_code(text: str) -> tuple[str, ...]:
    return tuple(sorted(_modules(ast.parse(text))))


def imported_files(path: Path, modules_of: Callable[[Path], Iterable[str]] = imported_modules) -> list[Path]:
    """Files of this package outside `core` that `path` imports, itself first, directly or through others."""
    found = [path.resolve()]
    for file in found:
        for module in modules_of(file):
            target = _package_file(module)
            if target is not None and target not in found:
                found.append(target)
    return found


def _modules(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _package_file(module: str) -> Path | None:
    head, _, tail = module.partition(".")
    if head != "paper_kit" or not tail or tail.split(".")[0] == "core":
        return None
    place = PACKAGE.joinpath(*tail.split("."))
    file = place.with_suffix(".py")
    return file if file.is_file() else None


def _cut(text: str) -> str:
    """The source with docstrings and comments blanked in place, by position."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if (
            not isinstance(body, list)
            or not body
            or isinstance(node, ast.If | ast.For | ast.While | ast.With)
        ):
            continue
        first = body[0]
        if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
            continue
        if isinstance(first.value.value, str):
            for row in range(first.lineno - 1, first.end_lineno or first.lineno):
                lines[row] = ""
    return "\n".join(lines)


def _without_comment_marks(line: str) -> str:
    """The line up to its comment; a `#` inside a string is kept."""
    if "#" not in line:
        return line
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline):
            if token.type == tokenize.COMMENT:
                indent = len(line) - len(line.lstrip())
                return line[: indent + token.start[1]]
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return line
    return line
