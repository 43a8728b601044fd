"""A Part is a plug-in by name with its arguments; the folder of a kind is its registry."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError, model_serializer, model_validator

from paper_kit.core.annotation import type_of
from paper_kit.core.config import Frozen, study_root
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.source import PACKAGE, code_hash, imported_files, imported_modules

Kind = Literal["model", "dataset", "figure", "table", "facts", "executor"]

KINDS: dict[str, tuple[str, str]] = {  # kind -> (registry package, function that each file offers)
    "model": ("paper_kit.bench.models", "build"),
    "dataset": ("paper_kit.data.sources", "load"),
    "figure": ("paper_kit.analysis.figures", "draw"),
    "table": ("paper_kit.analysis.tables", "make"),
    "facts": ("paper_kit.analysis.facts", "facts"),
    "executor": ("paper_kit.bench.executors", "execute"),
}
GIVEN_BY_THE_SPEC = {"model": {"image_size", "channels"}}  # never options of a Part


class Part(Frozen):
    """A plug-in's name and arguments; in TOML either "name" or {name = "name", argument = 1}."""

    name: str
    arguments: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and set(value) - {"name", "arguments"}:
            return {
                "name": value.get("name", ""),
                "arguments": {k: v for k, v in value.items() if k != "name"},
            }
        return value

    @model_serializer
    def _as_table(self) -> dict[str, Any]:
        return {"name": self.name, **self.arguments}

    @cached_property
    def _text(self) -> str:
        """What tells it from others, found out once: a study looks up each of its runs by it, many times."""
        return repr((self.name, sorted(self.arguments.items())))

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Self:
        """A copy that finds out its own text: it may be made to differ, as by `model_copy`."""
        copied = super().__copy__()
        copied.__dict__.pop("_text", None)
        return copied


@dataclass(frozen=True)
class Option:
    """One keyword argument of a plug-in: its type as written and its default."""

    type: str
    default: Any
    required: bool


def available(kind: str) -> list[str]:
    """Names of the plug-ins of a kind, the study's own included."""
    own = study_root() / "plugins" / kind
    files = [*_registry(kind).glob("*.py"), *(own.glob("*.py") if own.is_dir() else ())]
    return sorted({file.stem for file in files if not file.stem.startswith("_")})


def plugin_file(kind: str, name: str) -> Path:
    """The file that holds a plug-in; InputError lists the known ones."""
    if ":" in name:
        return _module_file(kind, name)
    if name.isidentifier():
        for folder in (study_root() / "plugins" / kind, _registry(kind)):
            if not name.startswith("_") and (folder / f"{name}.py").is_file():
                return folder / f"{name}.py"
    raise InputError(f"There is no {kind} named {name!r}.{did_you_mean(name, available(kind))}")


def has(kind: str, name: str) -> bool:
    """Whether the plug-in is here."""
    try:
        plugin_file(kind, name)
    except InputError:
        return False
    return True


def is_own(kind: str, name: str) -> bool:
    """Whether the plug-in that would be loaded is the package's; InputError where there is none."""
    return ":" not in name and plugin_file(kind, name).parent == _registry(kind)


def options(kind: str, name: str) -> dict[str, Option]:
    """Argument -> Option of a plug-in, read from its source without importing it."""
    file = plugin_file(kind, name)
    function = name.partition(":")[2] or KINDS[kind][1]
    found = _options(file, file.stat().st_mtime_ns, function, kind)
    return {
        argument: option
        for argument, option in found.items()
        if argument not in GIVEN_BY_THE_SPEC.get(kind, ())
    }


def without_defaults(kind: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """The part's table with its name and the arguments that differ from the plug-in's defaults.

    A part whose plug-in is not here stays whole.
    """
    try:
        known = options(kind, part["name"])
    except InputError:
        return dict(part)
    defaults = {name: _plain(option.default) for name, option in known.items() if not option.required}
    absent = object()
    return {name: value for name, value in part.items() if _plain(value) != defaults.get(name, absent)}


def summary(kind: str, name: str) -> str:
    """The first line of the docstring of a plug-in's file."""
    tree = _parsed(plugin_file(kind, name))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def complete(kind: str, part: Part) -> Part:
    """The part with every argument present and of its declared type; InputError lists all that are wrong."""
    known = options(kind, part.name)
    problems = [
        f"{kind} {part.name!r}: unknown argument {name!r}.{did_you_mean(name, known)}"
        for name in part.arguments
        if name not in known
    ]
    arguments: dict[str, Any] = {}
    for name, option in known.items():
        if name not in part.arguments:
            if option.required:
                problems.append(f"{kind} {part.name!r}: the argument {name!r} is missing ({option.type}).")
            arguments[name] = option.default
            continue
        try:
            arguments[name] = TypeAdapter(type_of(option.type)).validate_python(part.arguments[name])
        except ValidationError:
            found = part.arguments[name]
            problems.append(f"{kind} {part.name!r}: {name} = {found!r} is not of type {option.type}.")
    if problems:
        raise InputError(problems)
    return Part(name=part.name, arguments=arguments)


def load(kind: str, name: str) -> Callable[..., Any]:
    """The plug-in's function, imported now."""
    package, function = KINDS[kind]
    file = plugin_file(kind, name)
    if ":" in name:
        module_name, _, function = name.partition(":")
        if str(study_root()) not in sys.path:
            sys.path.append(str(study_root()))  # last: no file of a study stands in for a library
        module = importlib.import_module(module_name)
    elif file.parent == _registry(kind):
        module = importlib.import_module(f"{package}.{name}")
    else:
        spec = importlib.util.spec_from_file_location(f"paperkit_plugin_{kind}_{name}", file)
        if spec is None or spec.loader is None:
            raise InputError(f"{file}: cannot be imported.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    loaded: Callable[..., Any] = getattr(module, function)
    return loaded


def code_hashes(
    kind: str,
    name: str,
    hash_of: Callable[[Path], str] = code_hash,
    modules_of: Callable[[Path], Iterable[str]] = imported_modules,
) -> dict[str, str]:
    """File -> hash of its code, for the plug-in and the package files it imports."""
    files = imported_files(plugin_file(kind, name), modules_of)
    return {_shown(file): hash_of(file) for file in files}


def _shown(file: Path) -> str:
    for base in (PACKAGE.parent, study_root()):
        if file.is_relative_to(base):
            return file.relative_to(base).as_posix()
    return file.name


def _registry(kind: str) -> Path:
    if kind not in KINDS:
        raise InputError(f"There is no kind of plug-in named {kind!r}.{did_you_mean(kind, KINDS)}")
    return PACKAGE.joinpath(*KINDS[kind][0].split(".")[1:])


def _module_file(kind: str, name: str) -> Path:
    """The file of a module, found without importing it or the packages that it is in."""
    module, _, function = name.partition(":")
    steps = module.split(".")
    if not all(step.isidentifier() for step in (*steps, function)):
        raise InputError(f"{kind} {name!r}: write it as package.module:function, such as mylab.nets:build.")
    place = study_root().joinpath(*steps).with_suffix(".py")
    if place.is_file():
        return place
    found = _below(steps)
    if found is None:
        raise InputError(f"{kind} {name!r}: there is no module {module!r}; install it or check the spelling.")
    return found


def _below(steps: list[str]) -> Path | None:
    """The .py file of a module by its name's steps: the first is found as an import would, the others below.

    Python's own search imports the packages on the way, or trips over those that have no __init__.py.
    """
    spec = PathFinder.find_spec(steps[0])
    if spec is None:
        return None
    if len(steps) == 1:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for step in steps[1:-1]:
        below = [folder / step for folder in folders if (folder / step).is_dir()]
        whole = [folder for folder in below if (folder / "__init__.py").is_file()]
        folders = whole[:1] or below  # a package in one place, or a namespace over several
    names = (f"{steps[-1]}/__init__.py", f"{steps[-1]}.py")
    return next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)


@lru_cache(maxsize=256)
def _options(file: Path, _changed_ns: int, function: str, kind: str) -> dict[str, Option]:
    found = {}
    arguments = _function(file, function, kind).args
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        written = ast.unparse(argument.annotation) if argument.annotation else "str"
        value = _default(default, argument.arg, file) if default is not None else None
        found[argument.arg] = Option(written, value, default is None)
    return found


def _default(written: ast.expr, argument: str, file: Path) -> Any:
    """The value of a default; InputError where only running the file would tell it."""
    try:
        return ast.literal_eval(written)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise InputError(
            f"{file}:{written.lineno}: the default of {argument!r} is {ast.unparse(written)}, which cannot "
            f"be known without running the file; write its value: a number or a text."
        ) from None


def _function(file: Path, wanted: str, kind: str) -> ast.FunctionDef:
    for node in _parsed(file).body:
        if isinstance(node, ast.FunctionDef) and node.name == wanted:
            return node
    raise InputError(f"{file}: it must define a function named {wanted!r} to be a {kind}.")


def _parsed(file: Path) -> ast.Module:
    """The syntax of a file; InputError where it is not valid Python."""
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InputError(f"{file}:{error.lineno}: not valid Python: {error.msg}.") from None
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte, no UTF-8, or nested too deeply
        raise InputError(f"{file}: not valid Python: {error}.") from None


def _plain(value: Any) -> Any:
    """The value as JSON has it: a tuple is a list."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
