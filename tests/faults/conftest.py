import shutil
import tempfile
from pathlib import Path

import pytest

from tests.faults.tiny_study import a_plan, in_child, predictions, train_all

MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """Plug-ins named by a path are found from here."""
    monkeypatch.chdir(Path(__file__).resolve().parents[2])


def a_folder():
    return Path(tempfile.mkdtemp(prefix="faults-", dir=MEMORY if MEMORY.is_dir() else None))


@pytest.fixture
def place():
    """An empty folder, in memory where there is such a place."""
    folder = a_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def undisturbed():
    """(the plan, the cache of decoded data, predictions of the study when nothing happens to it)."""
    folder, planned = a_folder(), a_plan()
    assert in_child(train_all, planned, folder / "runs", folder / "data") == 0
    yield planned, folder / "data", predictions(planned, folder / "runs")
    shutil.rmtree(folder)
