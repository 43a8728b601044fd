"""Zip files from strangers: looked through before anything is unpacked, read no further than they say."""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from paper_kit.core.errors import InputError

CHUNK = 1 << 20
ENCRYPTED = 0x1  # general purpose bit flag of an entry, APPNOTE.TXT 4.4.4
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python bounds what a read of others gives in no way
SMALL = 1 << 26  # bytes; an entry below is no bomb
MOST_TIMES = 200  # that a larger entry may grow: text does 3 to 30 times, zeros 1,032 times
FORGED_SLACK = 1 << 12  # bytes by which a packed entry may be longer than it is unpacked, beside a tenth
SHOWN = 10  # problems listed in a message
OF_CONTENT = (None, errno.EINVAL)  # numbers of OSErrors of damage, as of a place before the beginning
DAMAGES = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError, ValueError,
    OverflowError, struct.error, LookupError,
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: bytes in all, bytes of one entry, entries."""

    total: int
    entry: int
    entries: int = 1_000_000


@contextmanager
def opened_zip(path: Path, advice: str = "Fetch it again.") -> Iterator[zipfile.ZipFile]:
    """The zip as long as the block lasts; InputError where it is missing, or turns out to be damaged.

    OSError of the disk, and of other files that the block writes, passes through.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DAMAGES as error:
        if isinstance(error, FileNotFoundError) and error.filename == str(path):
            raise InputError(f"{path}: there is no such file.") from None
        if isinstance(error, OSError) and (error.filename is not None or error.errno not in OF_CONTENT):
            raise
        raise InputError(f"{path}: a damaged zip, or none ({error}). {advice}") from None


def checked(entries: Sequence[zipfile.ZipInfo], path: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """The entries that are files; InputError lists those that lead out, are no files, or would be a bomb."""
    if len(entries) > limits.entries:
        raise InputError(f"{path}: {len(entries):,} entries; at most {limits.entries:,} are read.")
    problems = [f"{path}: {told}" for entry in entries if (told := _unsafe(entry, limits))]
    files = [entry for entry in entries if not entry.is_dir()]
    counts = Counter(entry.filename for entry in files)
    problems += [f"{path}: the entry {name!a} is in it twice." for name, count in counts.items() if count > 1]
    total = sum(entry.file_size for entry in files)
    if total > limits.total:
        problems.append(f"{path}: {total >> 20:,} MiB unpacked; at most {limits.total >> 20:,} are read.")
    if problems:
        raise InputError(problems[:SHOWN])
    return files


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry, never more than it says; ValueError where it holds fewer."""
    found = bytearray()
    with archive.open(entry) as source:
        while chunk := source.read(min(CHUNK, entry.file_size + 1 - len(found))):
            found += chunk
    if len(found) != entry.file_size:
        raise ValueError(f"{entry.filename!a} is cut off")
    return bytes(found)


def inside(name: str) -> bool:
    """Whether a name of an entry stays in the folder that it is unpacked to, on every system."""
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    return (
        bool(path.parts)
        and name.isprintable()
        and not path.is_absolute()
        and not (windows.drive or windows.root)
        and ".." not in (*path.parts, *windows.parts)
    )


def _unsafe(entry: zipfile.ZipInfo, limits: Limits) -> str:
    """Why an entry must not be read, or ""."""
    name, size = entry.filename, entry.file_size
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not inside(name):
        return f"the entry {name!a} leads out of the archive or cannot be shown; make the zip again."
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return f"the entry {name!a} is a link or a device; replace it by the file."
    if entry.flag_bits & ENCRYPTED:
        return f"the entry {name!a} has a password; unpack the zip yourself."
    if entry.compress_type not in METHODS:
        return f"the entry {name!a} is packed in a way that is not read; pack it by deflate."
    if size > limits.entry:
        return f"the entry {name!a} unpacks to {size >> 20:,} MiB; at most {limits.entry >> 20:,} are read."
    if size > SMALL and size > MOST_TIMES * entry.compress_size:
        return f"the entry {name!a} unpacks to over {MOST_TIMES} times its size; this may be a zip bomb."
    if entry.compress_size > 1.1 * size + FORGED_SLACK:
        return f"the entry {name!a} does not tell its size rightly; make the zip again."
    return ""
