"""Files whose images are cut to a face's box before they are decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from PIL import Image

from paper_kit.data.sources._tree import Reader, Tree

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the file


@dataclass(frozen=True)
class BoxedTree(Tree):
    """A tree that reads the images in `boxes` as their part inside the box; the others whole."""

    boxes: Mapping[PurePosixPath, Box] = field(default_factory=dict)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader of the cut images, open as long as the block lasts; threads may share it."""
        with super().reader() as whole:
            yield BoxedReader(whole.root, whole.archive, self.boxes)


@dataclass(frozen=True)
class BoxedReader(Reader):
    """Reads files of a BoxedTree."""

    boxes: Mapping[PurePosixPath, Box] = field(default_factory=dict)

    def read(self, name: PurePosixPath) -> bytes:
        """The bytes of the file, or of a lossless image of what lies in its box."""
        data = super().read(name)
        return cut(data, self.boxes[name]) if name in self.boxes and data else data


def boxed(tree: Tree, boxes: Mapping[PurePosixPath, Box]) -> Tree:
    """The same files, read through their boxes."""
    return BoxedTree(tree.root, tree.files, tree.folders, boxes) if boxes else tree


def cut(data: bytes, box: Box) -> bytes:
    """A BMP of the square about the box, as far as it lies in the image; the whole where they do not meet."""
    left, top, right, bottom = box
    side = max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    with Image.open(io.BytesIO(data)) as opened:
        image = opened if opened.mode in {"L", "RGB"} else opened.convert("RGB")
        width, height = image.size
        edges = (
            max(round(x - side / 2), 0),
            max(round(y - side / 2), 0),
            min(round(x + side / 2), width),
            min(round(y + side / 2), height),
        )
        if edges[0] >= edges[2] or edges[1] >= edges[3]:
            edges = (0, 0, width, height)
        written = io.BytesIO()
        image.crop(edges).save(written, format="BMP")
    return written.getvalue()
