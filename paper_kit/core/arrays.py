"""Arrays of .npz files from strangers: sizes are checked before memory is taken, and nothing is unpickled."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from paper_kit.core.archives import DAMAGES, METHODS
from paper_kit.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 1 << 31  # bytes of all arrays of a file; those of 100,000 images in 12 views have 0.2 GB
LONGEST_HEADER = 10_000  # characters, as in numpy


def read_npz(path: Path, names: Iterable[str] = ()) -> dict[str, NDArray[Any]]:
    """Name -> array of a .npz file, of these names or of all.

    ValueError where the file is damaged, larger than `LARGEST`, holds objects, or lacks a name; OSError where
    it cannot be read.
    """
    with path.open("rb") as opened:
        try:
            with zipfile.ZipFile(opened) as archive:
                return _arrays(archive, tuple(names))
        except DAMAGES as error:
            raise ValueError(str(error) or type(error).__name__) from None


def damaged_predictions(path: Path, error: Exception) -> InputError:
    """What to say of a run's predictions that `read_npz` refused, or whose arrays do not fit together."""
    return InputError(
        f"{path}: not a whole file of predictions ({error}). Delete the run's record.json and type "
        "`paperkit run-all` to train the run again."
    )


def _arrays(archive: zipfile.ZipFile, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
    absent = sorted(set(names) - entries.keys())
    if absent:
        raise ValueError(f"it has no array {absent[0]!r}")
    wanted = {name: entries[name] for name in names or entries}
    if sum(entry.file_size for entry in wanted.values()) > LARGEST:
        raise ValueError(f"its arrays have more than {LARGEST >> 20:,} MiB")
    return {name: _array(archive, entry) for name, entry in wanted.items()}


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    import numpy as np  # here, for most commands need none

    if entry.compress_type not in METHODS:
        raise ValueError(f"{entry.filename!a} is packed in a way that is not read")
    with archive.open(entry) as opened:
        beginning = _beginning(opened)
        shape, is_fortran, dtype = _header(beginning)
        expected = len(beginning) + math.prod(shape) * int(dtype.itemsize)
        if expected != entry.file_size:
            raise ValueError(
                f"{entry.filename!a} has {entry.file_size} bytes where its header says {expected}"
            )
        data = opened.read()  # to the end, at which the sum of the entry is compared
    array: NDArray[Any] = np.ndarray(shape, dtype, bytearray(data), order="F" if is_fortran else "C")
    return array


def _beginning(opened: IO[bytes]) -> bytes:
    """The bytes of an array in the .npy format before its values."""
    magic = opened.read(8)
    widths = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}
    if magic not in widths:
        raise ValueError("it is no array of numpy, or of a version that is not read")
    length = opened.read(widths[magic])
    number = int.from_bytes(length, "little")
    if number > LONGEST_HEADER:
        raise ValueError(f"the header of an array has {number} bytes")
    return magic + length + opened.read(number)


@lru_cache(maxsize=1 << 12)  # the same few in each of a thousand runs
def _header(beginning: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis is the fastest, and type, of such bytes."""
    import numpy as np

    opened = io.BytesIO(beginning)
    version = np.lib.format.read_magic(opened)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, is_fortran, dtype = readers[version](opened, LONGEST_HEADER)
    if dtype.hasobject or any(length < 0 for length in shape):
        raise ValueError("it holds objects, or a negative length")
    return shape, is_fortran, dtype
