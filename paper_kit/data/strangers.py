"""Files of a dataset may come from anyone: what is refused before they are decoded."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from PIL import Image

from paper_kit.core.archives import Limits, checked, opened_zip
from paper_kit.core.errors import InputError

MOST_CSV_BYTES = 4 << 30  # FER2013's has 0.3 GB
MOST_IMAGE_BYTES = 256 << 20  # one image, packed as it is in its own format
MOST_BYTES = 1 << 40  # of a zip in all; it is read in place, image by image
MOST_ROWS = 2_000_000  # of a CSV; FER2013 has 35,887, and each becomes 2.3 kB
LINES_AT_ONCE = 1 << 24  # bytes
FORMATS = frozenset({"JPEG", "MPO", "PNG", "TIFF", "BMP", "DIB", "WEBP", "GIF", "PPM", "JPEG2000"})


def check_files(roots: Iterable[Path | None]) -> None:
    """Nothing; InputError for a zip that leads out of itself or is a bomb, and a CSV of too many rows."""
    for root in roots:
        if root is None or not root.is_file():
            continue
        if root.suffix.lower() == ".zip":
            _check_zip(root)
        elif root.suffix.lower() == ".csv":
            with root.open("rb") as opened:
                _check_rows(iter(lambda: opened.read(LINES_AT_ONCE), b""), str(root))


def _check_zip(root: Path) -> None:
    with opened_zip(root) as archive:
        entries = checked(archive.infolist(), root, Limits(MOST_BYTES, MOST_CSV_BYTES))
        for entry in entries:
            _check_entry(archive, entry, f"{root / entry.filename}")


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str) -> None:
    if PurePosixPath(entry.filename).suffix.lower() == ".csv":
        with archive.open(entry) as opened:
            _check_rows(iter(lambda: opened.read(LINES_AT_ONCE), b""), shown)
    elif entry.file_size > MOST_IMAGE_BYTES:
        size, most = entry.file_size >> 20, MOST_IMAGE_BYTES >> 20
        raise InputError(f"{shown}: an image of {size:,} MiB; at most {most:,} are read.")


def _check_rows(pieces: Iterator[bytes], shown: str) -> None:
    rows = 0
    for piece in pieces:
        rows += piece.count(b"\n")
        if rows > MOST_ROWS:
            raise InputError(f"{shown}: more than {MOST_ROWS:,} rows; no dataset of faces has so many.")


@contextmanager
def only_pictures() -> Iterator[None]:
    """A block in which Pillow opens photographs' formats alone, refuses bombs, and warns of nothing else.

    Its reader of PostScript would start Ghostscript, for a file of any name.
    """
    Image.init()
    known = list(Image.ID)
    Image.ID[:] = [name for name in known if name in FORMATS]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.ID[:] = known
