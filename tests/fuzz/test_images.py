"""Images and CSVs from strangers: decoded, or named with why not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.core.part import Part
from paper_kit.data.cache import open_dataset
from paper_kit.data.pictures import read_pictures
from tests.fuzz.guard import fuzz
from tests.fuzz.mutations import mutated

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM", "ICO", "TGA", "PCX", "SGI", "DDS", "JPEG2000")
GHOSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 48 48\n(canary) (w) file quit\n%%EOF\n"
ICON = b"\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00"


def an_image(form: str) -> bytes:
    """A small grey image in a format of Pillow."""
    written = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24), dtype=np.uint8)
    Image.fromarray(pixels).convert("L" if form != "WEBP" else "RGB").save(written, form)
    return written.getvalue()


def a_png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG that says it is so large, and holds only these packed pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def images() -> list[bytes]:
    """Whole images of all formats at hand, and some that were made to harm."""
    whole = []
    for form in FORMATS:
        try:
            whole.append(an_image(form))
        except (OSError, KeyError, ValueError):  # this Pillow was built without it
            continue
    return [
        *whole, GHOSTSCRIPT, ICON,
        a_png(2**31 - 1, 2**31 - 1), a_png(60_000, 60_000), a_png(9000, 9900), a_png(0, 0),
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    ]  # fmt: skip


def rows(count: int = 12) -> bytes:
    """A CSV as FER2013's, of few rows of all classes and splits."""
    random = np.random.default_rng(0)
    lines = ["emotion,pixels,Usage"]
    usages = ("Training", "Training", "PublicTest", "PrivateTest")
    for row in range(count):
        pixels = " ".join(map(str, random.integers(0, 256, 48 * 48)))
        lines.append(f"{row % 7},{pixels},{usages[row % 4]}")
    return "\n".join(lines).encode()


SHORT = b"emotion,pixels,Usage\n0,1 2 3,Training\n9,1,PublicTest\n,,\n"
PIECES = [
    b"emotion, pixels, Usage\n",
    b"0,",
    b"-1,",
    b"0 " * 2304,
    b"256 " * 2304,
    b",Training",
    b",",
    b"\n",
    b"\x00",
]
FILES = st.one_of(
    st.tuples(st.just("image"), mutated(images())),
    st.tuples(st.just("csv"), mutated([rows(), SHORT], most=8)),
    st.tuples(st.just("csv"), st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)),
)


def read(place: Path, file: tuple[str, bytes]) -> None:
    """Nothing; the file was read, or refused with its name."""
    kind, content = file
    path = place / ("x.png" if kind == "image" else "fer2013.csv")
    path.write_bytes(content)
    told = path.name
    try:
        if kind == "image":
            for channels in (1, 3):
                (pixels,) = read_pictures([path], 32, channels)
                assert pixels.dtype == np.uint8
                assert pixels.shape[:2] == (32, 32)
        else:
            found = open_dataset(Part(name="fer2013"), {"fer2013": path}, place / "cache", skip_bad=True)
            assert len(found.split("train").labels)
    except InputError as error:
        told = str(error)
    assert path.name in told or "fer2013" in told


def test_a_mutated_image_or_csv_is_read_or_refused(tmp_path: Path) -> None:
    fuzz(40, FILES, tmp_path, lambda file: read(tmp_path, file))


@pytest.mark.slow
def test_a_thousand_mutated_images_and_csvs_are_read_or_refused(tmp_path: Path) -> None:
    fuzz(1000, FILES, tmp_path, lambda file: read(tmp_path, file))


@pytest.mark.parametrize("content", [a_png(60_000, 60_000), a_png(12_000, 12_000), a_png(9000, 9999)])
def test_an_image_that_would_fill_the_memory_is_refused_by_its_header(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bomb\.png: Image size \(.* exceeds limit"):
        read_pictures([path], 32, 1)


def test_postscript_under_the_name_of_an_image_starts_no_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghost = tmp_path / "bin" / "gs"
    ghost.parent.mkdir()
    ghost.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    ghost.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ghost.parent}:/usr/bin:/bin")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    path = tmp_path / "face.png"
    path.write_bytes(GHOSTSCRIPT)
    with pytest.raises(InputError, match=r"face\.png: not an image in a known format"):
        read_pictures([path], 32, 1)
    folder = tmp_path / "faces"
    for split in ("train", "test"):
        for name in ("happy", "sad"):
            (folder / split / name).mkdir(parents=True)
            for number in range(4):
                (folder / split / name / f"{number}.png").write_bytes(an_image("PNG"))
    (folder / "train" / "sad" / "bad.png").write_bytes(GHOSTSCRIPT)
    with pytest.raises(InputError, match=r"bad\.png: not an image in a known format"):
        open_dataset(Part(name="image_folder"), {"image_folder": folder}, tmp_path / "cache")
    assert not (tmp_path / "started").exists()
