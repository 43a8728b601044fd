"""Files written beside and then renamed, so that no reader ever meets half a file."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

from paper_kit.core.errors import InputError, Superseded

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".pdf", ".txt")
_PLACES: dict[str, Path] = {}  # folder -> where its files are made; those of other folders are made beside
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_NAME_HEAD = 100  # signs of a file's name in that of its temporary file: names may have 255 bytes


def target_file(path: Path, *endings: str) -> Path:
    """The path, at which a file with one of the endings may be written.

    InputError where it ends otherwise, so that no template is written over, or where a folder is in the way.
    """
    if not path.name.lower().endswith(endings):
        raise InputError(f"{path}: expected the name of a {endings[0]} file, such as paper{endings[0]}.")
    if path.is_dir():
        raise InputError(
            f"{path}: this is a folder; name a file in it, such as {path / f'paper{endings[0]}'}."
        )
    _no_file_above(path)
    return path


def target_folder(path: Path) -> Path:
    """The path, at which a folder may be written; InputError where it is a file, or named like one."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: this is a file; name a folder that is new or empty.")
    if path.name.lower().endswith(_ARCHIVES) and not path.is_dir():
        raise InputError(f"{path}: a folder is written here, and this is named like a file. Name another.")
    _no_file_above(path)
    return path


def _no_file_above(path: Path) -> None:
    above = next((each for each in path.parents if each.exists() or each.is_symlink()), None)
    if above is not None and not above.is_dir():
        raise InputError(f"{path}: {above} is a file and cannot hold others; name another place.")


@contextmanager
def made_in(place: Path, folder: Path) -> Iterator[None]:
    """A block in which files of `folder` are made in `place`; Superseded where that is gone."""
    key = os.path.realpath(folder)
    _PLACES[key] = place
    try:
        yield
    finally:
        del _PLACES[key]


def place_of(folder: Path) -> Path:
    """Where files of `folder` are made: in the folder itself, or as the block around says."""
    return _PLACES.get(os.path.realpath(folder), folder)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path, renamed onto `path` when the block ends without an error.

    The content is on the disk before it has its name. OSError names `path` where nothing can be written
    there; Superseded where another may write there now.
    """
    place = place_of(path.parent)
    try:
        with _replacing(path, place) as part:
            yield part
    except Exception as error:
        if place != path.parent and _is_gone(place, error) and path.parent.is_dir():
            raise Superseded(f"{path}: another process has it now: this one gave no sign of life.") from None
        raise


def _is_gone(place: Path, error: Exception) -> bool:
    """Whether the folder is gone; a file system that remembers names may show it a while longer."""
    missing = isinstance(error, OSError) and error.errno in {errno.ENOENT, errno.ESTALE}
    return missing or not place.is_dir()


@contextmanager
def _replacing(path: Path, place: Path) -> Iterator[Path]:
    try:
        if place == path.parent:  # otherwise it holds the place, and must not come back where it vanished
            path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:_NAME_HEAD]}.", suffix=".part", dir=place)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        synced(part)
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as error:
        if error.errno is None or error.filename not in {None, name}:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):  # on a disk that became read-only: what went wrong there is told above
            part.unlink(missing_ok=True)


def synced(path: Path) -> None:
    """Nothing; the file, or the names in the folder, would outlive a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Nothing; `path` holds `data`, whole, or is as it was before."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Nothing; `path` holds `text` in UTF-8, whole, or is as it was before."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Nothing; `path` holds `value` as indented JSON with a last newline."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_npz(path: Path, **arrays: NDArray[Any]) -> None:
    """Nothing; `path` holds the arrays as a compressed npz that loads without pickle."""
    buffer = io.BytesIO()
    import numpy as np  # here, for most commands need none

    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def read_json(path: Path) -> Any:
    """The value in a JSON file; InputError names the file where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except RecursionError:
        raise InputError(f"{path}: not readable as JSON (nested too deeply).") from None
    except ValueError as error:  # of its form, its encoding, or a number of thousands of digits
        raise InputError(f"{path}: not readable as JSON ({error}).") from None


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return _CANONICAL.encode(value)


def sha256_text(text: str) -> str:
    """SHA-256 of UTF-8 text, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """A block in which no other process on this machine is in a block on the folder; InputError if one is."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{folder}: another build is at work here. Wait until it has ended, or build elsewhere: --out."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
