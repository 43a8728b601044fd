"""Archives from strangers: unpacked below their folder, or refused before anything is."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import strategies as st

from paper_kit.core.errors import InputError
from paper_kit.core.files import canonical_json, sha256_text
from paper_kit.core.pack import pack
from paper_kit.core.part import Part
from paper_kit.core.store import Store
from paper_kit.core.unpack import unpack
from paper_kit.data.cache import open_dataset
from paper_kit.render.exports.returned import read_project
from tests.core.test_pack import SPEC, a_store
from tests.fuzz.guard import fuzz, guarded
from tests.fuzz.mutations import mutated
from tests.fuzz.test_images import an_image

ESCAPES = (
    "../escaped", "../../escaped", "a/../../escaped", "/tmp/paperkit-escaped", "\\escaped", "..\\escaped",
    "C:\\escaped", "C:/escaped", "//host/escaped", "a\x00b", "a\nb", "\u202egnp.exe", "./../escaped", "..",
    ".", "", " ", "con", "a" * 300, "costs/../../escaped.json", "train/happy/../../../escaped.png",
    "~/escaped",
)  # fmt: skip
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
READERS = ("records", "project", "dataset")
MOST_MIB = 400  # of memory that refusing an archive may take


@dataclass(frozen=True)
class Hostile:
    """An archive and who is to read it."""

    reader: str
    content: bytes


def files_of(reader: str, place: Path) -> dict[str, bytes]:
    """The files of a whole archive of this kind."""
    if reader == "records":
        path = place / "whole.zip"
        pack(a_store(place / "whole"), [SPEC.id], path)
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    if reader == "project":
        return {"main.tex": b"\\begin{document}x\\end{document}", "paperkit.json": b"{}", "a/b.tex": b"words"}
    face = an_image("PNG")
    return {
        f"{split}/{name}/{n}.png": face
        for split in ("train", "test")
        for name in ("a", "b")
        for n in range(4)
    }


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name) if name else zipfile.ZipInfo("\x01"), data, method)
    return written.getvalue()


def linked(files: dict[str, bytes], name: str, target: str) -> bytes:
    """The archive with a symbolic link in it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
        for other, data in files.items():
            archive.writestr(other, data)
    return written.getvalue()


def bomb(files: dict[str, bytes], name: str, mib: int, told: int | None, method: int) -> bytes:
    """The archive with an entry of so many MiB of zeros, which may tell another size in its headers."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method, compresslevel=9) as archive:
        for other, data in files.items():
            if other != name:
                archive.writestr(other, data)
        info = zipfile.ZipInfo(name)
        info.compress_type = method
        with archive.open(info, "w") as opened:
            for _ in range(mib):
                opened.write(bytes(1 << 20))
    data = written.getvalue()
    return data if told is None else data.replace(struct.pack("<L", mib << 20), struct.pack("<L", told))


def manifested(files: dict[str, bytes], name: str, data: bytes) -> dict[str, bytes]:
    """The files of a pack of records with one more, which its manifest names too."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"][name] = {"sha256": sha256_text(data.decode("latin-1")), "bytes": len(data)}
    return {**files, "manifest.json": canonical_json(manifest).encode(), name: data}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    return {reader: files_of(reader, tmp_path_factory.mktemp(reader)) for reader in READERS}


def hostile(whole: dict[str, dict[str, bytes]]) -> st.SearchStrategy[Hostile]:
    """Archives with names that lead out, links, bombs, doubles, other methods, and changed bytes."""

    @st.composite
    def one(draw: st.DrawFn) -> Hostile:
        reader = draw(st.sampled_from(READERS))
        files = dict(whole[reader])
        name, method = draw(st.sampled_from(ESCAPES)), draw(st.sampled_from(METHODS))
        victim = draw(st.sampled_from(sorted(files)))
        match draw(st.integers(0, 6)):
            case 0:
                content = zipped({**files, name: b"x"}, method)
            case 1:
                content = zipped(
                    manifested(files, name, b"x") if reader == "records" else {name: b"x", **files}
                )
            case 2:
                content = linked(files, draw(st.sampled_from(["link", victim + "x", "costs"])), "/etc/passwd")
            case 3:
                told = draw(st.sampled_from([None, 10, 100_000]))
                content = bomb(files, victim, draw(st.sampled_from([1, 5, 70])), told, method)
            case 4:
                content = zipped(files) + zipped({name: b"y"})
            case 5:
                content = zipped({**files, victim: draw(mutated([files[victim]]))}, method)
            case _:
                content = draw(mutated([zipped(files), zipped(files, zipfile.ZIP_STORED)], most=10))
        return Hostile(reader, content)

    return one()


def read(place: Path, archive: Hostile) -> None:
    """Nothing; the archive was read or refused, and what it left lies where it belongs."""
    path = place / "hostile.zip"
    path.write_bytes(archive.content)
    readers: dict[str, Callable[[], object]] = {
        "records": lambda: unpack(path, Store(place / "store")),
        "project": lambda: read_project(path),
        "dataset": lambda: open_dataset(
            Part(name="image_folder"), {"image_folder": path}, place / "cache", skip_bad=True
        ),
    }
    told: list[str] = []
    try:
        readers[archive.reader]()
    except InputError as error:
        told.append(str(error))
    assert "" not in told
    left = {item.relative_to(place).parts[0] for item in place.rglob("*")}
    assert left <= {"hostile.zip", "store", "cache"}
    links = [item for item in place.rglob("*") if item.is_symlink()]
    assert not links
    stored = {item.name for item in (place / "store").glob("*")}
    assert all(name == "costs" or name.startswith(SPEC.id) for name in stored)


def test_a_hostile_archive_is_refused_or_harmless(tmp_path: Path, whole: dict[str, dict[str, bytes]]) -> None:
    fuzz(20, hostile(whole), tmp_path, lambda archive: read(tmp_path, archive))


@pytest.mark.slow
def test_three_hundred_hostile_archives_are_refused_or_harmless(
    tmp_path: Path, whole: dict[str, dict[str, bytes]]
) -> None:
    fuzz(300, hostile(whole), tmp_path, lambda archive: read(tmp_path, archive))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "name", [name for name in ESCAPES if ".." in name or name.startswith(("/", "\\", "C:"))]
)
def test_a_name_that_leads_out_of_an_archive_is_refused(
    tmp_path: Path, whole: dict[str, dict[str, bytes]], reader: str, name: str
) -> None:
    files = whole[reader]
    content = zipped(manifested(files, name, b"x") if reader == "records" else {**files, name: b"x"})
    with (
        guarded(tmp_path),
        pytest.raises(InputError, match=r"leads out of the archive|has no place in a Store"),
    ):
        read_strictly(tmp_path, Hostile(reader, content))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("reader", READERS)
def test_a_bomb_is_refused_before_it_takes_memory(
    tmp_path: Path, whole: dict[str, dict[str, bytes]], reader: str, method: int
) -> None:
    import resource

    name = "manifest.json" if reader == "records" else sorted(whole[reader])[0]
    content = bomb(whole[reader], name, 600, 1000, method)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with guarded(tmp_path), pytest.raises(InputError):
        read_strictly(tmp_path, Hostile(reader, content))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MOST_MIB
    assert sum(item.stat().st_size for item in tmp_path.rglob("*") if item.is_file()) < 10 << 20


def read_strictly(place: Path, archive: Hostile) -> None:
    """Nothing; raises InputError where the archive is refused."""
    path = place / "hostile.zip"
    path.write_bytes(archive.content)
    if archive.reader == "records":
        unpack(path, Store(place / "store"))
    elif archive.reader == "project":
        read_project(path)
    else:
        open_dataset(Part(name="image_folder"), {"image_folder": path}, place / "cache")
