"""CK+ in its authors' form and in class folders; nobody stands in two splits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.errors import InputError
from paper_kit.data.sources.ckplus import load
from tests.data.trees import ckplus_folders, ckplus_sequences, picture

FORMS = {"sequences": ckplus_sequences, "folders": ckplus_folders}
SEVEN = ("anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")


@pytest.mark.parametrize("form", FORMS)
def test_no_person_is_in_two_splits_and_each_split_has_images(form: str, tmp_path: Path) -> None:
    splits = load(FORMS[form](tmp_path, people=10), validation=0.2, test=0.2)
    people = {name: {Path(key).stem[:4] for key in split.ids} for name, split in splits.each().items()}
    assert sorted(map(len, people.values())) == [2, 2, 6]
    assert len(set.union(*people.values())) == 10
    assert splits.classes == SEVEN
    for split in splits.each().values():
        assert split.images.shape[1:] == (48, 48)
        assert np.bincount(split.labels, minlength=7).min() > 0
    assert "no person is in two of train, validation and test" in splits.card.protocol


@pytest.mark.parametrize("form", FORMS)
def test_the_last_frames_of_each_labelled_sequence_are_taken(form: str, tmp_path: Path) -> None:
    root = FORMS[form](tmp_path)
    for frames in (1, 3):
        splits = load(root, frames=frames)
        stems = [Path(key).stem for split in splits.each().values() for key in split.ids]
        last = 5 if form == "sequences" else 13
        assert len(stems) == 8 * 7 * frames
        assert {int(stem[-8:]) for stem in stems} == set(range(last - frames + 1, last + 1))
        assert not any("_008_" in stem for stem in stems)


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_those_of_the_sequence_and_contempt_may_be_left_out(form: str, tmp_path: Path) -> None:
    root = FORMS[form](tmp_path)
    for contempt in (True, False):
        splits = load(root, contempt=contempt)
        for split in splits.each().values():
            told = [SEVEN[int(Path(key).stem.split("_")[1]) - 1] for key in split.ids]
            assert told == [splits.classes[label] for label in split.labels]
            assert ("contempt" in told) == contempt


def test_neutral_folders_are_a_class_of_their_own(tmp_path: Path) -> None:
    root = ckplus_folders(tmp_path)
    for person in range(8):
        picture(root / "neutral" / f"S{person + 5:03d}_001_00000001.png", person, colour=False)
    splits = load(root)
    assert splits.classes == ("neutral", *SEVEN)
    assert sum(int((split.labels == 0).sum()) for split in splits.each().values()) == 8


def test_images_are_cut_to_the_landmarks_where_these_are_there(tmp_path: Path) -> None:
    root = ckplus_sequences(tmp_path, frames=1, landmarks=True)
    cut, split = load(root, size=26), load(root, size=26).train
    path = root / str(split.ids[0])
    expected = np.asarray(Image.open(path))[7:33, 17:43]  # 20 to 40 and 10 to 30, with 3 pixels around
    assert np.array_equal(split.images[0], expected)
    for note in root.rglob("*_landmarks.txt"):
        note.unlink()
    assert not np.array_equal(load(root, size=26).train.images, cut.train.images)


def test_the_number_of_labelled_sequences_is_said_where_it_is_not_the_official_one(tmp_path: Path) -> None:
    splits = load(ckplus_sequences(tmp_path, people=4))
    assert splits.card.protocol.startswith("28 labelled sequences (official 327): the last 3 frames")
    assert "validation (10%) and test (20%) by person, seed 0" in splits.card.protocol


def test_the_seed_deals_the_people_anew(tmp_path: Path) -> None:
    root = ckplus_folders(tmp_path)
    tests = [load(root, seed=seed).test.ids.tolist() for seed in (0, 0, 3)]
    assert tests[0] == tests[1] != tests[2]


def test_a_damaged_label_or_image_is_named(tmp_path: Path) -> None:
    root = ckplus_sequences(tmp_path)
    notes = sorted(root.rglob("*_emotion.txt"))
    notes[0].write_text("surprised")
    notes[1].write_text(" 9.0e+00 ")
    image = root / "cohn-kanade-images" / "S006" / "003" / "S006_003_00000005.png"
    image.write_bytes(b"half a file")
    bad = dict(load(root).bad)
    assert bad == {
        str(notes[0]): "no label from 0 to 7 of a sequence",
        str(notes[1]): "no label from 0 to 7 of a sequence",
        str(image): "not an image in a known format",
    }


def test_images_without_labels_are_refused_with_what_to_unpack(tmp_path: Path) -> None:
    root = ckplus_sequences(tmp_path)
    for note in root.rglob("*_emotion.txt"):
        note.unlink()
    with pytest.raises(InputError, match=r"no Emotion/.*Unpack Emotion_labels\.zip there"):
        load(root)


def test_split_folders_are_refused_because_copies_mix_people(image_tree: Callable[..., Path]) -> None:
    root = image_tree({}, "c")
    for part in ("train", "test"):
        picture(root / part / "happy" / f"S010_00{len(part)}_00000003.png", 0)
        picture(root / part / "fear" / f"S011_00{len(part)}_00000003.png", 0)
    with pytest.raises(InputError, match=r"found the splits (train, test|test, train).*split by person here"):
        load(root)


def test_names_that_name_nobody_and_a_sequence_in_two_classes_are_refused(tmp_path: Path) -> None:
    root = ckplus_folders(tmp_path)
    picture(root / "happy" / "face.png", 0)
    with pytest.raises(InputError, match=r"1 images are not named as in CK\+.*face.png"):
        load(root)
    (root / "happy" / "face.png").unlink()
    picture(root / "fear" / "S005_001_00000020.png", 0)
    with pytest.raises(InputError, match=r"S005_001 lies in anger and fear; keep one"):
        load(root)


def test_a_wrong_folder_too_few_people_and_odd_options_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"only nothing; expected cohn-kanade-images/ beside Emotion/"):
        load(tmp_path / "empty")
    root = ckplus_folders(tmp_path / "two", people=2)
    with pytest.raises(InputError, match=r"2 subjects were found.*at least 3"):
        load(root)
    with pytest.raises(InputError, match=r"frames = 0; expected 1 or more"):
        load(root, frames=0)
