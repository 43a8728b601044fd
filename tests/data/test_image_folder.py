"""A folder of anybody's images becomes a dataset, or the message says what to change."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.data.sources.image_folder import load

HOSTILE = r"50% & _weird_ #1 \input{x}"
GIVEN = {f"{split}/{name}": 3 for split in ("train", "validation", "test") for name in ("happy", "sad")}
Tree = Callable[..., Path]


def test_splits_that_are_given_are_kept(image_tree: Tree) -> None:
    splits = load(image_tree(GIVEN))
    assert splits.classes == ("happy", "sad")
    assert [len(split) for split in splits.each().values()] == [6, 6, 6]
    assert splits.test.ids[0] == "test/happy/000.png"
    assert splits.card.protocol == "the splits as given"


def test_a_zip_gives_what_its_folder_gives(image_tree: Tree, zipped: Callable[[Path], Path]) -> None:
    root = image_tree({**GIVEN, f"train/{HOSTILE}": 2, f"validation/{HOSTILE}": 2, f"test/{HOSTILE}": 2})
    folder, archive = load(root), load(zipped(root))
    for name, split in folder.each().items():
        assert np.array_equal(split.images, archive.each()[name].images)
        assert np.array_equal(split.labels, archive.each()[name].labels)


def test_hostile_class_names_are_kept_letter_by_letter(image_tree: Tree) -> None:
    splits = load(image_tree({HOSTILE: 6, "{": 6, "a b": 6}))
    assert splits.classes == (HOSTILE, "a b", "{")


def test_numbered_classes_stand_in_the_order_of_their_values(image_tree: Tree) -> None:
    assert load(image_tree({str(n): 4 for n in (10, 9, 2)})).classes == ("2", "9", "10")


def test_missing_splits_are_made_the_same_each_time(image_tree: Tree) -> None:
    root = image_tree({"happy": 30, "sad": 20})
    first, again, other = load(root), load(root), load(root, seed=1)
    assert [len(split) for split in first.each().values()] == [35, 5, 10]
    assert first.test.ids.tolist() == again.test.ids.tolist() != other.test.ids.tolist()
    assert "validation (10%) and test (20%) taken from all images" in first.card.protocol


def test_a_missing_validation_split_is_taken_from_train(image_tree: Tree) -> None:
    splits = load(image_tree({"Train/a": 20, "Train/b": 20, "Test/a": 3, "Test/b": 3}))
    assert [len(split) for split in splits.each().values()] == [36, 4, 6]


def test_subjects_are_kept_on_one_side(image_tree: Tree) -> None:
    root = image_tree({})
    for emotion in ("happy", "sad"):
        for person in range(12):
            for shot in range(3):
                path = root / emotion / f"S{person:03d}_{shot}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("L", (48, 48), person * 10 + shot).save(path)
    splits = load(root, subject="/(S[0-9]+)_")
    people = [{key.split("/")[-1][:4] for key in split.ids} for split in splits.each().values()]
    assert sum(map(len, people)) == 12
    assert all(people)
    assert "by subject" in splits.card.protocol


def test_colour_and_size_are_options(image_tree: Tree) -> None:
    splits = load(image_tree({"a": 6, "b": 6}, suffix=".jpg"), size=32, channels=3)
    assert splits.train.images.shape[1:] == (32, 32, 3)


def test_a_card_file_says_what_the_paper_may_say(image_tree: Tree) -> None:
    root = image_tree(GIVEN)
    (root / "card.toml").write_text('title = "Our faces"\nlicence = "CC BY 4.0"\nredistributable = true\n')
    card = load(root).card
    assert (card.title, card.licence, card.redistributable) == ("Our faces", "CC BY 4.0", True)


def test_a_typo_in_a_card_file_is_named(image_tree: Tree) -> None:
    root = image_tree(GIVEN)
    (root / "card.toml").write_text('tite = "Our faces"\n')
    with pytest.raises(InputError, match="Did you mean 'title'"):
        load(root)


def test_corrupt_images_are_left_out_and_listed_by_path(image_tree: Tree) -> None:
    root = image_tree(GIVEN)
    (root / "train/happy/001.png").write_bytes(b"not an image")
    (root / "test/sad/002.png").write_bytes((root / "test/sad/001.png").read_bytes()[:300])
    (root / "test/sad/empty.jpg").touch()
    splits = load(root)
    assert [Path(path).name for path, _ in splits.bad] == ["001.png", "002.png", "empty.jpg"]
    assert [len(split) for split in splits.each().values()] == [5, 6, 5]


def test_hidden_and_other_files_are_no_images(image_tree: Tree) -> None:
    root = image_tree(GIVEN)
    (root / "train/happy/._000.png").write_bytes(b"x")
    (root / "train/happy/notes.txt").write_text("x")
    (root / "__MACOSX/train").mkdir(parents=True)
    assert len(load(root).train) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "train/angry").mkdir(), "train/angry: this class folder holds no images"),
        (lambda root: shutil.rmtree(root / "test/sad"), "the split 'test' has no folder for the class 'sad'"),
        (lambda root: (root / "tets").mkdir(), "tets: not a split. Did you mean 'test'"),
        (lambda root: (root / "train").rename(root / "dev"), "dev and validation are both the validation"),
        (lambda root: shutil.rmtree(root / "train"), "no train folder, only test, validation"),
        (lambda root: shutil.copy(root / "train/sad/000.png", root / "train"), "outside any class folder"),
        (lambda root: (root / "test/happy").rename(root / "test/hapy"), "Did you mean"),
    ],
)
def test_a_wrong_tree_says_where_and_what_to_do(
    image_tree: Tree, change: Callable[[Path], object], message: str
) -> None:
    root = image_tree(GIVEN)
    change(root)
    with pytest.raises(InputError) as error:
        load(root)
    assert message in str(error.value)


def test_an_empty_class_folder_says_how_to_mend_it(image_tree: Tree) -> None:
    root = image_tree(GIVEN)
    for split in ("train", "validation", "test"):
        (root / split / "angry").mkdir()
    with pytest.raises(InputError) as error:
        load(root)
    assert len(error.value.problems) == 3
    assert all("Put images into it, or remove the folder" in problem for problem in error.value.problems)
    assert error.value.exit_code == 2


def test_one_class_is_not_a_dataset(image_tree: Tree) -> None:
    with pytest.raises(InputError, match=r"at least 2 class folders are needed, found 'happy'"):
        load(image_tree({"happy": 4}))


def test_splits_further_down_are_pointed_at(image_tree: Tree) -> None:
    root = image_tree({f"faces/{folder}": 3 for folder in GIVEN})
    assert len(load(root).train) == 6
    (root / "models").mkdir()
    with pytest.raises(InputError, match=r"Give .*faces as the root"):
        load(root)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "no regular expression"),
        ("S[0-9]+", "has 0 groups"),
        ("/(S[0-9]+)_", "finds nobody in 18 of 18"),
    ],
)
def test_a_pattern_that_finds_nobody_is_explained(image_tree: Tree, pattern: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(image_tree(GIVEN), subject=pattern)


def test_a_subject_in_two_given_splits_is_refused(image_tree: Tree) -> None:
    with pytest.raises(InputError, match="3 subjects stand in two split folders, such as 000"):
        load(image_tree(GIVEN), subject="/([0-9]+)[.]png")


def test_a_class_too_small_to_split_is_named(image_tree: Tree) -> None:
    with pytest.raises(InputError, match=r"class 'sad' has 2 images; at least 3 are needed"):
        load(image_tree({"happy": 9, "sad": 2}))


def test_a_zip_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../happy/1.png", b"x")
        archive.writestr("/etc/sad/1.png", b"x")
    with pytest.raises(InputError, match="points outside the archive") as error:
        load(path)
    assert len(error.value.problems) == 2


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "faces.zip"
    path.write_bytes(b"PK but no zip")
    with pytest.raises(InputError, match=r"not a readable zip .* Fetch it again"):
        load(path)


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing is there; expected a folder or a \.zip"):
        load(tmp_path / "absent")
