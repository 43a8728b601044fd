"""Arrays of .npz files: as numpy reads them, and refused where a header says what is not there."""

import io
import zipfile

import numpy as np
import pytest

from paper_kit.core.arrays import read_npz

ARRAYS = {
    "empty": np.zeros((0, 3), np.float32),
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "words": np.array(["aé", "b"]),
    "number": np.float16(3),
    "answers": np.array([True, False]),
}


def test_arrays_are_those_that_numpy_wrote_and_can_be_changed(tmp_path):
    path = tmp_path / "some.npz"
    np.savez_compressed(path, **ARRAYS)
    found = read_npz(path)
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert np.array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
    found["rows"][0, 0] = 5
    assert read_npz(path, ["rows"])["rows"][0, 0] == 0


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_both_versions_of_the_header_are_read(tmp_path, version):
    made = io.BytesIO()
    np.lib.format.write_array(made, ARRAYS["rows"], version=version)
    assert made.getvalue()[6:8] == bytes(version)
    assert read_npz(zipped(tmp_path, made.getvalue()), ["a"])["a"].tolist() == ARRAYS["rows"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data.replace(b"(2, 3)", b"(9, 3)"),
        lambda data: data.replace(b"<f8", b"|O8"),
        lambda data: b"\x93NUMPY\x03\x00" + data[8:],
        lambda data: data[:8] + b"\xff\xff" + data[10:],
        lambda data: data[:0],
    ],
)
def test_what_does_not_fit_its_header_is_refused(tmp_path, change):
    made = io.BytesIO()
    np.lib.format.write_array(made, ARRAYS["rows"])
    with pytest.raises(ValueError, match=r"header|version|bytes|objects|array"):
        read_npz(zipped(tmp_path, change(made.getvalue())))


def zipped(folder, data):
    path = folder / "one.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", data)
    return path
