"""Single image files, read as the images of a folder dataset are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from paper_kit.core.errors import InputError
from paper_kit.data.sources._decode import decode
from paper_kit.data.strangers import only_pictures


def read_pictures(paths: Sequence[Path], size: int, channels: int) -> list[NDArray[np.uint8]]:
    """Images (size, size) or (size, size, 3) of the files; InputError lists all that cannot be read."""
    found: list[NDArray[np.uint8]] = []
    problems: list[str] = []
    for path in paths:
        try:
            with only_pictures():
                found.append(decode(path.read_bytes(), size, channels))
        except UnidentifiedImageError:
            problems.append(f"{path}: not an image in a known format.")
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}.")
        except Exception as error:  # a damaged file makes Pillow raise nearly anything
            problems.append(f"{path}: {str(error).partition(chr(10))[0] or type(error).__name__}.")
    if problems:
        raise InputError(problems)
    return found
