"""The CSV of FER2013 in its known forms, read row by row."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.data.sources import SPLITS, Split
from paper_kit.data.sources._pixels import parse
from paper_kit.data.sources._tree import Tree, tree_of

NAMES = ("fer2013.csv", "icml_face_data.csv")
USAGES = {b"Training": 0, b"PublicTest": 1, b"PrivateTest": 2}  # places in SPLITS
COLUMNS = (b"emotion", b"pixels", b"usage")
CLASSES = 7
SIDE = 48
LONGEST_LINE = 1 << 16  # 2304 numbers of at most 3 digits are 9 kB
TOGETHER = 4096  # rows whose text is held at a time: 35 MB


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the CSV in file order; labels and usages are -1 where unreadable, `bad` is row -> why."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    usages: NDArray[np.int64]
    bad: dict[int, str]
    shown: str
    file: Path

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Which rows (N,) have an image, a label and a usage."""
        mask = np.ones(len(self.labels), dtype=bool)
        mask[list(self.bad)] = False
        return mask

    def bad_lines(self) -> tuple[tuple[str, str], ...]:
        """(file and line, why) of each unreadable row."""
        return tuple((f"{self.shown} line {row + 2}", why) for row, why in sorted(self.bad.items()))

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Split -> images of each class, unreadable pixels included; splits without rows are left out."""
        known = (self.labels >= 0) & (self.usages >= 0)
        found = {
            name: np.bincount(self.labels[known & (self.usages == place)], minlength=CLASSES)
            for place, name in enumerate(SPLITS)
        }
        return {name: tuple(map(int, counts)) for name, counts in found.items() if counts.any()}

    def splits(self) -> dict[str, Split]:
        """The readable rows of each split that has any."""
        whole = Split(self.images, self.labels, self.ids())
        rows = {name: np.flatnonzero(self.readable & (self.usages == i)) for i, name in enumerate(SPLITS)}
        return {name: whole.take(chosen) for name, chosen in rows.items() if len(chosen)}

    def ids(self) -> NDArray[np.str_]:
        """The row numbers (N,), from 00000."""
        return np.array([f"{row:05d}" for row in range(len(self.labels))], dtype=np.str_)


def find_csv(root: Path) -> tuple[Tree, PurePosixPath] | None:
    """The tree and the name in it of FER2013's CSV: the root, or a known name in the root or zip."""
    if root.is_file() and root.suffix.lower() == ".csv":
        return Tree(root.parent, (), ()), PurePosixPath(root.name)
    if root.is_dir():
        paths = [path for name in NAMES for path in (root / name, *sorted(root.glob(f"*/{name}")))]
        present = [path for path in paths if path.is_file()]
        return (Tree(present[0].parent, (), ()), PurePosixPath(present[0].name)) if present else None
    tree = tree_of(root)
    found = [file for name in NAMES for file in tree.files if file.name == name]
    return (tree, found[0]) if found else None


def read_csv(tree: Tree, name: PurePosixPath) -> Rows:
    """All rows of a CSV; InputError where it is not one of FER2013."""
    try:
        with tree.reader() as reader, reader.open(name) as opened:
            buffered = io.BufferedReader(opened, 1 << 20)  # type: ignore[type-var]
            return _read(buffered, tree.shown(name), tree.root if tree.zipped else tree.root / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(f"{tree.root}: a damaged zip ({error}). Fetch it again.") from None


def _read(opened: io.BufferedIOBase, shown: str, file: Path) -> Rows:
    columns = _columns(opened.readline(LONGEST_LINE), shown)
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    usages: list[int] = []
    bad: dict[int, str] = {}
    for start, lines in _batches(opened, shown):
        fields = [_fields(line, columns) for line in lines]
        batch, unreadable = parse([pixels for _, pixels, _ in fields], SIDE)
        images.append(batch)
        labels += [_label(emotion) for emotion, _, _ in fields]
        usages += [USAGES.get(usage, -1) for _, _, usage in fields]
        bad |= {start + row: why for row, why in unreadable.items()}
        for row, (emotion, _, usage) in enumerate(fields, start):
            if labels[row] < 0:
                bad[row] = f"the emotion is {emotion.decode(errors='replace')!r}; expected 0 to 6"
            elif usages[row] < 0:
                bad[row] = f"the usage is {usage.decode(errors='replace')!r}; expected Training or a test"
    if not images:
        raise InputError(f"{shown}: no rows below the header. Fetch the file again.")
    return Rows(np.concatenate(images), np.array(labels), np.array(usages), bad, shown, file)


def _columns(header: bytes, shown: str) -> list[int]:
    """The places of emotion, pixels and usage; `icml_face_data.csv` has spaces before the names."""
    names = [name.strip().strip(b'"').lower() for name in header.removeprefix(b"\xef\xbb\xbf").split(b",")]
    if all(name in names for name in COLUMNS):
        return [names.index(name) for name in COLUMNS]
    if {b"emotion", b"pixels"} <= set(names):
        raise InputError(
            f"{shown}: no column Usage, so the split is unknown. Use fer2013.csv or icml_face_data.csv."
        )
    found = header[:60].decode(errors="replace").strip()
    raise InputError(f"{shown}: the first line is {found!r}; expected the columns emotion, pixels and Usage.")


def _batches(opened: io.BufferedIOBase, shown: str) -> Iterator[tuple[int, list[bytes]]]:
    """(number of the first row, rows) of the lines that are not empty."""
    start = 0
    lines: list[bytes] = []
    while line := opened.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise InputError(
                f"{shown} line {start + len(lines) + 2}: longer than a row of FER2013. Fetch it again."
            )
        if not line.strip():
            continue
        lines.append(line)
        if len(lines) == TOGETHER:
            yield start, lines
            start, lines = start + len(lines), []
    if lines:
        yield start, lines


def _fields(line: bytes, columns: list[int]) -> tuple[bytes, bytes, bytes]:
    """Emotion, pixels and usage of a row; empty where the row has too few fields."""
    fields = [field.strip(b' "\t\r\n') for field in line.split(b",")]
    emotion, pixels, usage = (fields[place] if place < len(fields) else b"" for place in columns)
    return emotion, pixels, usage


def _label(field: bytes) -> int:
    return int(field) if len(field) == 1 and field.isdigit() and int(field) < CLASSES else -1
