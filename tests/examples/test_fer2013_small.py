"""The committed example of real faces: whole, rebuilt from its records, and without FER2013 pixels."""

import io
import os
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.plan import load_plans
from paper_kit.core.store import RunState, Store
from paper_kit.core.unpack import unpack
from paper_kit.data.sources.fer2013 import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "paper" / "examples" / "fer2013_small"
PDFS = ("paper.pdf", "supplement.pdf")
PIXELS = 48 * 48
ALIKE = 0.97  # correlation above which a picture counts as the same face


@pytest.fixture(scope="module")
def faces():
    """All faces of FER2013 that are not blank, (N, 2304), each with mean 0 and norm 1."""
    if not os.environ.get("PAPERKIT_DATA"):
        pytest.skip("needs the real FER2013: set PAPERKIT_DATA to a folder that holds fer2013/fer2013.csv")
    splits = load(Path(os.environ["PAPERKIT_DATA"]) / "fer2013")
    return normalised(np.concatenate([split.images.reshape(-1, PIXELS) for split in splits.each().values()]))


def normalised(images_NP):
    values = images_NP.astype(np.float32)
    values = values[values.std(axis=1) > 1]
    values -= values.mean(axis=1, keepdims=True)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def arrays(packed: Path):
    """(name, array) of each array of each npz in a pack."""
    with zipfile.ZipFile(packed) as opened:
        for name in opened.namelist():
            if name.endswith(".npz"):
                with np.load(io.BytesIO(opened.read(name)), allow_pickle=False) as held:
                    yield from ((f"{name}:{key}", held[key]) for key in held.files)


def pictures(pdf: Path, folder: Path):
    """Each picture in a PDF as grey 48 x 48 pixels, (N, 2304)."""
    subprocess.run(["pdfimages", "-png", str(pdf), str(folder / "p")], check=True)
    found = []
    for path in sorted(folder.glob("*.png")):
        picture = Image.open(path).convert("L").resize((48, 48), Image.Resampling.BOX)
        found.append(np.asarray(picture).reshape(PIXELS))
    return np.stack(found)


def test_every_run_of_the_study_is_in_the_pack(tmp_path):
    store = Store(tmp_path)
    unpack(EXAMPLE / "records.zip", store)
    plans = load_plans((ROOT / "experiments" / "fer2013_small.toml",))
    assert {store.state(run) for run in plans[0].runs} == {RunState.DONE}
    assert {cost.model.name for cost in store.costs()} == {
        entry.part.name for entry in plans[0].experiment.model
    }


def test_the_pack_is_small_and_holds_no_weights_and_no_pictures():
    assert (EXAMPLE / "records.zip").stat().st_size < 20e6
    with zipfile.ZipFile(EXAMPLE / "records.zip") as opened:
        endings = {Path(name).suffix for name in opened.namelist()}
    assert endings <= {".json", ".jsonl", ".npz"}
    for name, array in arrays(EXAMPLE / "records.zip"):
        if "/gallery.npz:" not in name:  # faces that the package draws, and so may be shown
            assert array.dtype != np.uint8, name
        assert array.ndim < 2 or PIXELS not in array.shape, name


def test_no_gallery_in_the_pack_holds_a_face_of_fer2013(faces):
    galleries = [
        array.reshape(-1, PIXELS)
        for name, array in arrays(EXAMPLE / "records.zip")
        if "/gallery.npz:" in name and array.dtype == np.uint8
    ]
    assert (normalised(np.concatenate(galleries)) @ faces.T).max() < ALIKE


def test_no_picture_in_the_pdf_is_a_face_of_fer2013(faces, tmp_path):
    for name in PDFS:
        (tmp_path / name).mkdir()
        seen = pictures(EXAMPLE / name, tmp_path / name)
        assert (normalised(seen) @ faces.T).max() < ALIKE, name


def test_the_look_for_faces_finds_one_that_was_drawn_into_a_pdf(faces, tmp_path):
    face = faces[1000].reshape(48, 48)
    grey = (255 * (face - face.min()) / np.ptp(face)).astype(np.uint8)
    Image.fromarray(grey).resize((96, 96), Image.Resampling.BICUBIC).save(tmp_path / "face.pdf")
    assert (normalised(pictures(tmp_path / "face.pdf", tmp_path)) @ faces.T).max() > ALIKE


def test_the_pdf_has_no_unresolved_reference_and_no_missing_number():
    for text in map(words, (EXAMPLE / name for name in PDFS)):
        assert "FER2013" in text
        assert "??" not in text
        assert "pending" not in text


@pytest.mark.slow
@pytest.mark.tex
def test_the_example_is_rebuilt_from_its_records_alone(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from paper_kit.cli import app

    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    runs, out = tmp_path / "runs", tmp_path / "pdf"
    packed = str(EXAMPLE / "records.zip")
    assert CliRunner().invoke(app, ["unpack", packed, "--runs", str(runs)]).exit_code == 0
    built = CliRunner().invoke(app, ["build-pdf", "fer2013_small", "--runs", str(runs), "--out", str(out)])
    assert built.exit_code == 0, built.output
    for name in PDFS:
        assert unsealed(words(out / name)) == unsealed(words(EXAMPLE / name)), name


def words(pdf: Path) -> str:
    return subprocess.run(["pdftotext", str(pdf), "-"], check=True, capture_output=True, text=True).stdout


def unsealed(text: str) -> str:
    """The words without seal and commit, which change with every change to the code or the templates."""
    hashes = r"\b(digest|commit):?\s+[0-9a-f]{12,16}(\s+with\s+changes)?|\b[0-9a-f]{16}\b"
    return re.sub(hashes, "", text)
