"""RAF-DB in the authors' form and in class folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.core.part import Part
from paper_kit.data.cache import open_dataset
from paper_kit.data.sources.rafdb import CLASSES, load
from tests.data.trees import picture, rafdb_list


def test_labels_are_those_of_the_list_and_the_split_is_that_of_the_names(tmp_path: Path) -> None:
    splits = load(rafdb_list(tmp_path / "basic"))
    assert splits.classes == ("surprise", "fear", "disgust", "happy", "sad", "anger", "neutral")
    for split in splits.each().values():
        numbers = [int(Path(key).stem.split("_")[1]) for key in split.ids]
        assert split.labels.tolist() == [(number - 1) % 7 for number in numbers]
        assert split.images.shape[1:] == (100, 100, 3)
    assert [len(split) for split in splits.each().values()] == [21, 7, 14]
    assert all("test_" in key for key in splits.test.ids)
    assert all("train_" in key for split in (splits.train, splits.validation) for key in split.ids)


def test_validation_is_a_stratified_seeded_part_of_train(tmp_path: Path) -> None:
    root = rafdb_list(tmp_path / "basic", train=10)
    first, again, other = (load(root, validation=0.2, seed=seed) for seed in (0, 0, 1))
    assert np.bincount(first.validation.labels).tolist() == [2] * 7
    assert first.validation.ids.tolist() == again.validation.ids.tolist()
    assert first.validation.ids.tolist() != other.validation.ids.tolist()
    assert not set(first.validation.ids) & set(first.train.ids)
    assert "20% of train, stratified, seed 0" in first.card.protocol


def test_class_folders_by_number_or_name_give_the_same_labels(
    image_tree: Callable[..., Path],
) -> None:
    by_number = {f"DATASET/{part}/{label}": 3 for part in ("train", "test") for label in range(1, 8)}
    names = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
    by_name = {f"{part}/{name}": 3 for part in ("train", "test") for name in names}
    for folders, name in ((by_number, "numbers"), (by_name, "names")):
        splits = load(image_tree(folders, name), size=32, channels=1)
        assert np.bincount(splits.test.labels).tolist() == [3] * 7
        expected = {str(place): label for place, label in zip(range(1, 8), CLASSES, strict=True)}
        expected |= dict(zip(names, CLASSES, strict=True))
        told = [expected[key.split("/")[-2]] for key in splits.train.ids]
        assert told == [CLASSES[label] for label in splits.train.labels]
    given = load(image_tree({**by_name, **{f"val/{name}": 2 for name in names}}, "three"))
    assert len(given.validation) == 14
    assert "select on validation" in given.card.protocol


def test_a_zip_is_read_in_place(tmp_path: Path, zipped: Callable[[Path], Path]) -> None:
    root = rafdb_list(tmp_path / "basic")
    assert load(zipped(root)).train.labels.tolist() == load(root).train.labels.tolist()


def test_counts_that_are_not_the_official_ones_are_said_in_the_protocol(tmp_path: Path) -> None:
    card = load(rafdb_list(tmp_path / "basic")).card
    assert card.protocol.startswith("not the complete RAF-DB (test: surprise 2 (official 329)")
    assert "train: 28 images (official 12,271)" in card.protocol
    assert card.official_counts == {
        "test": {
            "surprise": 329, "fear": 74, "disgust": 160, "happy": 1185, "sad": 478, "anger": 162,
            "neutral": 680,
        }
    }  # fmt: skip
    assert sum(card.official_counts["test"].values()) == 3068


def test_missing_and_damaged_images_are_named_and_can_be_skipped(tmp_path: Path) -> None:
    root = rafdb_list(tmp_path / "basic")
    (root / "Image" / "aligned" / "train_00003_aligned.jpg").unlink()
    (root / "Image" / "aligned" / "test_00002_aligned.jpg").write_bytes(b"half a file")
    bad = load(root).bad
    assert [(Path(path).name, why[:24]) for path, why in bad] == [
        ("train_00003_aligned.jpg", f"in {root}"[:24]),
        ("test_00002_aligned.jpg", "not an image in a known "),
    ]
    with pytest.raises(InputError, match=r"2 images cannot be decoded.*--skip-bad"):
        open_dataset(Part(name="rafdb"), {"rafdb": root}, tmp_path / "cache")
    dataset = open_dataset(Part(name="rafdb"), {"rafdb": root}, tmp_path / "cache", skip_bad=True)
    assert sum(sum(row.values()) for row in dataset.counts.values()) == 40


def test_colour_is_kept_or_made_grey_and_any_size_is_resized(tmp_path: Path) -> None:
    root = rafdb_list(tmp_path / "basic")
    Image.new("CMYK", (57, 81), (0, 200, 200, 0)).save(root / "Image/aligned/train_00001_aligned.jpg")
    Image.new("L", (9, 300), 128).save(root / "Image/aligned/train_00002_aligned.jpg")
    assert load(root, size=48).train.images.shape == (21, 48, 48, 3)
    assert load(root, size=48, channels=1).train.images.shape == (21, 48, 48)


def test_originals_without_aligned_images_are_refused_with_the_zip_to_unpack(tmp_path: Path) -> None:
    root = rafdb_list(tmp_path / "basic")
    for file in (root / "Image" / "aligned").iterdir():
        file.rename(file.with_name(file.name.replace("_aligned", "")))
    with pytest.raises(InputError, match=r"none of the aligned images of train and test.*aligned\.zip"):
        load(root)


@pytest.mark.parametrize("line", ["train_00001.jpg", "train_00001.jpg 8", "valid_00001.jpg 3", "a b c"])
def test_a_faulty_line_of_the_list_is_named(line: str, tmp_path: Path) -> None:
    root = rafdb_list(tmp_path / "basic")
    labels = root / "EmoLabel" / "list_patition_label.txt"
    labels.write_text(line + "\n" + labels.read_text())
    with pytest.raises(InputError, match=r"label.txt line 1: .*expected 'train_00001.jpg 5'"):
        load(root)


def test_a_wrong_folder_says_what_is_there_and_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "Image").mkdir()
    (tmp_path / "Image" / "aligned.zip").write_bytes(b"")
    with pytest.raises(InputError, match=r"only Image; expected EmoLabel/list.*Unpack .*aligned.zip first"):
        load(tmp_path)
    with pytest.raises(InputError, match=r"expected a folder or a .zip"):
        load(tmp_path / "nowhere")


def test_a_missing_list_or_class_or_test_part_is_named(
    tmp_path: Path, image_tree: Callable[..., Path]
) -> None:
    picture(tmp_path / "aligned" / "train_00001_aligned.jpg", 0)
    with pytest.raises(InputError, match=r"no list_patition_label.txt.*folder above"):
        load(tmp_path)
    lacking = {f"{part}/{label}": 3 for part in ("train", "test") for label in range(1, 7)}
    with pytest.raises(InputError, match=r"no folder for the classes 7 \(neutral\)"):
        load(image_tree(lacking, "lacking"))
    with pytest.raises(InputError, match=r"found train only; expected EmoLabel"):
        load(image_tree({f"train/{label}": 3 for label in range(1, 8)}, "untested"))
    with pytest.raises(InputError, match=r"boredom: not a class of this dataset"):
        load(image_tree({"train/boredom": 3, "train/1": 3, "test/1": 3}, "other"))


def test_a_list_without_a_class_and_odd_options_are_refused(tmp_path: Path) -> None:
    root = rafdb_list(tmp_path / "basic")
    labels = root / "EmoLabel" / "list_patition_label.txt"
    labels.write_text("\n".join(row for row in labels.read_text().splitlines() if not row.endswith("2")))
    with pytest.raises(InputError, match=r"too few training images of 'fear' 0; at least 2"):
        load(root)
    with pytest.raises(InputError, match=r"size = 4; expected 8 to 1024"):
        load(root, size=4)
