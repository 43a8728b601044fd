"""Reads an Overleaf project that returns: a folder or a zip, and the export that it was."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from paper_kit.core.archives import Limits, checked, opened_zip, read_entry
from paper_kit.core.errors import InputError
from paper_kit.render.exports.overleaf import ROOT
from paper_kit.render.exports.record import KEPT, NAME, Record, read_record, record_of
from paper_kit.render.source_map import PRIVATE

MOST_BYTES = 300_000_000  # of an unpacked project
_HEADER = re.compile(r"\A% paperkit export ([0-9a-f]{12})[^\n]*\n")


def read_project(path: Path) -> dict[str, bytes]:
    """Name -> content of the files of a project, a folder or a zip; InputError where it is none."""
    if path.is_dir():
        found = {
            each.relative_to(path).as_posix(): each for each in sorted(path.rglob("*")) if each.is_file()
        }
        found = {name: each for name, each in found.items() if not _hidden(name)}
        away = [name for name, each in found.items() if not each.resolve().is_relative_to(path.resolve())]
        if away:
            raise InputError(
                f"{path}: {away[0]} is a link that leads out of the project; replace it by the file."
            )
        files = {name: each.read_bytes() for name, each in found.items()}
    elif zipfile.is_zipfile(path):
        files = _unzipped(path)
    else:
        what = "neither a folder nor a zip" if path.exists() else "there is no such folder or zip"
        raise InputError(f"{path}: {what}. Download the project's source from Overleaf.")
    roots = sorted((name for name in files if PurePosixPath(name).name == ROOT), key=len)
    if not roots:
        raise InputError(
            f"{path}: there is no {ROOT} in it. Name the folder or zip that `paperkit export overleaf` made."
        )
    if rb"\end{document}" not in files[roots[0]]:
        raise InputError(rf"{roots[0]}: cut off: it has no \end{{document}}. Download the project again.")
    above = roots[0][: -len(ROOT)]
    return {name.removeprefix(above): data for name, data in files.items() if name.startswith(above)}


def find_record(files: Mapping[str, bytes], root: Path) -> Record:
    """The record of the export that a project was; InputError where it is not known."""
    header = _HEADER.match(text_of(files[ROOT], ROOT))
    if header and (root / KEPT / f"{header[1]}.json").is_file():
        return read_record(root / KEPT / f"{header[1]}.json")
    if NAME in files:
        return record_of(_json(files[NAME]), NAME)
    kept = root / KEPT
    raise InputError(
        f"{ROOT} does not say which export it was, and {NAME} is gone. Put {NAME} of the export back, or a "
        f"copy of {kept}/<export>.json under that name."
    )


def without_header(written: str) -> tuple[str, int]:
    """The text without the line that names the export, and how many lines that were."""
    found = _HEADER.match(written)
    return (written[found.end() :], 1) if found else (written, 0)


def text_of(data: bytes, name: str) -> str:
    try:
        read = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8.") from None
    found = PRIVATE.search(read)
    if found:
        raise InputError(f"{name}: the private-use sign U+{ord(found[0]):04X} cannot be set; remove it.")
    return read.replace("\r\n", "\n").replace("\r", "\n")


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _json(data: bytes) -> object:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{NAME}: not readable as JSON ({error}).") from None


def _unzipped(path: Path) -> dict[str, bytes]:
    """The files of a zip; InputError where it is damaged, too large, or has names that lead out of it."""
    with opened_zip(path, "Download the project's source again.") as archive:
        entries = checked(archive.infolist(), path, Limits(MOST_BYTES, MOST_BYTES))
        return {
            entry.filename: read_entry(archive, entry) for entry in entries if not _hidden(entry.filename)
        }
