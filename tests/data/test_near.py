"""Near copies: found however they were changed, and not seen where faces are of different people."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paper_kit.core.part import Part, load
from paper_kit.core.record import AuditRecord
from paper_kit.data.audit import audit, audit_record, outdated
from paper_kit.data.cache import open_dataset
from paper_kit.data.dataset import write_dataset
from paper_kit.data.known import counts_differ, known, splits_differ
from paper_kit.data.near import NEAR, near_pairs, prepare, similarity
from paper_kit.data.sources import Split, Splits

REAL = os.environ.get("PAPERKIT_DATA", "")
OFFICIAL = known("fer2013").counts


def shifted(images, dy, dx):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    return padded[:, 1 - dy : 1 - dy + images.shape[1], 1 - dx : 1 - dx + images.shape[2]]


def compressed(images, quality=50):
    files = [io.BytesIO() for _ in images]
    for image, file in zip(images, files, strict=True):
        Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.stack([np.asarray(Image.open(file)) for file in files])


def clipped(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CHANGES = {
    "up": lambda images: shifted(images, -1, 0),
    "down": lambda images: shifted(images, 1, 0),
    "left": lambda images: shifted(images, 0, -1),
    "right": lambda images: shifted(images, 0, 1),
    "mirrored": lambda images: images[:, :, ::-1],
    "brighter": lambda images: clipped(images.astype(float) + 30),
    "darker": lambda images: clipped(images * 0.7),
    "more contrast": lambda images: clipped((images.astype(float) - 128) * 1.5 + 128),
    "JPEG": compressed,
}


@pytest.fixture(scope="module")
def drawn():
    return load("dataset", "synthetic_faces")(train=1000, validation=1, test=1000, seed=4)


def recall(originals, places, among, change):
    """Share of the changed images whose original is found at its place."""
    found = {(pair.left, pair.right) for pair in near_pairs(prepare(change(originals)), among)}
    return np.mean([(n, int(place)) in found for n, place in enumerate(places)])


@pytest.mark.parametrize("change", CHANGES)
def test_planted_copies_of_drawn_faces_are_found(drawn, change):
    places = np.arange(0, 1000, 5)
    images = drawn.train.images
    assert recall(images[places], places, prepare(images), CHANGES[change]) >= 0.95


def test_at_most_one_of_a_thousand_faces_of_different_people_is_flagged(drawn):
    pairs = near_pairs(prepare(drawn.test.images), prepare(drawn.train.images))
    assert len({pair.left for pair in pairs}) <= 1


def test_pairs_are_ranked_by_score_and_know_who_is_mirrored(drawn):
    train = drawn.train.images
    changed = np.stack([CHANGES["JPEG"](train[:1])[0], train[1][:, ::-1], train[2]])
    pairs = near_pairs(prepare(changed), prepare(train))
    assert [(pair.left, pair.right, pair.mirrored) for pair in pairs if pair.left == pair.right] == [
        (1, 1, True),
        (2, 2, False),
        (0, 0, False),
    ]
    scores = [pair.score for pair in pairs]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= NEAR
    assert max(scores) <= 1


def test_colour_and_size_make_no_difference(drawn):
    grey = drawn.train.images[:20]
    large = np.stack([np.asarray(Image.fromarray(image).resize((96, 96)).convert("RGB")) for image in grey])
    assert {(pair.left, pair.right) for pair in near_pairs(prepare(large), prepare(grey))} >= {
        (n, n) for n in range(20)
    }


def test_a_negative_and_an_even_picture_are_like_nothing():
    picture = np.random.default_rng(0).integers(40, 200, (1, 48, 48), dtype=np.uint8)
    even = np.full((1, 48, 48), 90, dtype=np.uint8)
    assert similarity(picture, 240 - picture).item() < 0.1
    assert similarity(picture, even).item() == pytest.approx(0, abs=1e-3)
    assert similarity(picture, picture).item() == pytest.approx(1)


def test_no_images_have_no_near_copies(drawn):
    nothing = prepare(np.empty((0, 48, 48), dtype=np.uint8))
    assert near_pairs(nothing, prepare(drawn.train.images)) == ()
    assert near_pairs(prepare(drawn.train.images), nothing) == ()


def a_dataset(tmp_path, drawn, change):
    """Test image 0 is a changed train image 0, test image 1 is train image 1, both under another label."""
    train, test = drawn.train.take(np.arange(60)), drawn.test.take(np.arange(20))
    images = np.array(test.images)
    images[0], images[1] = change(np.asarray(train.images[:1]))[0], train.images[1]
    labels = np.array(test.labels)
    labels[:2] = (train.labels[:2] + 1) % 7
    changed = Split(images, labels, test.ids)
    return write_dataset(
        Splits(card=drawn.card, train=train, validation=drawn.validation, test=changed), tmp_path
    )


def test_the_audit_of_a_dataset_tells_near_copies_from_exact_ones(tmp_path, drawn):
    dataset = a_dataset(tmp_path, drawn, CHANGES["left"])
    found = audit(dataset)
    train, test = dataset.split("train"), dataset.split("test")
    assert [(one.image.id, one.partner.id) for one in found.near] == [(test.ids[0], train.ids[0])]
    assert [{place.id for place in group} for group in found.leaks] == [{train.ids[1], test.ids[1]}]
    assert found.conflicts == found.leaks
    assert found.leaked == {"validation": 0, "test": 1}
    assert found.nearly_leaked == {"validation": 0, "test": 1}


def test_the_record_of_an_audit_survives_json_and_holds_no_pixels(tmp_path, drawn):
    dataset = a_dataset(tmp_path, drawn, CHANGES["mirrored"])
    record = audit_record(Part(name="synthetic_faces"), dataset, audit(dataset))
    again = AuditRecord.model_validate_json(record.model_dump_json())
    assert again == record
    assert again.test_leaked == set(dataset.split("test").ids[:2].tolist())
    assert again.near[0].mirrored
    assert not outdated(again)
    assert outdated(again.model_copy(update={"scan": {"version": 0}}))
    assert len(record.model_dump_json()) < 3000


def test_exchanged_counts_are_named_as_such():
    swapped = {**OFFICIAL["test"], "fear": 879, "happy": 528}
    assert counts_differ(swapped, OFFICIAL["test"]) == "the counts of fear and happy are exchanged"
    assert counts_differ(OFFICIAL["test"], OFFICIAL["test"]) == ""
    assert counts_differ({**OFFICIAL["test"], "sad": 1}, OFFICIAL["test"]) == "sad 1 (official 594)"


def test_a_class_has_one_spelling_for_all():
    renamed = {"Anger": 491, "Disgust": 55, "Fear": 528, "Happiness": 879, "Sadness": 594, "Surprise": 416}
    assert counts_differ({**renamed, "Neutral": 626}, OFFICIAL["test"]) == ""


def test_exchanged_splits_are_named_as_such():
    found = {**OFFICIAL, "validation": OFFICIAL["test"], "test": OFFICIAL["validation"]}
    assert splits_differ(found, OFFICIAL) == (
        "validation: it has the counts of test",
        "test: it has the counts of validation",
    )


def test_a_validation_split_cut_from_the_official_training_part_is_official():
    part = {name: count // 10 for name, count in OFFICIAL["train"].items()}
    rest = {name: count - part[name] for name, count in OFFICIAL["train"].items()}
    both = {name: count + OFFICIAL["test"][name] for name, count in OFFICIAL["validation"].items()}
    assert splits_differ({"train": rest, "validation": part, "test": both}, OFFICIAL) == ()
    assert splits_differ({"train": rest, "validation": part, "test": OFFICIAL["test"]}, OFFICIAL) == ()
    assert splits_differ({"train": rest, "validation": part, "test": part}, OFFICIAL)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The real FER2013; tests of it are skipped where it is not at hand."""
    if not REAL:
        pytest.skip("needs the real FER2013: set PAPERKIT_DATA to a folder that holds fer2013/fer2013.csv")
    roots = {"fer2013": Path(REAL) / "fer2013"}
    return open_dataset(Part(name="fer2013"), roots, tmp_path_factory.mktemp("cache"))


@pytest.mark.slow
def test_on_real_fer2013_the_audit_finds_copies_conflicts_and_blanks_and_ranks_near_ones(real):
    found = audit(real)
    with_train = [{place.split for place in group} for group in found.leaks]
    assert sum(splits >= {"train", "test"} for splits in with_train) > 200
    assert sum(splits >= {"train", "validation"} for splits in with_train) > 200
    assert len(found.conflicts) > 20
    assert len(found.blank) > 5
    assert found.unofficial == ()
    assert found.nearly_leaked["test"] > 100
    scores = [one.score for one in found.near]
    assert scores == sorted(scores, reverse=True)
    assert {one.image.id for one in found.near}.isdisjoint(place.id for place in found.blank)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_copies_planted_among_the_real_faces_are_found(real, change):
    images = np.asarray(real.split("train").images[:10_000])
    shows = np.flatnonzero(np.ptp(images.reshape(len(images), -1).astype(int), axis=1) > 8)
    places = np.random.default_rng(0).choice(shows, 400, replace=False)
    assert recall(images[places], places, prepare(images), CHANGES[change]) >= 0.95
