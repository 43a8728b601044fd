from __future__ import annotations

import json
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.build import page_files, refuse, unset_signs, write
from paper_kit.render.manuscript import typeset
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, TEMPLATES, made, manuscript

TEXT = "\\VAR{data.train}\n\\VAR{table('classes')}\n\\VAR{figure('curves')}\n\\VAR{'smile 笑'}\n"


def files(text: str = TEXT, venue: str = "ieeetran") -> dict[str, bytes]:
    chosen, words = load_venue(TEMPLATES, venue), manuscript(text)
    return page_files(typeset(words, MATERIAL, chosen), words, chosen)


def test_equal_inputs_give_equal_files_with_the_data_beside_each_artifact() -> None:
    first = files()
    assert first == files()
    assert {"paper.tex", "macros.tex", "references.bib", "facts.json", "lines.json"} <= set(first)
    assert {"tables/classes.csv", "tables/classes.md", "figures/curves.pdf", "figures/curves.csv"} <= set(
        first
    )
    assert first["figures/curves.csv"] == b"x\n1\n2\n"


def test_the_registry_of_facts_says_what_is_printed_where() -> None:
    fact = json.loads(files()["facts.json"])[0]
    assert (fact["number"], fact["key"], fact["text"], fact["value"]) == (1, "data.train", "28,709", 28709)
    assert fact["places"] == ["templates/manuscript.tex:1"]


def test_only_what_changed_is_written_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    assert len(write(files(), tmp_path)) == len(files())
    before = (tmp_path / "macros.tex").stat().st_mtime_ns
    assert write(files(), tmp_path) == ()
    changed = write(files("\\VAR{data.train} x"), tmp_path)
    assert set(changed) == {"paper.tex", "facts.json", "lines.json"}
    assert (tmp_path / "macros.tex").stat().st_mtime_ns == before
    assert not (tmp_path / "figures" / "curves.pdf").exists()


def test_the_class_files_of_a_venue_lie_beside_the_paper_and_those_of_others_do_not() -> None:
    words = manuscript("x")
    own = {"venues/ieeetran/my.cls": b"a", "venues/article/other.sty": b"b", "photos/me.png": b"c"}
    words = type(words)(words.templates, {**words.files, **own}, words.paper)
    venue = load_venue(TEMPLATES, "ieeetran")
    found = page_files(typeset(words, MATERIAL, venue), words, venue)
    assert found["my.cls"] == b"a"
    assert found["photos/me.png"] == b"c"
    assert not any("other.sty" in name for name in found)


def test_a_sign_that_cannot_be_set_is_found_by_its_line() -> None:
    found = unset_signs(made(TEXT))
    assert [(each.kind, each.place) for each in found] == [("sign", "templates/manuscript.tex:4")]
    assert "U+7B11" in found[0].message


def test_a_final_paper_is_refused_with_all_reasons_at_once() -> None:
    refuse([])
    with pytest.raises(InputError) as caught:
        refuse(["a", "b", "a"])
    assert caught.value.problems[1:] == ("a", "b")
