"""AffectNet in its authors' two forms and in class folders."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.data.sources._boxes import Box, cut
from paper_kit.data.sources.affectnet import CLASSES, load
from tests.data.trees import AFFECTNET_HEADER, affectnet_annotations, affectnet_csv

FORMS = {"annotations": affectnet_annotations, "csv": affectnet_csv}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("contempt", [False, True])
def test_the_official_validation_set_is_the_test_set_and_validation_comes_from_train(
    form: str, contempt: bool, tmp_path: Path
) -> None:
    splits = load(FORMS[form](tmp_path), contempt=contempt, validation=0.3, size=16)
    count = 8 if contempt else 7
    assert splits.classes == CLASSES[:count]
    assert np.bincount(splits.test.labels).tolist() == [2] * count
    assert len(splits.train) + len(splits.validation) == 3 * count
    assert not set(splits.train.ids) & set(splits.validation.ids)
    assert all("val" in key for key in splits.test.ids)
    assert splits.bad == ()
    assert splits.card.protocol.endswith(
        "report on the official validation set, as the test set is not public"
    )
    assert splits.card.official_counts == {"test": dict.fromkeys(CLASSES[:count], 500)}


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_the_ids_of_the_annotations(form: str, tmp_path: Path) -> None:
    splits = load(FORMS[form](tmp_path), contempt=True)
    for split in splits.each().values():
        numbers = [int("".join(filter(str.isdigit, Path(key).stem))) for key in split.ids]
        assert split.labels.tolist() == [number % 11 for number in numbers]


def test_an_image_of_the_lists_is_cut_to_the_box_of_its_face(tmp_path: Path) -> None:
    root = affectnet_csv(tmp_path)
    assert load(root, size=20).test.images.min() > 240
    for name in ("training.csv", "validation.csv"):
        (root / name).write_text((root / name).read_text().replace("30,5,20,20", "NULL,NULL,NULL,NULL"))
    assert load(root, size=20).test.images.min() < 20


@pytest.mark.parametrize("box", [(70.0, 5.0, 90.0, 25.0), (10.0, 10.0, 10.0, 10.0)])
def test_a_box_that_does_not_meet_its_image_leaves_it_whole(box: Box, tmp_path: Path) -> None:
    affectnet_csv(tmp_path)
    data = (tmp_path / "Manually_Annotated_Images" / "0" / "training0.png").read_bytes()
    with Image.open(io.BytesIO(cut(data, box))) as whole, Image.open(io.BytesIO(data)) as given:
        assert np.array_equal(np.asarray(whole), np.asarray(given))


def test_class_folders_may_be_numbers_and_val_becomes_the_test_set(image_tree: Callable[..., Path]) -> None:
    numbers = {f"{part}/{label}": 4 for part in ("train", "val") for label in range(8)}
    seven, eight = (load(image_tree(numbers, "n"), contempt=contempt, size=16) for contempt in (False, True))
    assert (len(seven.test), len(eight.test)) == (28, 32)
    assert all(key.startswith("val/") for key in seven.test.ids)
    assert eight.test.labels.tolist() == [int(key.split("/")[1]) for key in eight.test.ids]
    three = {**numbers, **{f"test/{label}": 2 for label in range(8)}}
    given = load(image_tree(three, "three"), size=16)
    assert [len(split) for split in given.each().values()] == [28, 28, 14]
    assert given.card.protocol.endswith("select on the validation folder, report on the test folder")


def test_counts_that_are_not_the_official_ones_are_said_in_the_protocol(tmp_path: Path) -> None:
    protocol = load(affectnet_annotations(tmp_path)).card.protocol
    assert protocol.startswith("not the complete AffectNet (test: neutral 2 (official 500)")


def test_annotations_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    root = affectnet_annotations(tmp_path)
    notes = root / "train_set" / "annotations"
    (notes / "0_exp.npy").write_bytes(b"half a file")
    np.save(notes / "1_exp.npy", np.array("happy"))
    np.save(notes / "2_exp.npy", np.array([1, 2]))
    (root / "train_set" / "images" / "4.jpg").unlink()
    (root / "val_set" / "images" / "5.jpg").write_bytes(b"")
    bad = {Path(path).name: why for path, why in load(root).bad}
    assert bad == {
        **dict.fromkeys(("0_exp.npy", "1_exp.npy", "2_exp.npy"), "no expression from 0 to 10 can be read"),
        "4_exp.npy": "an annotation without its image",
        "5.jpg": "the file is empty",
    }


def test_rows_that_cannot_be_used_are_named_by_line(tmp_path: Path) -> None:
    root = affectnet_csv(tmp_path)
    path = root / "training.csv"
    rows = path.read_text().splitlines()
    rows += ["9/none.png,1,1,5,5,,1,0,0", "0/training0.png,1,1,5,5,,1,0,0", "0/training3.png,1,1,5,5,,x,0,0"]
    path.write_text("\n".join(rows))
    assert [(Path(where).name, why) for where, why in load(root).bad] == [
        ("training.csv line 35", "the image 9/none.png is listed, but not there"),
        ("training.csv line 36", "the image 0/training0.png is listed twice"),
        ("training.csv line 37", "the expression is no number from 0 to 10"),
    ]


def test_a_missing_list_column_set_or_class_is_named(tmp_path: Path, image_tree: Callable[..., Path]) -> None:
    root = affectnet_csv(tmp_path / "a")
    (root / "validation.csv").rename(root / "v.txt")
    with pytest.raises(InputError, match=r"no validation\.csv beside the other list"):
        load(root)
    (root / "v.txt").rename(root / "validation.csv")
    (root / "training.csv").write_text((root / "training.csv").read_text().partition("\n")[2])
    with pytest.raises(InputError, match=r"no column subDirectory_filePath and expression.*with its header"):
        load(root)
    (root / "training.csv").write_text(AFFECTNET_HEADER + "\n")
    with pytest.raises(InputError, match=r"no annotated image of train is here; expected the folders"):
        load(root)
    with pytest.raises(InputError, match=r"too few training images of 'contempt' 0"):
        load(affectnet_annotations(tmp_path / "b", ids=7), contempt=True)
    (tmp_path / "b" / "val_set").rename(tmp_path / "b" / "other")
    with pytest.raises(InputError, match=r"no annotated image of the official validation set is here"):
        load(tmp_path / "b")
    seven = image_tree({f"{part}/{label}": 3 for part in ("train", "val") for label in range(7)}, "c")
    with pytest.raises(InputError, match=r"classes 7 \(contempt\); add them or set contempt = false"):
        load(seven, contempt=True)
    with pytest.raises(InputError, match=r"found all only; expected train_set/"):
        load(image_tree({"happy": 3, "sad": 3}, "d"))


def test_a_wrong_folder_says_what_is_there_and_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(InputError, match=r"no images here, only readme.txt; expected train_set/ and val"):
        load(tmp_path)
