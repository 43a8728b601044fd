"""paperkit verify: checks of a built paper on one screen, and cells that are trained again."""

import shutil

import numpy as np
import pytest

from paper_kit.bench import repeat, study
from paper_kit.bench.executors import local
from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, write_json
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import load_plans
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store
from tests import sealed
from tests.analysis.fabricated import write_run
from tests.cli.again_engine import sourced

TEX = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs TeX: make tex")


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A finished study of two models and two seeds, which is the current folder; a stand-in trains it."""
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    monkeypatch.setattr(local, "RUN", "tests.cli.again_engine:run_one")
    monkeypatch.setattr(study, "open_dataset", lambda *_: None)
    root = sealed.study(tmp_path / "study")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def store(built):
    return Store(built / "experiments" / "runs")


def plans(root):
    return load_plans(experiment_files(root))


@pytest.mark.tex
@TEX
def test_a_sealed_paper_is_found_and_every_check_has_its_line(built, paperkit):
    assert paperkit("build-pdf").exit_code == 0
    result = paperkit("verify")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["file", "inputs", "numbers", "words", "bytes"]
    assert {row[1] for row in rows} == {"ok"}
    template = built / "templates" / "manuscript.tex"
    template.write_text(template.read_text().replace("is right", "is wrong"))
    result = paperkit("verify", built / "paper" / "build" / "paper.pdf", "--no-rebuild")
    assert result.exit_code == 1
    assert "inputs  differs  changed since the seal" in result.stdout
    assert "    templates, the words: templates/manuscript.tex (other)" in result.stdout
    assert "words" not in result.stdout.partition("templates, the words")[2]
    assert result.stderr == ""


@pytest.mark.usefixtures("built")
def test_a_paper_that_is_not_built_says_what_to_type(paperkit):
    result = paperkit("verify")
    assert result.exit_code == 2
    assert "paperkit build-pdf" in result.stderr


def test_a_cell_that_comes_out_the_same_is_told_as_bit_for_bit(built, store, paperkit):
    before = sorted(path.name for path in store.root.iterdir())
    result = paperkit("verify", "--rerun", 2)
    assert result.exit_code == 0
    assert result.stdout.count(": ok, ") == result.stdout.count(" again, bit for bit") == 2
    assert "Training 2 runs again, which took 2 min 3 s before" in result.stderr
    assert sorted(path.name for path in store.root.iterdir()) == before
    assert not (built / "paper" / "build").exists()


@pytest.mark.usefixtures("built")
def test_a_cell_that_moves_less_than_its_seeds_do_is_ok_and_one_that_moves_more_is_not(paperkit, monkeypatch):
    monkeypatch.setenv("PAPERKIT_TEST_CHANGE", "images:1")
    result = paperkit("verify", "--rerun", 1)
    assert result.exit_code == 0
    assert ": ok, " in result.stdout
    assert "(-1.67 points, noise of 2 seeds ±" in result.stdout
    assert "McNemar p = 1" in result.stdout


def test_with_one_seed_the_noise_is_that_of_the_images(built, paperkit, monkeypatch):
    path = built / "experiments" / "study.toml"
    path.write_text(path.read_text().replace("seeds = [0, 1]", "seeds = [0]"))
    monkeypatch.setenv("PAPERKIT_TEST_CHANGE", "images:3")
    assert "points, noise of 60 images ±" in paperkit("verify", "--rerun", 1).stdout
    monkeypatch.setenv("PAPERKIT_TEST_CHANGE", "images:25")
    result = paperkit("verify", "--rerun", 1)
    assert result.exit_code == 1
    assert ": differs, " in result.stdout


@pytest.mark.usefixtures("built")
def test_a_cell_that_fails_when_trained_again_says_why(paperkit, monkeypatch):
    monkeypatch.setenv("PAPERKIT_TEST_CHANGE", "fail")
    result = paperkit("verify", "--rerun", 1)
    assert result.exit_code == 1
    assert "failed: " in result.stdout
    assert "the loss is not a number" in result.stdout


def test_the_cheapest_cells_are_taken_first_and_a_seed_draws_others(built, store):
    runs = sealed.run_ids(built)
    for seconds, run in enumerate(runs):
        record = read_json(store.file(run, "record.json"))
        write_json(store.file(run, "record.json"), {**record, "seconds": 100.0 - seconds})
    cheapest = repeat.pick(plans(built), store, 1)
    assert [row.reading.run.id for row in cheapest] == [runs[-1]]
    drawn = {
        tuple(row.reading.run.id for row in repeat.pick(plans(built), store, 1, seed)) for seed in range(20)
    }
    assert len(drawn) == 4
    assert repeat.pick(plans(built), store, 1, 3) == repeat.pick(plans(built), store, 1, 3)
    assert len({row.model_key for row in repeat.pick(plans(built), store, 9, 0)}) == 2


def test_nothing_finished_is_nothing_to_train_again(built, store):
    shutil.rmtree(store.root)
    with pytest.raises(InputError, match="paperkit run-all"):
        repeat.pick(plans(built), store, 1)


def test_source_runs_are_copied_where_their_weights_are_and_else_trained_again(built, store, tmp_path):
    source = sealed.run_ids(built)[0]
    spec = sourced(store, source)
    write_run(store, spec, images=60)
    assert [run.id for run in repeat.needed((spec,), store)] == [source, spec.id]
    store.file(source, "weights.safetensors").write_bytes(b"weights")
    assert repeat.needed((spec,), store) == (spec,)
    again = Store(tmp_path / "again")
    repeat.train_again((spec,), store, again, Resources(device="cpu"), lambda _event: None)
    assert again.file(source, "weights.safetensors").read_bytes() == b"weights"
    assert read_json(again.file(spec.id, "seen.json"))["threads"] == 2  # as its record says
    files = [each.file(spec.id, "predictions.npz") for each in (store, again)]
    with np.load(files[0]) as old, np.load(files[1]) as new:
        assert all(np.array_equal(old[name], new[name]) for name in old.files)


@pytest.mark.tex
@TEX
def test_where_nothing_could_be_checked_the_last_line_and_the_code_say_so(built, paperkit):
    assert paperkit("build-pdf").exit_code == 0
    from pypdf import PdfWriter

    blank = built / "blank.pdf"
    writer = PdfWriter()
    writer.add_blank_page(300, 400)
    writer.write(blank)
    result = paperkit("verify", blank, "--no-rebuild")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "nothing was verified"
    blank.write_bytes(blank.read_bytes()[:100])
    result = paperkit("verify", blank, "--no-rebuild")
    assert result.exit_code == 2
    assert "damaged, or was cut off" in result.stderr
