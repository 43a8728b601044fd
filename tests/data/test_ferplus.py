"""FER+ is joined to FER2013 row by row, and its rules are those of the authors' reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from paper_kit.core.errors import InputError
from paper_kit.data.sources.ferplus import CLASSES, COLUMNS, _distribution, _majority, load

NEUTRAL = [10, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def votes_of(**given: int) -> np.ndarray:
    """Ten votes by name, single ones dropped."""
    votes = np.array([given.get(name, 0) for name in COLUMNS[2:]])
    return np.where(votes > 1, votes, 0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"happiness": 10}, "happiness"),
        ({"neutral": 5, "sadness": 4}, "neutral"),
        ({"neutral": 5, "sadness": 5}, None),
        ({"anger": 3, "neutral": 1, "fear": 1, "sadness": 1, "unknown": 1, "disgust": 1}, "anger"),
        ({"unknown": 6, "sadness": 4}, None),
        ({"NF": 10}, None),
        (dict.fromkeys(COLUMNS[2:], 1), None),
    ],
)
def test_a_majority_is_more_than_half_of_what_is_left(given: dict[str, int], expected: str | None) -> None:
    label = _majority(votes_of(**given))
    assert (CLASSES[label] if label >= 0 else None) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"happiness": 10}, {"happiness": 1.0}),
        ({"happiness": 8, "surprise": 2}, {"happiness": 1.0}),
        ({"happiness": 6, "surprise": 4}, {"happiness": 0.6, "surprise": 0.4}),
        ({"neutral": 4, "sadness": 3, "anger": 3}, {"neutral": 0.4, "sadness": 0.3, "anger": 0.3}),
        ({"neutral": 6, "unknown": 4}, {"neutral": 1.0}),
        ({"neutral": 4, "unknown": 4, "sadness": 2}, {}),
        ({"unknown": 6, "sadness": 4}, {}),
        ({"neutral": 2, "sadness": 2, "anger": 2, "fear": 2}, {}),
    ],
)
def test_a_distribution_holds_the_classes_that_most_voted_for(
    given: dict[str, int], expected: dict[str, float]
) -> None:
    shares = _distribution(votes_of(**given))
    assert {name: share for name, share in zip(CLASSES, shares.tolist(), strict=True) if share} == expected


@pytest.fixture
def ferplus(fer_csv: Callable[..., Path]) -> Callable[..., Path]:
    """Writes small FER2013 and FER+ files and gives the path of the votes."""

    def write(votes: Sequence[Sequence[int]] = (), names: Sequence[str] = ()) -> Path:
        csv = fer_csv()
        usages = [line.rpartition(",")[2] for line in csv.read_text().splitlines()[1:]]
        lines = [",".join(COLUMNS)]
        for row, usage in enumerate(usages):
            own = [0] * 10
            own[row % 8] = 10
            own = list(votes[row]) if row < len(votes) else own
            name = names[row] if row < len(names) else f"fer{row:07d}.png"
            lines.append(",".join([usage, name, *map(str, own)]))
        path = csv.with_name("fer2013new.csv")
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_row_i_of_the_votes_belongs_to_row_i_of_the_images(ferplus: Callable[..., Path]) -> None:
    splits = load(ferplus(), official=False)
    for split in splits.each().values():
        assert split.labels.tolist() == [int(key) % 8 for key in split.ids]
    assert splits.train.targets is None


def test_rows_without_a_name_and_without_a_majority_are_left_out(ferplus: Callable[..., Path]) -> None:
    torn = [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]
    unknown = [0, 0, 0, 0, 0, 0, 0, 0, 10, 0]
    splits = load(ferplus([NEUTRAL, torn, unknown], ["a.png", "b.png", "c.png", ""]), official=False)
    assert splits.train.ids[:2].tolist() == ["00000", "00004"]


def test_soft_modes_train_on_distributions_and_evaluate_on_majorities(ferplus: Callable[..., Path]) -> None:
    torn = [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]
    path = ferplus([torn] * 40)
    soft, drawn = (load(path, labels=mode, official=False) for mode in ("cross_entropy", "probability"))
    assert soft.train.targets is not None
    assert soft.train.targets[0].tolist() == [0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert len(soft.train) == 28
    assert len(soft.validation) == 2  # of 14: 12 are torn between two classes
    assert np.allclose(soft.validation.targets.sum(axis=1), 1)
    assert (soft.draw_labels, drawn.draw_labels) == (False, True)


def test_an_unknown_mode_is_refused_with_the_nearest(ferplus: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="Did you mean 'majority'"):
        load(ferplus(), labels="mayority")  # type: ignore[arg-type]


def test_the_images_may_lie_elsewhere(ferplus: Callable[..., Path], tmp_path: Path) -> None:
    votes = ferplus()
    (tmp_path / "some" / "where").mkdir(parents=True)
    images = votes.with_name("fer2013.csv").rename(tmp_path / "some" / "where" / "fer2013.csv")
    assert len(load(votes, images, official=False).test) == 14
    with pytest.raises(InputError, match=r"--data fer2013=path/fer2013.csv"):
        load(votes, official=False)


def test_votes_of_another_length_are_refused(ferplus: Callable[..., Path]) -> None:
    path = ferplus()
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(InputError, match=r"55 rows, but .*fer2013.csv has 56"):
        load(path, official=False)


def test_votes_in_another_order_are_refused_by_line(ferplus: Callable[..., Path]) -> None:
    path = ferplus()
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-1]]))
    with pytest.raises(InputError, match=r"line 2: 'PrivateTest, .* does not fit Training") as error:
        load(path, official=False)
    assert "original order" in error.value.problems[-1]


def test_a_missing_votes_file_is_named(tmp_path: Path, fer_csv: Callable[..., Path]) -> None:
    fer_csv()
    with pytest.raises(InputError, match=r"--data ferplus=path"):
        load(tmp_path, official=False)


def test_the_real_votes_give_the_counts_that_are_known(paperkit_data: Path) -> None:
    splits = load(paperkit_data / "ferplus", paperkit_data / "fer2013")
    assert [len(split) for split in splits.each().values()] == [25060, 3199, 3153]
    assert np.bincount(splits.test.labels).tolist() == [1090, 893, 396, 384, 273, 18, 83, 16]
