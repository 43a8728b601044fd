"""Pixels are the same whatever the mode, depth and form of the file they stood in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from paper_kit.data.sources._decode import decode
from paper_kit.data.sources._pixels import parse

GREY = np.arange(48 * 48).reshape(48, 48) % 256


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_grey_png_is_read_as_it_is() -> None:
    assert np.array_equal(decode(encoded(Image.fromarray(GREY.astype(np.uint8))), 48, 1), GREY)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"])
def test_every_mode_becomes_eight_bits_of_the_size_asked_for(mode: str) -> None:
    image = Image.fromarray(GREY.astype(np.uint8)).convert("RGB" if mode == "CMYK" else "L").convert(mode)
    files = [data for kind in ("PNG", "TIFF", "BMP", "WEBP", "JPEG") if (data := written(image, kind))]
    assert files
    for data in files:
        for channels, shape in ((1, (20, 20)), (3, (20, 20, 3))):
            decoded = decode(data, 20, channels)
            assert decoded.shape == shape
            assert decoded.dtype == np.uint8


def written(image: Image.Image, kind: str) -> bytes:
    """The file's bytes, empty where a kind of file has no such mode."""
    try:
        return encoded(image, kind)
    except (OSError, KeyError):
        return b""


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    deep = Image.fromarray((GREY * 257).astype(np.uint16))
    assert np.array_equal(decode(encoded(deep, kind), 48, 1), GREY)


def test_float_grey_from_0_to_1_is_scaled() -> None:
    deep = Image.fromarray((GREY / 255).astype(np.float32))
    assert np.array_equal(decode(encoded(deep, "TIFF"), 48, 1), GREY)


def test_float_grey_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="grey values from -1"):
        decode(encoded(Image.fromarray(np.full((9, 9), -1, dtype=np.float32)), "TIFF"), 9, 1)


def test_an_image_is_turned_upright_by_its_exif_tag() -> None:
    upright = np.zeros((48, 48), dtype=np.uint8)
    upright[:24] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    data = encoded(Image.fromarray(upright[::-1]), "PNG", exif=exif)
    assert np.array_equal(decode(data, 48, 1), upright)


def test_what_is_transparent_is_black() -> None:
    image = Image.new("RGBA", (10, 10), (255, 255, 255, 0))
    assert decode(encoded(image), 10, 1).max() == 0


def test_a_fine_pattern_is_averaged_when_made_smaller() -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (96, 96))[:, :192]
    reduced = decode(encoded(Image.fromarray(stripes[:, :96])), 12, 1)
    assert np.abs(reduced.astype(int) - 127)[2:-2, 2:-2].max() < 12


def test_a_wide_image_is_cut_to_its_middle_and_keeps_its_proportions() -> None:
    wide = np.zeros((40, 80), dtype=np.uint8)
    wide[:, 20:60] = 200
    assert decode(encoded(Image.fromarray(wide)), 40, 1).min() == 200


def test_pixel_text_is_read_exactly() -> None:
    texts = [" ".join(map(str, (GREY + k).ravel() % 256)).encode() for k in range(70)]
    images, bad = parse(texts, 48)
    assert not bad
    assert all(np.array_equal(images[k], (GREY + k) % 256) for k in range(70))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"1 2 3", "3 pixels in place of 4"),
        (b"1 2 3 4 5", "5 pixels in place of 4"),
        (b"", "0 pixels in place of 4"),
        (b"1 2 3 256", "not a whole number from 0 to 255"),
        (b"1 2 3 1000", "not a whole number from 0 to 255"),
        (b"1 2 3 -4", "not a whole number from 0 to 255"),
        (b"1 2 3 4.0", "not a whole number from 0 to 255"),
    ],
)
def test_an_unreadable_row_is_found_among_good_ones(text: bytes, why: str) -> None:
    images, bad = parse([b"9 8 7 6", text, b"0 00 255 255"], 2)
    assert list(bad) == [1]
    assert why in bad[1]
    assert images[0].tolist() == [[9, 8], [7, 6]]
    assert images[2].tolist() == [[0, 0], [255, 255]]


def test_a_long_row_does_not_hide_a_short_one() -> None:
    _, bad = parse([b"1 2 3", b"1 2 3 4 5"], 2)
    assert list(bad) == [0, 1]
