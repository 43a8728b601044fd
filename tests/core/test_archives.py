"""What goes wrong while a zip is read is told of the zip only where it is its fault."""

import errno
import zipfile

import pytest

from paper_kit.core.archives import opened_zip
from paper_kit.core.errors import InputError


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    return path


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "elsewhere.json"),
        PermissionError(errno.EACCES, "Permission denied", "elsewhere.json"),
    ],
)
def test_errors_of_the_disk_and_of_other_files_are_none_of_the_zip(whole, error):
    with pytest.raises(OSError, match=error.strerror) as caught, opened_zip(whole):
        raise error
    assert caught.value is error


def test_a_zip_that_is_missing_and_one_that_is_damaged_are_told_apart(tmp_path, whole):
    with (
        pytest.raises(InputError, match=r"there is no such file"),
        opened_zip(tmp_path / "none.zip"),
    ):
        pass
    whole.write_bytes(whole.read_bytes()[:-3])
    with pytest.raises(InputError, match="a damaged zip, or none"), opened_zip(whole):
        pass
    with pytest.raises(InputError, match="a damaged zip, or none"), opened_zip(whole):
        raise OSError(errno.EINVAL, "Invalid argument")
