"""TOML read strictly: all problems at once, with the key that was probably meant; JSON with what to type."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.files import read_json


class Frozen(BaseModel):
    """A value that cannot be changed and takes no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; InputError names the file, and the line where the syntax is wrong."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = sorted(found.name for found in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        hint = f" In {path.parent}: {', '.join(near)}." if near else ""
        raise InputError(f"{path}: there is no such file.{hint}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder; name a TOML file in it.") from None
    except RecursionError:
        raise InputError(f"{path}: not valid TOML: nested too deeply.") from None
    except ValueError as error:  # of its form, its encoding, or a number of thousands of digits
        raise InputError(f"{path}: not valid TOML: {error}.") from None


def validate(model: type[Model], value: Mapping[str, Any], where: str) -> Model:
    """`value` as `model`; InputError lists every unknown key, missing key and wrong type, after `where`."""
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        problems = [_problem(model, item, where) for item in error.errors(include_url=False)]
        raise InputError(problems) from None


def read_model(path: Path, model: type[Model], what: str, advice: str) -> Model:
    """The value in a JSON file that the package wrote; InputError where it is missing, damaged or not `what`.

    `advice` is what to type where the file is there.
    """
    with suppress(OSError, ValueError):  # what is wrong is told below
        return model.model_validate_json(path.read_bytes())
    try:
        value = read_json(path)
    except InputError as error:
        raise InputError(f"{error} {advice}" if path.is_file() else str(error)) from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InputError(f"{path}: not {what} ({error.error_count()} problems). {advice}") from None


def _problem(model: type[BaseModel], item: ErrorDetails, where: str) -> str:
    key = ".".join(str(step) for step in item["loc"])
    if item["type"] == "extra_forbidden":
        parent = _fields(model, item["loc"][:-1])
        return f"{where}: unknown key '{key}'.{did_you_mean(str(item['loc'][-1]), parent)}"
    if item["type"] == "missing":
        return f"{where}: the key '{key}' is missing; add it."
    message = item["msg"].removeprefix("Value error, ")
    return f"{where}: {key or 'value'}: {message} (found {item['input']!r})."


def _fields(model: type[BaseModel], steps: tuple[int | str, ...]) -> list[str]:
    """Names of the fields at `steps` inside `model`; empty where a step leaves the models."""
    current: Any = model
    for step in steps:
        if isinstance(step, int):
            continue
        field = current.model_fields.get(step) if _is_model(current) else None
        if field is None:
            return []
        current = field.annotation
        while not _is_model(current) and get_args(current):
            current = get_args(current)[0]
    return list(current.model_fields) if _is_model(current) else []


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def study_root(start: Path | None = None) -> Path:
    """The study's folder: the nearest one from `start` upward with paper/paper.toml or experiments/."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "paper" / "paper.toml").is_file() or (folder / "experiments").is_dir():
            return folder
    return here


class LocalConfig(Frozen):
    """paperkit.local.toml: where data and weights lie on this machine; never part of a run's identity."""

    data: dict[str, str] = {}
    weights: tuple[str, ...] = ()
    devices: Annotated[int, Field(ge=1)] = 1  # that share each batch of a run, where `--devices` says nothing
    resources: dict[str, dict[str, Any]] = {}  # executor -> its options, such as [resources.slurm]


def local_config(root: Path) -> LocalConfig:
    """This machine's paths from `root`/paperkit.local.toml; empty where there is no such file."""
    path = root / "paperkit.local.toml"
    return validate(LocalConfig, read_toml(path), str(path)) if path.is_file() else LocalConfig()


def data_roots(root: Path, given: tuple[str, ...] = ()) -> dict[str, Path]:
    """Dataset name -> folder, from paperkit.local.toml and then `--data name=path`, which wins."""
    roots = {name: (root / path).expanduser() for name, path in local_config(root).data.items()}
    for item in given:
        name, sign, path = item.partition("=")
        if not sign or not name or not path:
            raise InputError(f"--data {item}: expected name=path, such as --data fer2013=/data/fer2013.csv.")
        roots[name] = Path(path).expanduser()
    return roots


def weights_folders(root: Path) -> tuple[Path, ...]:
    """Folders searched for weights files: those of paperkit.local.toml, then PAPERKIT_DATA/weights."""
    folders = [(root / path).expanduser() for path in local_config(root).weights]
    if os.environ.get("PAPERKIT_DATA"):
        folders.append(Path(os.environ["PAPERKIT_DATA"]) / "weights")
    return tuple(folders)
