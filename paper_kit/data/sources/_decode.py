"""Image files of any mode and size to square uint8 arrays, and the reason why one could not be read."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from paper_kit.data.sources import Split
from paper_kit.data.sources._tree import Reader, Tree

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})

BATCH = 64  # files that a thread takes at a time

Bad = tuple[tuple[str, str], ...]  # (path, why)


def decode_split(
    tree: Tree, names: Sequence[PurePosixPath], labels: NDArray[np.int64], size: int, channels: int
) -> tuple[Split, Bad]:
    """The split of the readable files, whose ids are their names, and (path, why) of the others."""
    images, why = decode_files(tree, names, size, channels)
    whole = Split(images, labels, np.array([str(name) for name in names], dtype=np.str_))
    if not why:
        return whole, ()
    good = [place for place in range(len(names)) if place not in why]
    bad = tuple((tree.shown(names[place]), reason) for place, reason in why.items())
    return whole.take(np.array(good, dtype=np.int64)), bad


def decode_files(
    tree: Tree, names: Sequence[PurePosixPath], size: int, channels: int
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Images (N, size, size) or (N, size, size, 3) of N files, and position -> why for the unreadable ones.

    An unreadable file leaves an image of zeros.
    """
    shape = (len(names), size, size) if channels == 1 else (len(names), size, size, 3)
    images = np.zeros(shape, dtype=np.uint8)

    def put(reader: Reader, places: range) -> dict[int, str]:
        why = {}
        for place in places:
            try:
                images[place] = decode(reader.read(names[place]), size, channels)
            except UnidentifiedImageError:
                why[place] = "not an image in a known format"
            except Exception as error:  # a damaged file makes Pillow raise nearly anything, even KeyError
                why[place] = str(error).partition("\n")[0] or type(error).__name__
        return why

    batches = [range(start, min(start + BATCH, len(names))) for start in range(0, len(names), BATCH)]
    with tree.reader() as reader, warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")  # of odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        found = pool.map(lambda places: put(reader, places), batches)
        return images, {place: reason for why in found for place, reason in why.items()}


def decode(data: bytes, size: int, channels: int) -> NDArray[np.uint8]:
    """An image (size, size) or (size, size, 3) from the bytes of a file.

    The first frame is turned upright by its EXIF tag, laid on black where it is transparent, reduced to 8
    bits, converted (grey: ITU-R 601 luma), cut to its central square, and resized with an antialiasing
    bicubic filter.
    """
    if not data:
        raise ValueError("the file is empty")
    with Image.open(io.BytesIO(data)) as opened:
        image = _eight_bits(ImageOps.exif_transpose(opened))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), method=Image.Resampling.BICUBIC)
    return np.asarray(image)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image with at most 8 bits a channel; deeper grey is scaled by what its numbers can hold."""
    if image.mode not in {"F", "I"} and not image.mode.startswith("I;"):
        return image
    values = np.asarray(image).astype(np.float64)
    low, high = values.min(), values.max()
    if not (np.isfinite(values).all() and low >= 0 and high <= 65535):
        raise ValueError(f"grey values from {low:g} to {high:g}; expected 0 to 1, 0 to 255 or 0 to 65535")
    if image.mode.startswith("I;") or high > 255:
        values /= 257  # 65535 = 255 x 257
    elif image.mode == "F" and high <= 1:
        values *= 255
    return Image.fromarray(np.round(values).astype(np.uint8))
