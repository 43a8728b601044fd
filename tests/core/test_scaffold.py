"""A new study: what is copied, and what is made for a folder of one's own images."""

import tomllib

import pytest

from paper_kit.core.config import data_roots
from paper_kit.core.errors import InputError
from paper_kit.core.paper import experiment_files, load_paper
from paper_kit.core.plan import load_plans
from paper_kit.core.scaffold import scaffold


def test_a_new_study_holds_what_is_shipped_and_can_be_planned(tmp_path):
    scaffold(tmp_path / "study")
    assert load_paper(tmp_path / "study").experiments == ("quick",)
    assert (tmp_path / "study" / "templates" / "manuscript.tex").is_file()
    assert not list((tmp_path / "study").rglob("runs"))
    assert not list((tmp_path / "study").rglob("LOG.md")), "no searches of this repository"
    (plan,) = load_plans(experiment_files(tmp_path / "study"))
    assert len(plan.trainings) == 12


def test_own_images_become_the_experiment_of_the_paper(tmp_path):
    images = tmp_path / "My faces (2024)"
    images.mkdir()
    scaffold(tmp_path / "study", images)
    assert load_paper(tmp_path / "study").experiments == ("my_faces_2024",)
    (plan,) = load_plans(experiment_files(tmp_path / "study"))
    assert {run.dataset.name for run in plan.trainings} == {"image_folder"}
    assert data_roots(tmp_path / "study") == {"image_folder": images}
    text = (tmp_path / "study" / "experiments" / "my_faces_2024.toml").read_text()
    assert text.startswith("# Question: ")
    assert tomllib.loads(text)["question"].endswith("My faces (2024)?")


def test_images_named_like_a_shipped_experiment_do_not_replace_it(tmp_path):
    (tmp_path / "quick").mkdir()
    scaffold(tmp_path / "study", tmp_path / "quick")
    assert load_paper(tmp_path / "study").experiments == ("own_quick",)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="something is there already"):
        scaffold(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_images_that_are_not_there_are_told_and_nothing_is_written(tmp_path):
    with pytest.raises(InputError, match="expected a folder"):
        scaffold(tmp_path / "study", tmp_path / "none")
    assert not (tmp_path / "study").exists()
