"""Small datasets of the forms that people have, and the real ones where they are at hand."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL = os.environ.get("PAPERKIT_DATA", "")
USAGES = ("Training", "PublicTest", "PrivateTest")
HEADERS = {"fer2013": "emotion,pixels,Usage", "icml_face_data": "emotion, Usage, pixels"}


@pytest.fixture(autouse=True)
def _no_data_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)


@pytest.fixture
def paperkit_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real datasets; the test is skipped where there is none."""
    if not REAL:
        pytest.skip("needs the real FER2013: set PAPERKIT_DATA to a folder that holds fer2013/fer2013.csv")
    monkeypatch.setenv("PAPERKIT_DATA", REAL)
    return Path(REAL)


def faces(count: int, seed: int = 0) -> np.ndarray:
    """Random grey images (count, 48, 48)."""
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def csv_text(form: str = "fer2013", each: Mapping[str, int] | None = None) -> str:
    """A CSV of FER2013 with `each` usage -> rows of each class."""
    each = each or {"Training": 4, "PublicTest": 2, "PrivateTest": 2}
    rows = [(label, usage) for usage, count in each.items() for _ in range(count) for label in range(7)]
    lines = [HEADERS[form]]
    for (label, usage), image in zip(rows, faces(len(rows)), strict=True):
        pixels = " ".join(map(str, image.ravel().tolist()))
        lines.append(f"{label},{pixels},{usage}" if form == "fer2013" else f"{label},{usage},{pixels}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def fer_csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small CSV of FER2013 and gives its path."""

    def write(name: str = "fer2013.csv", **options: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv_text(**options))  # type: ignore[arg-type]
        return path

    return write


@pytest.fixture
def image_tree(tmp_path: Path) -> Callable[..., Path]:
    """Writes folder -> number of images below a new folder and gives its path."""

    def write(folders: Mapping[str, int], name: str = "images", suffix: str = ".png") -> Path:
        root = tmp_path / name
        for place, (folder, count) in enumerate(folders.items()):
            (root / folder).mkdir(parents=True, exist_ok=True)
            for i, image in enumerate(faces(count, seed=place)):
                Image.fromarray(image).save(root / folder / f"{i:03d}{suffix}")
        return root

    return write


@pytest.fixture
def zipped() -> Callable[[Path], Path]:
    """Packs a folder or file and gives the path of the zip beside it."""

    def pack(source: Path) -> Path:
        path = source.with_name(source.stem + "_packed.zip")
        files = [source] if source.is_file() else sorted(source.rglob("*"))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.relative_to(source.parent))
        return path

    return pack
