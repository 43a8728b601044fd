"""An installed package, without the repository around it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
RUN = "from paper_kit.cli import app; app(prog_name='paperkit')"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of an unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def paperkit(installed, tmp_path):
    """Runs a command of the wheel in an empty folder, or in one below it."""

    def command(*arguments, inside=""):
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        env = keep | {"PYTHONPATH": str(installed), "MPLBACKEND": "Agg"}
        done = subprocess.run(
            [sys.executable, "-c", RUN, *map(str, arguments)],
            cwd=tmp_path / inside,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return command


def test_the_wheel_brings_templates_experiments_and_paper(installed):
    for name in (
        "templates/manuscript.tex",
        "templates/references.bib",
        "experiments/quick.toml",
        "paper/paper.toml",
    ):
        assert (installed / "paper_kit" / "scaffold" / name).is_file()


def test_a_study_made_by_the_wheel_can_be_planned(paperkit):
    assert "names the experiment quick" in paperkit("init", "study")
    assert "15 trainings for 15 cells" in paperkit("plan", inside="study")


def draw_images(folder, generator):
    """Twelve images of each of three classes, told apart by where they are bright."""
    for place, name in enumerate(("50% & _weird_", "happy", "sad")):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(0, 80, (40, 36), dtype=np.uint8)
            pixels[place * 13 : place * 13 + 13] += 120
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


@pytest.mark.tex
@pytest.mark.timeout(1200)
def test_own_images_become_a_paper(paperkit, tmp_path):
    draw_images(tmp_path / "faces", np.random.default_rng(0))
    paperkit("init", "study", "--images", "faces")
    small = ["--set", "epochs=2", "--set", "source.epochs=1", "--set", "transfer.freeze_epochs=1"]
    shown = paperkit("run-all", *small, inside="study")
    assert "15 of 15 runs done" in shown
    pdf = tmp_path / "study" / paperkit("build-pdf", "faces-1", inside="study").strip()
    assert pdf.read_bytes().startswith(b"%PDF")
