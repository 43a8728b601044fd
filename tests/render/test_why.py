from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file
from paper_kit.render.why import Trace, explained, find, on_page, quantities, read_trace


def fact(
    number: int, key: str, text: str, value: Any, kind: str = "percent", **origin: Any
) -> dict[str, Any]:
    from_runs = {"readings": [], "runs": [], "seeds": [], "fields": [], "formula": ""} | origin
    return {
        "number": number,
        "key": key,
        "text": text,
        "value": value,
        "unit": "",
        "rounding": {"kind": kind, "digits": 1},
        "spread": None,
        "bounds": None,
        "missing": False,
        "stale": False,
        "origin": from_runs,
        "places": [f"templates/a.tex:{number}"],
        "line": 1,
    }


READING = {"run": "abc", "views": ["identity", "flip"], "average": "logit", "split": "test", "epoch": "last"}
FACTS = [
    fact(
        1, "results.vit.accuracy", "72.4\N{NO-BREAK SPACE}%", 0.7236, readings=[READING], formula="accuracy"
    ),
    fact(2, "results.vit.accuracy", "72.4", 0.7236, readings=[READING], formula="accuracy"),
    fact(3, "results.vit.change", "\N{MINUS SIGN}3.1\N{NO-BREAK SPACE}points", -0.0312, "points"),
    fact(4, "data.train", "28,709", 28709, "count", fields=["record.data.counts"]),
    fact(5, "counts.models", "three", 3, "count"),
    fact(6, "", "3.1 points", 0.0312, "points", formula="abs(results.vit.gone)"),
]
TRACE = Trace(
    FACTS,
    {"abc": {"label": "EmotionViT, Base, seed 0"}},
    {"results.vit.gone": "5.5", "results.vit.ece": "4.2\N{NO-BREAK SPACE}%"},
    {1: [1, 4], 3: [2]},
)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("72.4", [1, 2]),
        ("72.4 %", [1, 2]),
        ("72.4%", [1, 2]),
        ("results.vit.accuracy", [1, 2]),
        ("-3.1", [3]),
        ("\N{MINUS SIGN}3.1 points", [3]),
        ("3.1", [3, 6]),
        ("28,709", [4]),
        ("28709", [4]),
        ("three", [5]),
        ("Three", [5]),
    ],
)
def test_a_number_is_found_as_it_is_printed_or_by_its_key(asked: str, numbers: list[int]) -> None:
    assert [found["number"] for found in find(TRACE, asked)] == numbers


@pytest.mark.parametrize("asked", ["2.4", "72", "2.41", "709", "28709 %"])
def test_a_part_of_a_number_is_not_that_number(asked: str) -> None:
    with pytest.raises(InputError, match="Nothing prints"):
        find(TRACE, asked)


def test_the_nearest_numbers_are_told_where_nothing_prints_one() -> None:
    with pytest.raises(InputError, match=r"Nothing prints 70\. Nearest are 72\.4.*results\.vit\.accuracy"):
        find(TRACE, "70")


def test_a_mistyped_key_gets_the_near_one_and_an_unprinted_fact_its_value() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'results\.vit\.accuracy'"):
        find(TRACE, "results.vit.acuracy")
    with pytest.raises(InputError, match=r"results\.vit\.ece is 4\.2.*does not print it\.$"):
        find(TRACE, "results.vit.ece")
    with pytest.raises(InputError, match=r"it prints 3\.1 points = abs\(results\.vit\.gone\)"):
        find(TRACE, "results.vit.gone")


def test_a_word_that_is_nowhere_gets_the_words_that_are() -> None:
    with pytest.raises(InputError, match=r"Nothing prints 'thre'\. Printed are: three"):
        find(TRACE, "thre")


def test_one_quantity_is_told_once_with_value_formula_run_reading_lines_and_pages() -> None:
    (group,) = quantities(find(TRACE, "72.4"))
    assert explained(TRACE, group) == [
        ("printed as", "72.4\N{NO-BREAK SPACE}%, 72.4"),
        ("exact value", "0.7236"),
        ("rounded", "1 decimal, of a hundredth"),
        ("computed as", "accuracy"),
        ("from run", "abc  EmotionViT, Base, seed 0"),
        ("read on", "test images, last epoch, views identity + flip, mean logit"),
        ("printed in", "templates/a.tex:1"),
        ("", "templates/a.tex:2"),
        ("on pages", "1, 3"),
    ]


def test_a_setting_tells_its_field_and_a_name_no_value() -> None:
    rows = dict(explained(TRACE, [FACTS[3]]))
    assert rows["fields"] == "record.data.counts"
    assert rows["on page"] == "1"
    name = {**FACTS[4], "value": "EmotionViT", "stale": True}
    rows = dict(explained(TRACE, [name]))
    assert "exact value" not in rows
    assert "run-all --refresh" in rows["stale"]


def test_many_runs_are_counted() -> None:
    many = fact(1, "a.b", "1", 1.0, runs=[f"r{n}" for n in range(20)])
    rows = explained(Trace([many], {}), [many])
    assert ("", "and 12 more") in rows


def test_a_page_lists_its_facts_in_the_order_of_the_text() -> None:
    assert [found["number"] for found in on_page(TRACE, 1)] == [1, 4]
    with pytest.raises(InputError, match="Page 2 prints no fact; these do: 1, 3"):
        on_page(TRACE, 2)
    with pytest.raises(InputError, match="build-pdf"):
        on_page(Trace(FACTS, {}), 1)


def test_pages_of_another_build_are_not_believed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="build-pdf"):
        read_trace(tmp_path)
    path = tmp_path / "provenance.json"
    path.write_text(json.dumps({"facts": FACTS, "runs": {}, "lines": []}), encoding="utf-8")
    assert read_trace(tmp_path).pages == {}
    told = {"provenance": sha256_file(path), "paper_pages": 1, "pages": {"2": [1]}}
    (tmp_path / "pages.json").write_text(json.dumps(told), encoding="utf-8")
    assert read_trace(tmp_path).pages == {2: [1]}
    path.write_text(json.dumps({"facts": FACTS[:1], "runs": {}, "lines": []}), encoding="utf-8")
    assert read_trace(tmp_path).pages == {}


def test_a_page_of_the_supplement_is_asked_for_by_its_own_number() -> None:
    trace = Trace(FACTS, {}, {}, {1: [1], 4: [1, 4]}, 3)
    assert [found["number"] for found in on_page(trace, 1, supplement=True)] == [1, 4]
    with pytest.raises(InputError, match="Page S2 prints no fact; these do: 1, S1"):
        on_page(trace, 2, supplement=True)
    assert ("on pages", "1, S1") in explained(trace, FACTS[:1])


def test_what_only_begins_with_digits_is_no_number() -> None:
    trace = Trace([fact(1, "a.b", "96×6×6", [96, 6, 6], "list"), fact(2, "c.d", "12", 12, "count")], {})
    with pytest.raises(InputError, match=r"Nearest are 12 \(c\.d\)\.$"):
        find(trace, "99.99")
    with pytest.raises(InputError, match="Nothing prints 96"):
        find(trace, "96")
