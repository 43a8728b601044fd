"""Text of pixel values to uint8 images, a batch of rows at a time and without a Python object per number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BATCH = 32  # rows parsed together: about 300 kB of text, which stays in the processor's cache


def parse(texts: list[bytes], side: int) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Images (N, side, side) of N texts of numbers between spaces, and position -> why of the unreadable.

    An unreadable text leaves an image of zeros.
    """
    images = np.zeros((len(texts), side, side), dtype=np.uint8)
    bad: dict[int, str] = {}
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        values = _numbers(b" ".join(batch))
        regular = all(text.count(b" ") == side * side - 1 for text in batch)
        if regular and values is not None and values.size == len(batch) * side * side:
            images[start : start + len(batch)] = values.reshape(-1, side, side)
            continue
        for place, text in enumerate(batch, start):
            one = _numbers(text)
            if one is None or one.size != side * side:
                bad[place] = _why(one, side)
            else:
                images[place] = one.reshape(side, side)
    return images, bad


def _why(values: NDArray[np.uint8] | None, side: int) -> str:
    if values is None:
        return "a pixel is not a whole number from 0 to 255"
    return f"{values.size} pixels in place of {side * side}"


def _numbers(text: bytes) -> NDArray[np.uint8] | None:
    """The numbers of a text of digits and spaces; None where one is above 255 or something else stands there.

    Every byte gets the number that ends there, d0 + 10 d1 + 100 d2, and those before a space are kept.
    """
    raw = np.frombuffer(b"   " + text + b" ", dtype=np.uint8)
    digit = raw - np.uint8(48)
    is_digit = digit < 10
    if not (is_digit | (raw == 32)).all():
        return None
    np.multiply(digit, is_digit, out=digit)
    ends = is_digit[3:-1] & ~is_digit[4:]
    hundreds = digit[1:-3] * is_digit[2:-2]
    below = digit[2:-2] * np.uint8(10) + digit[3:-1]
    too_big = (hundreds > 2) | ((hundreds == 2) & (below > 55))
    too_long = is_digit[:-4] & is_digit[1:-3] & is_digit[2:-2] & is_digit[3:-1]
    if (ends & too_big).any() or too_long.any():
        return None
    values: NDArray[np.uint8] = below + hundreds * np.uint8(100)
    return values[ends]
