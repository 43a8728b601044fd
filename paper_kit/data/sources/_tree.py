"""The files under a folder or inside a zip, by relative name; a zip is read in place, never unpacked."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from paper_kit.core.errors import InputError

MOST_BYTES = 4 << 30  # of one file inside a zip; the largest known, the CSV of FER2013, has 0.3 GB
MOST_FILES = 5_000_000
DEEPEST = 20
ENCRYPTED = 0x1  # general purpose bit flag of a zip entry, APPNOTE.TXT 4.4.4
SHOWN = 10  # problems listed in a message


@dataclass(frozen=True)
class Tree:
    """Sorted relative names of files and folders under `root`, hidden ones left out."""

    root: Path
    files: tuple[PurePosixPath, ...]
    folders: tuple[PurePosixPath, ...]

    @property
    def zipped(self) -> bool:
        """Whether the root is a zip file."""
        return self.root.is_file()

    def shown(self, name: PurePosixPath) -> str:
        """The path of a file or folder as a person finds it."""
        return str(self.root / name)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A Reader of the files, open as long as the block lasts; threads may share it."""
        if not self.zipped:
            yield Reader(self.root, None)
            return
        with zipfile.ZipFile(self.root) as archive:
            yield Reader(self.root, archive)


@dataclass(frozen=True)
class Reader:
    """Opens files of a tree."""

    root: Path
    archive: zipfile.ZipFile | None

    def open(self, name: PurePosixPath) -> IO[bytes]:
        """The file, opened to read bytes."""
        if self.archive is None:
            return (self.root / name).open("rb")
        return self.archive.open(str(name))

    def read(self, name: PurePosixPath) -> bytes:
        """The bytes of the file."""
        with self.open(name) as opened:
            return opened.read()


def tree_of(root: Path) -> Tree:
    """The tree of a folder or zip; InputError where the root is neither, or the zip is damaged or unsafe."""
    if root.is_dir():
        return _folder(root)
    if root.suffix.lower() == ".zip" and root.is_file():
        return _zip(root)
    found = "a file of another kind" if root.is_file() else "nothing"
    raise InputError(f"{root}: {found} is there; expected a folder or a .zip of images.")


def _folder(root: Path) -> Tree:
    files: list[PurePosixPath] = []
    folders: list[PurePosixPath] = []
    for place, names, found in os.walk(root, followlinks=True, onerror=_unreadable):
        names[:] = sorted(name for name in names if not _hidden(name))
        where = PurePosixPath(Path(place).relative_to(root).as_posix())
        if len(where.parts) > DEEPEST:
            raise InputError(f"{place}: more than {DEEPEST} folders deep; is there a link to a folder above?")
        folders += [where / name for name in names]
        files += [where / name for name in found if not _hidden(name)]
    odd = [f"{root}: rename {str(name)!a}" for name in (*files, *folders) if not str(name).isprintable()]
    if odd:
        raise InputError(
            [f"{problem}, which holds characters that cannot be shown." for problem in odd[:SHOWN]]
        )
    return Tree(root, tuple(sorted(files)), tuple(sorted(folders)))


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read ({error.strerror}). Check its permissions.")


def _zip(root: Path) -> Tree:
    try:
        with zipfile.ZipFile(root) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise InputError(f"{root}: not a readable zip ({error}). Fetch it again.") from None
    problems = [f"{root}: {problem}" for entry in entries if (problem := _unsafe(entry))]
    if len(entries) > MOST_FILES:
        problems.append(
            f"{root}: {len(entries):,} entries; at most {MOST_FILES:,} are read. Unpack it yourself."
        )
    if problems:
        raise InputError(problems[:SHOWN])
    kept = [entry for entry in entries if not any(map(_hidden, PurePosixPath(entry.filename).parts))]
    files = {PurePosixPath(entry.filename) for entry in kept if not entry.is_dir()}
    folders = {PurePosixPath(entry.filename) for entry in kept if entry.is_dir()}
    above = {parent for name in files | folders for parent in name.parents if parent.parts}
    return Tree(root, tuple(sorted(files)), tuple(sorted(folders | above)))


def _unsafe(entry: zipfile.ZipInfo) -> str:
    """Why a zip entry must not be read, or ""."""
    name = entry.filename
    if (
        name.startswith("/")
        or ".." in PurePosixPath(name).parts
        or name[1:2] == ":"
        or not name.isprintable()
    ):
        return f"the entry {name!a} points outside the archive or cannot be shown; make the zip again."
    if entry.file_size > MOST_BYTES:
        size, most = entry.file_size >> 20, MOST_BYTES >> 20
        return f"the entry {name!r} unpacks to {size:,} MiB; at most {most:,} are read."
    if entry.flag_bits & ENCRYPTED:
        return f"the entry {name!r} is encrypted; unpack the zip yourself and name the folder."
    return ""


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name in {"Thumbs.db", "desktop.ini"}
