"""FER2013 is read in every form it is found in, and its official counts are held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.data.sources import fer2013
from paper_kit.data.sources.fer2013 import BOTH_TESTS, CLASSES, OFFICIAL, check_counts, load

Write = Callable[..., Path]


def same(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.array_equal(first, second))


def test_the_official_counts_are_those_of_the_contest() -> None:
    assert [sum(row) for row in OFFICIAL.values()] == [28709, 3589, 3589]


def test_both_headers_and_their_zips_give_the_same_images(
    fer_csv: Write, zipped: Callable[[Path], Path]
) -> None:
    first = fer_csv()
    second = fer_csv("icml_face_data.csv", form="icml_face_data")
    loaded = [load(path, official=False) for path in (first, second, zipped(first), zipped(second))]
    for other in loaded[1:]:
        for name, split in loaded[0].each().items():
            assert same(split.images, other.each()[name].images)
            assert same(split.labels, other.each()[name].labels)
            assert same(split.ids, other.each()[name].ids)


def test_the_usage_column_is_the_split(fer_csv: Write) -> None:
    splits = load(fer_csv(), official=False)
    assert [len(split) for split in splits.each().values()] == [28, 14, 14]
    assert splits.train.ids[0] == "00000"
    assert splits.test.labels.tolist() == list(range(7)) * 2


def test_windows_line_ends_and_quotes_do_no_harm(fer_csv: Write) -> None:
    path = fer_csv()
    plain = load(path, official=False)
    lines = path.read_text().splitlines()
    quoted = [lines[0], *(line.replace(",", ',"', 1)[::-1].replace(",", ',"', 1)[::-1] for line in lines[1:])]
    path.write_bytes("\r\n".join(["\ufeff" + quoted[0], *quoted[1:], "", ""]).encode())
    assert same(plain.test.images, load(path, official=False).test.images)


def test_a_folder_that_holds_the_csv_is_enough(fer_csv: Write) -> None:
    assert len(load(fer_csv("archive/fer2013.csv").parent.parent, official=False).train) == 28


@pytest.mark.parametrize(
    "names",
    [
        CLASSES,
        [str(label) for label in range(7)],
        ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"],
        ["anger", "disgusted", "fearful", "happiness", "sadness", "surprised", "neutral"],
    ],
)
@pytest.mark.parametrize(
    "splits", [("train", "validation", "test"), ("Training", "PublicTest", "PrivateTest")]
)
def test_the_folder_tree_is_read_under_every_spelling(
    image_tree: Write, names: list[str], splits: tuple[str, ...]
) -> None:
    loaded = load(image_tree({f"{split}/{name}": 2 for split in splits for name in names}), official=False)
    assert loaded.classes == CLASSES
    for split in loaded.each().values():
        assert split.labels.tolist() == np.repeat(range(7), 2).tolist()
        assert split.images.shape == (14, 48, 48)


def test_a_missing_validation_split_is_made_from_training_alone(image_tree: Write) -> None:
    root = image_tree({f"{split}/{name}": 20 for split in ("train", "test") for name in CLASSES})
    loaded, again = load(root, official=False), load(root, official=False)
    assert [len(split) for split in loaded.each().values()] == [126, 14, 140]
    assert np.bincount(loaded.validation.labels).tolist() == [2] * 7
    assert same(loaded.validation.ids, again.validation.ids)
    assert all(key.startswith("train/") for key in loaded.validation.ids)
    assert "select on 10% of Training, stratified, seed 0" in loaded.card.protocol


def test_a_folder_of_one_zip_is_enough(
    image_tree: Write, zipped: Callable[[Path], Path], tmp_path: Path
) -> None:
    tree = image_tree({f"{split}/{name}": 2 for split in ("train", "val", "test") for name in CLASSES})
    home = tmp_path / "home"
    home.mkdir()
    zipped(tree).rename(home / "archive.zip")
    assert len(load(home, official=False).train) == 14


def test_a_part_of_the_data_is_refused_with_the_counts(fer_csv: Write) -> None:
    with pytest.raises(InputError) as error:
        load(fer_csv())
    assert "train angry 4 (official 3,995)" in str(error.value)
    assert "test neutral 2 (official 626)" in str(error.value)
    assert "official = false" in str(error.value)


def test_a_tree_may_leave_public_test_out_or_have_it_in_test() -> None:
    check_counts(OFFICIAL, Path("x"))
    check_counts({"train": OFFICIAL["train"], "test": OFFICIAL["test"]}, Path("x"))
    check_counts({"train": OFFICIAL["train"], "test": BOTH_TESTS}, Path("x"))
    with pytest.raises(InputError, match="test angry 958"):
        check_counts({**OFFICIAL, "test": BOTH_TESTS}, Path("x"))


def test_unreadable_rows_are_listed_by_line(fer_csv: Write) -> None:
    path = fer_csv()
    lines = path.read_text().splitlines()
    lines[1] = "7" + lines[1][1:]
    lines[3] = lines[3].replace("Training", "Trainig")
    lines[5] = lines[5].replace(" ", "  ", 1)
    lines[7] = lines[7].replace(" ", " 999 ", 1)
    lines[9] = "3,1 2 3,Training"
    lines[11] = "3"
    path.write_text("\n".join(lines))
    loaded = load(path, official=False)
    assert [where.rpartition(" ")[2] for where, _ in loaded.bad] == ["2", "4", "8", "10", "12"]
    assert "the emotion is '7'" in loaded.bad[0][1]
    assert "'Trainig'" in loaded.bad[1][1]
    assert "3 pixels in place of 2304" in loaded.bad[3][1]
    assert len(loaded.train) == 23


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,3\n", "expected the columns emotion, pixels and Usage"),
        ("emotion,pixels\n1,2\n", "no column Usage"),
        ("emotion,pixels,Usage\n", "no rows below the header"),
        ("emotion,pixels,Usage\n" + "1" * 70000, "longer than a row of FER2013"),
        ("", "the first line is ''"),
    ],
)
def test_a_file_that_is_not_fer2013_says_what_was_found(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load(path)


def test_a_csv_in_a_damaged_zip_is_refused(fer_csv: Write, zipped: Callable[[Path], Path]) -> None:
    archive = zipped(fer_csv())
    data = bytearray(archive.read_bytes())
    data[2000:2100] = bytes(100)
    archive.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"a damaged zip .* Fetch it again"):
        load(archive, official=False)


def test_an_empty_root_says_what_it_may_hold(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(InputError, match=r"found readme.txt; expected fer2013.csv, icml_face_data.csv"):
        load(tmp_path)


def test_a_class_that_is_not_of_fer2013_is_named(image_tree: Write) -> None:
    tree = image_tree({f"{split}/{name}": 1 for split in ("train", "test") for name in ("happy", "contempt")})
    with pytest.raises(InputError, match="contempt: not a class of this dataset"):
        load(tree)


def test_a_csv_without_a_test_part_is_refused(fer_csv: Write) -> None:
    with pytest.raises(InputError, match="needs a training and a test part; found train"):
        load(fer_csv(each={"Training": 3}), official=False)


def test_the_real_csv_and_the_real_tree_hold_the_same_pixels(paperkit_data: Path) -> None:
    csv = load(paperkit_data / "fer2013")
    tree = load(paperkit_data / "fer2013" / "folders")
    assert csv.card.protocol == tree.card.protocol
    assert csv.card.ceiling == 0.65
    for name, split in csv.each().items():
        numbers = [int(key.split("/")[-1][:5]) for key in tree.each()[name].ids]
        order = np.argsort(numbers)
        assert same(split.images, tree.each()[name].images[order])
        assert same(split.labels, tree.each()[name].labels[order])


def test_the_folder_names_cover_all_classes() -> None:
    assert set(fer2013.FOLDERS.values()) == set(CLASSES)


def test_a_face_of_another_size_is_made_48_pixels(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in range(7):
            for shot in range(2):
                path = tmp_path / split / str(label) / f"{shot}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (100, 100), (label, 0, 0)).save(path)
    loaded = load(tmp_path, official=False, validation=0.5)
    assert loaded.train.images.shape == (7, 48, 48)
