"""Published tables: what their rounding allows, and what no rounding explains."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_kit.analysis.consistency import consistency
from paper_kit.analysis.printed import Interval, behind, exactly, share
from paper_kit.analysis.published import PrintedTable, read_tables
from paper_kit.core.errors import InputError
from paper_kit.data.known import known

EXAMPLE = Path(__file__).parent / "published" / "tables.toml"
TEST = known("fer2013").counts["test"]


@pytest.fixture(scope="module")
def tables():
    return {table.name: table for table in read_tables(EXAMPLE)}


def outcome(table):
    return {check.name: check for check in consistency(table)}


def a_table(**values):
    return PrintedTable.model_validate({"name": "t", **values})


def from_counts(counts_KK, names, digits=1, **more):
    """The table that an honest paper prints for a confusion matrix."""
    right, supports = counts_KK.diagonal(), counts_KK.sum(axis=1)
    predicted = np.maximum(counts_KK.sum(axis=0), 1)
    recalls = [Fraction(int(r), int(s)) for r, s in zip(right, supports, strict=True)]
    precisions = [Fraction(int(r), int(p)) for r, p in zip(right, predicted, strict=True)]
    f1 = [2 * a * b / (a + b) if a + b else Fraction(0) for a, b in zip(recalls, precisions, strict=True)]

    def printed(value):
        return Decimal(round(100 * value * 10**digits)).scaleb(-digits)

    return a_table(
        classes=names,
        supports=dict(zip(names, supports.tolist(), strict=True)),
        confusion=[[printed(Fraction(int(cell), int(sum(row)))) for cell in row] for row in counts_KK],
        confusion_in="percent",
        recalls=dict(zip(names, map(printed, recalls), strict=True)),
        precisions=dict(zip(names, map(printed, precisions), strict=True)),
        accuracy=printed(Fraction(int(right.sum()), int(supports.sum()))),
        balanced_accuracy=printed(sum(recalls) / len(recalls)),
        macro_precision=printed(sum(precisions) / len(precisions)),
        macro_f1=printed(sum(f1) / len(f1)),
        **more,
    )


def test_a_number_stands_for_all_that_round_to_it():
    assert behind(Decimal("72.40")) == Interval(Fraction("72.395"), Fraction("72.405"))
    assert behind(Decimal("72")) == Interval(Fraction("71.5"), Fraction("72.5"))
    assert share(Decimal("100")) == Interval(Fraction("99.5"), Fraction(100))
    assert behind(Decimal("72.40")).text == "72.395 to 72.405"
    assert exactly(3).text == "3"


def test_the_digits_are_those_typed(tables):
    assert str(tables["No number of images"].accuracy) == "72.40"
    assert str(tables["Counts of two classes exchanged"].accuracy) == "70.52"
    assert str(tables["Difference with the wrong sign"].base) == "72.4"


def test_the_examples_are_told_apart(tables):
    wrong = {name for name, table in tables.items() if any(c.ok is False for c in consistency(table))}
    assert wrong == {
        "Recalls cannot give the accuracy",
        "Counts of two classes exchanged",
        "No number of images",
        "Confusion whose rows do not sum to 100",
        "Difference with the wrong sign",
    }


@given(
    st.integers(2, 7).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 400), min_size=k, max_size=k), min_size=k, max_size=k)
    ),
    st.integers(0, 3),
)
def test_no_honest_table_is_called_inconsistent_whatever_its_digits(rows, digits):
    counts_KK = np.array(rows) + np.eye(len(rows), dtype=int)
    table = from_counts(counts_KK, [f"class {n}" for n in range(len(rows))], digits)
    assert [check for check in consistency(table) if check.ok is False] == []


@pytest.mark.parametrize("key", ["accuracy", "balanced_accuracy", "macro_f1", "macro_precision"])
def test_a_number_that_is_off_by_one_point_is_found(key):
    counts_KK = np.array([[400, 60, 31], [20, 30, 5], [90, 80, 358]])
    honest = from_counts(counts_KK, ["a", "b", "c"], digits=2)
    changed = honest.model_copy(update={key: getattr(honest, key) + 1})
    assert all(check.ok is not False for check in consistency(honest))
    assert any(check.ok is False for check in consistency(changed))


@pytest.mark.parametrize(("key", "check"), [
    ("recalls", "Diagonal of the confusion matrix is the recalls"),
    ("precisions", "Columns of the confusion matrix give the precisions"),
])  # fmt: skip
def test_one_class_that_is_off_is_named(key, check):
    counts_KK = np.array([[400, 60, 31], [20, 30, 5], [90, 80, 358]])
    honest = from_counts(counts_KK, ["a", "b", "c"], digits=2)
    values = {**getattr(honest, key), "b": getattr(honest, key)["b"] + 3}
    found = outcome(honest.model_copy(update={key: values}))[check]
    assert found.ok is False
    assert found.sentence.startswith("b ")
    assert "a " not in found.sentence.replace("b ", "")[:5]


def test_an_inconsistent_table_shows_both_intervals(tables):
    found = outcome(tables["Recalls cannot give the accuracy"])["Recall times support is the accuracy"]
    assert found.ok is False
    assert found.sentence.startswith("recall times support gives 69.")
    assert "printed 75.395 to 75.405; no value is in both" in found.sentence


def test_exchanged_counts_are_named_as_such(tables):
    found = outcome(tables["Counts of two classes exchanged"])["Supports"]
    assert (found.ok, found.sentence) == (
        False,
        "not the official ones of FER2013 (test): the counts of fear and sad are exchanged",
    )


def test_an_exchange_that_explains_the_accuracy_is_told():
    recalls = {"angry": 60, "disgust": 60, "fear": 50, "happy": 90, "sad": 55, "surprise": 80, "neutral": 70}
    swapped = {**TEST, "happy": TEST["disgust"], "disgust": TEST["happy"]}
    accuracy = sum(Fraction(recalls[name]) * swapped[name] for name in TEST) / sum(TEST.values())
    table = a_table(
        dataset="fer2013",
        accuracy=Decimal(round(accuracy * 10)).scaleb(-1),
        recalls={name: Decimal(f"{value}.0") for name, value in recalls.items()},
    )
    found = outcome(table)["Recall times support is the accuracy"]
    assert found.ok is False
    assert "were the counts of disgust and happy exchanged" in found.sentence


def test_the_counts_of_the_other_split_are_recognised():
    other = known("fer2013").counts["validation"]
    found = outcome(a_table(dataset="fer2013", supports=dict(other)))["Supports"]
    assert found.ok is False
    assert found.sentence.endswith("they are those of validation")


def test_totals_that_disagree_are_told():
    found = outcome(a_table(dataset="fer2013", images=7178))["Number of images"]
    assert (found.ok, found.sentence) == (False, "the table says 7,178, official are 3,589")
    assert outcome(a_table(dataset="rafdb", images=3068))["Number of images"].ok is True


@given(st.integers(1, 5000), st.data(), st.integers(0, 4))
def test_every_accuracy_of_real_images_passes_grim(images, data, digits):
    right = data.draw(st.integers(0, images))
    printed = Decimal(round(Fraction(100 * right, images) * 10**digits)).scaleb(-digits)
    found = outcome(a_table(images=images, accuracy=printed))["Accuracy is a number of images"]
    assert found.ok is not False


def test_an_accuracy_that_no_number_of_images_gives_shows_its_neighbours(tables):
    found = outcome(tables["No number of images"])["Accuracy is a number of images"]
    assert found.ok is False
    assert found.sentence == (
        "no number of 3,589 images rounds to 72.40 %; nearest are 72.3879 % (2,598) and 72.4157 % (2,599)"
    )
    assert outcome(tables["A number of images"])["Accuracy is a number of images"].ok is True


def test_a_mean_of_runs_has_finer_steps():
    assert outcome(a_table(images=100, accuracy=Decimal("72.33"), mean_of=3))[
        "Accuracy is a number of images"
    ].ok
    one_run = outcome(a_table(images=100, accuracy=Decimal("72.33")))["Accuracy is a number of images"]
    assert one_run.ok is False


def test_too_few_digits_tell_nothing():
    found = outcome(a_table(images=3589, accuracy=Decimal("72.4")))["Accuracy is a number of images"]
    assert found.ok is None


def test_a_recall_that_its_class_cannot_have_is_named():
    supports = {"a": 55, "b": 491}
    recalls = {"a": Decimal("60.9"), "b": Decimal("60.1")}
    found = outcome(a_table(supports=supports, recalls=recalls))["Recalls are numbers of images"]
    assert (found.ok, found.sentence) == (False, "no number of images rounds to a 60.9 % of 55")


def test_rows_in_counts_must_sum_to_the_supports():
    table = a_table(classes=["a", "b"], confusion=[[40, 10], [5, 44]], supports={"a": 50, "b": 50})
    found = outcome(table)["Rows of the confusion matrix"]
    assert (found.ok, found.sentence) == (False, "b sums to 49 and not to 50")


def test_a_difference_is_ablated_less_base_and_a_drop_the_other_way(tables):
    def found(**ablation):
        table = a_table(
            base=Decimal("72.4"),
            ablation=[{"name": "x", "accuracy": Decimal("71.1"), **ablation}],
        )
        return outcome(table)["Difference of x"]

    assert found(delta=Decimal("-1.3")).ok is True
    assert found(delta=Decimal("-1.2")).ok is True  # 72.35 and 71.149 print so
    assert found(delta=Decimal("-1.5")).ok is False
    assert found(drop=Decimal("1.3")).ok is True
    assert found(drop=Decimal("-1.3")).ok is False
    wrong = outcome(tables["Difference with the wrong sign"])["Difference of w/o TTA"]
    assert wrong.sentence.endswith("no value is in both; with the other sign it would be")


def test_an_accuracy_above_what_people_reach_is_doubted_and_not_called_wrong(tables):
    found = outcome(tables["Above what people reach"])["Plausibility ceiling"]
    assert found.ok is None
    assert "`paperkit data audit fer2013`" in found.sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the key 'table' is missing"),
        ('[[table]]\nname = "t"\nacuracy = 1', "Did you mean 'accuracy'?"),
        ('[[table]]\nname = "t"\naccuracy = 172.4', "less than or equal to 100"),
        ('[[table]]\nname = "t"\ndataset = "fer2012"', "Did you mean 'fer2013'?"),
        ('[[table]]\nname = "t"\nconfusion = [[1, 2], [3]]\nclasses = ["a", "b"]', "not square"),
        ('[[table]]\nname = "t"\nconfusion = [[1]]', "name as many `classes`"),
        ('[[table]]\nname = "t"\nrecalls = { Anger = 1, angry = 2 }', "a class stands twice"),
        ('[[table]]\nname = "t"\nsupports = { a = 1 }\nrecalls = { b = 2 }', "the supports have a"),
        ("[[table", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, text, told):
    path = tmp_path / "tables.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r".") as error:
        read_tables(path)
    assert any(told in problem for problem in error.value.problems), error.value.problems
