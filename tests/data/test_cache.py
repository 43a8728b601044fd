"""A dataset is decoded once, found again by its content, and never half written."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.core.part import Part
from paper_kit.data.audit import audit
from paper_kit.data.cache import data_root, open_dataset
from paper_kit.data.dataset import Dataset, dataset_info, open_cached
from paper_kit.data.sources import image_folder

GIVEN = {f"{split}/{name}": 3 for split in ("train", "validation", "test") for name in ("happy", "sad")}
FOLDER = Part(name="image_folder")
Tree = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def opened(root: Path, cache: Path, skip_bad: bool = False) -> Dataset:
    return open_dataset(FOLDER, {"image_folder": root}, cache, skip_bad)


def test_what_is_opened_is_what_was_decoded(image_tree: Tree, cache: Path) -> None:
    root = image_tree(GIVEN)
    dataset, loaded = opened(root, cache), image_folder.load(root)
    for name, split in loaded.each().items():
        again = dataset.split(name)
        assert isinstance(again.images, np.memmap)
        assert np.array_equal(again.images, split.images)
        assert np.array_equal(again.labels, split.labels)
        assert np.array_equal(again.ids, split.ids)
        assert again.targets is None
    assert dataset.card == loaded.card
    assert dataset.counts["train"] == {"happy": 3, "sad": 3}


def test_images_in_the_cache_cannot_be_written_over(image_tree: Tree, cache: Path) -> None:
    images = opened(image_tree(GIVEN), cache).split("train").images
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_a_second_open_decodes_nothing(
    image_tree: Tree, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = image_tree(GIVEN)
    first = opened(root, cache)
    monkeypatch.setattr(image_folder, "load", None)
    assert opened(root, cache) == first


def test_a_changed_file_is_noticed(image_tree: Tree, cache: Path) -> None:
    root = image_tree(GIVEN)
    first = opened(root, cache).fingerprint
    (root / "train/happy/000.png").write_bytes((root / "train/happy/001.png").read_bytes())
    assert opened(root, cache).fingerprint != first


def test_the_fingerprint_is_of_the_content_not_of_the_place(image_tree: Tree, cache: Path) -> None:
    first, second = opened(image_tree(GIVEN), cache), opened(image_tree(GIVEN, name="moved"), cache)
    assert first.fingerprint == second.fingerprint
    assert (first.card.title, second.card.title) == ("images", "moved")
    assert len(list(cache.glob("*/dataset.json"))) == 1


def test_a_changed_card_changes_no_fingerprint(image_tree: Tree, cache: Path) -> None:
    root = image_tree(GIVEN)
    first = opened(root, cache)
    (root / "card.toml").write_text('title = "Renamed"')
    second = opened(root, cache)
    assert second.card.title == "Renamed"
    assert second.fingerprint == first.fingerprint


def test_options_that_change_pixels_change_the_fingerprint(image_tree: Tree, cache: Path) -> None:
    root = {"image_folder": image_tree(GIVEN)}
    parts = [Part(name="image_folder", arguments=options) for options in ({}, {"size": 32}, {"channels": 3})]
    assert len({open_dataset(part, root, cache).fingerprint for part in parts}) == 3


def test_two_folders_of_ones_own_have_names_of_their_own(image_tree: Tree, cache: Path) -> None:
    roots = {"ours": image_tree(GIVEN, name="a"), "theirs": image_tree({**GIVEN, "train/happy": 9}, name="b")}
    parts = [Part(name="image_folder", arguments={"alias": alias}) for alias in roots]
    datasets = [open_dataset(part, roots, cache) for part in parts]
    assert [dataset.card.name for dataset in datasets] == ["ours", "theirs"]
    assert [len(dataset.split("train")) for dataset in datasets] == [6, 12]


def test_corrupt_images_stop_the_open_and_are_listed_together(image_tree: Tree, cache: Path) -> None:
    root = image_tree(GIVEN)
    for name in ("train/happy/001.png", "test/sad/000.png"):
        (root / name).write_bytes(b"broken")
    for _ in range(2):  # decoded now, and from the cache
        with pytest.raises(InputError) as error:
            opened(root, cache)
        assert "2 images cannot be decoded" in error.value.problems[0]
        assert "--skip-bad" in error.value.problems[0]
        assert str(root / "train/happy/001.png") in error.value.problems[1]
        assert len(error.value.problems) == 3
    dataset = opened(root, cache, skip_bad=True)
    assert dataset.dropped == 2
    assert len(dataset.split("train")) == 5


def test_a_link_to_nothing_is_a_corrupt_image(image_tree: Tree, cache: Path) -> None:
    root = image_tree(GIVEN)
    (root / "train/sad/link.png").symlink_to(root / "absent.png")
    for _ in range(2):
        assert opened(root, cache, skip_bad=True).dropped == 1


def test_a_class_whose_images_are_all_corrupt_stops_even_when_bad_ones_are_skipped(
    image_tree: Tree, cache: Path
) -> None:
    root = image_tree(GIVEN)
    for path in (root / "train/sad").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="train has no readable image of sad"):
        opened(root, cache, skip_bad=True)


def test_a_missing_root_says_what_to_type(cache: Path) -> None:
    with pytest.raises(InputError) as error:
        open_dataset(Part(name="fer2013"), {}, cache)
    message = str(error.value)
    for help_ in ("--data fer2013=PATH", "paperkit.local.toml", "export PAPERKIT_DATA=FOLDER"):
        assert help_ in message
    assert error.value.exit_code == 2


def test_a_root_that_is_not_there_is_named(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent: nothing is there; it was given as the data of 'fer2013'"):
        open_dataset(Part(name="fer2013"), {"fer2013": tmp_path / "absent"}, cache)


def test_the_shared_folder_is_used_where_nothing_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fer2013").mkdir()
    monkeypatch.setenv("PAPERKIT_DATA", str(tmp_path))
    assert data_root("fer2013", {}) == (tmp_path / "fer2013").resolve()
    assert data_root("ferplus", {}) is None
    assert data_root("fer2013", {"fer2013": tmp_path}) == tmp_path.resolve()


def test_a_dataset_without_files_needs_no_root(cache: Path) -> None:
    part = Part(name="synthetic_faces", arguments={"train": 70, "validation": 14, "test": 14})
    dataset = open_dataset(part, {}, cache)
    assert open_dataset(part, {}, cache) == dataset
    assert len(dataset.split("train")) == 70


def test_a_dataset_is_found_by_its_fingerprint(image_tree: Tree, cache: Path) -> None:
    dataset = opened(image_tree(GIVEN), cache)
    assert open_cached(dataset.fingerprint, cache) == dataset
    assert open_cached("0" * 16, cache) is None


def test_what_lies_on_disk_can_be_read_without_this_package(image_tree: Tree, cache: Path) -> None:
    dataset = opened(image_tree(GIVEN), cache)
    said = json.loads((dataset.folder / "dataset.json").read_text())
    assert said["card"]["classes"] == ["happy", "sad"]
    assert np.load(dataset.folder / "train_ids.npy").tolist()[0] == "train/happy/000.png"


def test_a_damaged_array_names_the_folder_to_delete(image_tree: Tree, cache: Path) -> None:
    dataset = opened(image_tree(GIVEN), cache)
    (dataset.folder / "train_labels.npy").write_bytes(b"")
    with pytest.raises(InputError, match="Delete this folder"):
        dataset.split("train")


def test_a_split_that_does_not_exist_is_refused(image_tree: Tree, cache: Path) -> None:
    with pytest.raises(InputError, match="expected train, validation, test"):
        opened(image_tree(GIVEN), cache).split("val")


SCRIPT = """
import sys
from pathlib import Path
from paper_kit.core.part import Part
from paper_kit.data.cache import open_dataset
root, cache = map(Path, sys.argv[1:])
dataset = open_dataset(Part(name="image_folder"), {"image_folder": root}, cache)
print(dataset.fingerprint, int(dataset.split("train").images.sum()))
"""


def test_two_processes_at_once_end_with_one_whole_dataset(image_tree: Tree, cache: Path) -> None:
    root = image_tree(dict.fromkeys(GIVEN, 60))
    command = [sys.executable, "-c", SCRIPT, str(root), str(cache)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {run.communicate(timeout=60)[0] for run in runs}
    assert len(said) == 1
    assert [run.returncode for run in runs] == [0, 0]
    assert not list(cache.glob(".*"))
    assert len(list(cache.glob("*/dataset.json"))) == 1


def test_the_info_counts_by_split_and_class(image_tree: Tree, cache: Path) -> None:
    info = dataset_info(opened(image_tree(GIVEN), cache))
    assert info["counts"]["test"] == {"happy": 3, "sad": 3}
    assert info["images"] == {"train": 6, "validation": 6, "test": 6}
    assert info["image_shape"] == [48, 48]
    assert json.dumps(info)


def test_the_audit_finds_copies_conflicts_and_blanks(image_tree: Tree, cache: Path) -> None:
    root = image_tree({**GIVEN, "train/happy": 5})
    first = (root / "train/happy/000.png").read_bytes()
    (root / "train/happy/copy.png").write_bytes(first)
    (root / "test/sad/leak.png").write_bytes(first)
    for place in ("train/sad/blank.png", "test/sad/blank.png"):
        Image.new("L", (48, 48), 7).save(root / place)
    report = audit(opened(root, cache))
    assert [place.id for place in report.blank] == ["train/sad/blank.png", "test/sad/blank.png"]
    assert [[place.id for place in group] for group in report.copies] == [
        ["train/happy/000.png", "train/happy/copy.png", "test/sad/leak.png"]
    ]
    assert report.leaks == report.conflicts == report.copies
    assert report.leaked == {"validation": 0, "test": 1}
    assert report.imbalance == 1.5


def test_the_real_fer2013_opens_fast_again_and_its_known_faults_are_found(
    paperkit_data: Path, cache: Path
) -> None:
    roots = {"fer2013": paperkit_data / "fer2013"}
    dataset = open_dataset(Part(name="fer2013"), roots, cache)
    start = time.perf_counter()
    assert open_dataset(Part(name="fer2013"), roots, cache) == dataset
    assert time.perf_counter() - start < 0.5  # 0.01 s where nothing else runs; benchmarks/data.py measures it
    report = audit(dataset)
    assert len(report.blank) == 13
    assert (len(report.leaks), len(report.conflicts)) == (556, 56)
    assert report.leaked == {"validation": 279, "test": 288}
