from __future__ import annotations

import pytest
from jinja2 import TemplateSyntaxError

from paper_kit.render.lexer import tags
from paper_kit.render.source_map import Place, SourceMap
from tests.render.small import made, written


def test_a_line_that_holds_only_tags_leaves_no_line() -> None:
    text = "a\n  \\BLOCK{if uses.tta} \\COMMENT{why}\nb\n\\BLOCK{endif}\nc\n"
    assert written(text) == "a\nb\nc\n"


def test_an_inline_tag_keeps_its_newline() -> None:
    assert written("a \\BLOCK{if uses.tta}\nb\\BLOCK{endif}\nc") == "a \nb\nc\n"
    assert written("\\VAR{1}\n\\VAR{2}\nx") == "1\n2\nx\n"


def test_a_tag_in_a_tex_comment_is_ignored_and_an_escaped_percent_opens_none() -> None:
    assert written("x % \\VAR{nothing} \\BLOCK{if\ny") == "x % \\VAR{nothing} \\BLOCK{if\ny\n"
    assert written("50\\% \\VAR{1}") == "50\\% 1\n"
    assert written("row \\\\% \\VAR{nothing}") == "row \\\\% \\VAR{nothing}\n"


def test_a_tag_after_a_line_break_is_read_and_an_escaped_one_is_not() -> None:
    assert written("a\\\\\\VAR{1}") == "a\\\\1\n"
    assert written("a\\\\VAR{1}") == "a\\\\VAR{1}\n"


def test_braces_inside_a_tag_must_balance_outside_of_strings() -> None:
    assert written('\\VAR{{"a": "x}"}["a"]}') == "x\\}\n"
    assert [tag.inside for tag in tags('\\VAR{table("layers", model="emotion_vit")}{x}')] == [
        'table("layers", model="emotion_vit")'
    ]
    with pytest.raises(TemplateSyntaxError, match="never closed"):
        tags("\\VAR{x")


def test_a_comment_ends_at_its_matching_brace_and_may_hold_anything() -> None:
    assert written("a\\COMMENT{ it's {nested} \\} 50% }b") == "ab\n"


def test_a_minus_after_the_brace_is_a_sign() -> None:
    assert written("a \\VAR{-2} b") == "a -2 b\n"


def test_each_line_of_tex_knows_its_line_of_template() -> None:
    loop = "\\BLOCK{for m in model_keys}\n\\VAR{m}\n\\BLOCK{endfor}\n"
    text = f"one\n{loop}\\BLOCK{{include 'sections/x.tex'}}\nlast\n"
    made_ = made(text, x="x1\nx2 \\VAR{data.train}")
    rows = made_.tex.split("\n")
    found = {row: str(made_.lines.place(number)) for number, row in enumerate(rows, 1) if row}
    assert found == {
        "one": "templates/manuscript.tex:1",
        r"emotion\_vit": "templates/manuscript.tex:3",
        "resemotenet": "templates/manuscript.tex:3",
        "x1": "templates/sections/x.tex:1",
        r"x2 \pkfact{1}{28,709}": "templates/sections/x.tex:2",
        "last": "templates/manuscript.tex:6",
    }


def test_the_lines_of_a_table_belong_to_the_line_that_places_it() -> None:
    made_ = made('a\n\n\\VAR{table("classes")} x\nb\n')
    last = made_.tex.split("\n").index("b")
    assert {str(made_.lines.place(number)) for number in range(3, last + 1)} == {"templates/manuscript.tex:3"}
    assert made_.lines.place(last + 1) == Place("templates/manuscript.tex", 4)


def test_a_source_map_is_the_same_after_a_round_through_json() -> None:
    lines = made("a\nb").lines
    assert SourceMap.from_list(lines.as_list()) == lines


def test_windows_line_ends_and_tabs_are_read() -> None:
    assert written("a\r\n\t\\BLOCK{if uses.tta}\r\nb\r\n\\BLOCK{endif}\r\n") == "a\nb\n"


def test_a_line_of_ten_megabytes_is_read() -> None:
    assert len(written("x" * 10_000_000 + " \\VAR{1}")) == 10_000_003
