"""Values as plain JSON and back."""

import json

import numpy as np
import pytest

from paper_kit.analysis.artifacts import Note
from paper_kit.analysis.facts import Origin
from paper_kit.analysis.predictions import RunReading
from paper_kit.render.plain import NotPlainError, from_plain, to_plain

READINGS = tuple(RunReading(f"run{n}", ("identity",), "probabilities", "test", "selected") for n in range(50))


@pytest.mark.parametrize(
    "value",
    [
        (1, 2.5, None, True, "text"),
        [1, [2], ()],
        {"a": (1, 2), 3: [4]},
        frozenset({"x", "y"}),
        b"\x00\xff",
        Origin(readings=READINGS, runs=("run0",), formula="mean"),
        tuple(range(100)),
    ],
)
def test_a_value_is_itself_again(value):
    assert from_plain(json.loads(json.dumps(to_plain(value)))) == value


def test_numbers_of_numpy_and_notes_are_written():
    assert to_plain(np.float64(0.5)) == 0.5
    note = Note("a ", 3, " b")
    assert from_plain(to_plain(note)).parts == note.parts


def test_what_stands_behind_many_numbers_is_converted_once():
    many = tuple(Origin(readings=READINGS, formula=str(n)) for n in range(20))
    plain = to_plain(many)
    assert len({id(each["of"][0]) for each in plain}) == 1
    again = from_plain(plain)
    assert again == many
    assert len({id(each.readings) for each in again}) == 1


def test_lists_that_are_equal_but_not_the_same_stay_two():
    first, second = from_plain(to_plain(([1] * 20, [1] * 20)))
    first.append(2)
    assert len(second) == 20


def test_what_has_no_plain_form_is_refused():
    with pytest.raises(NotPlainError):
        to_plain(object())
    with pytest.raises(NotPlainError):
        from_plain({"is": "os:system", "of": ["true"]})
