from __future__ import annotations

from pathlib import Path

import pytest

from paper_kit.analysis.artifacts import Cell, Column, Table
from paper_kit.core.errors import InputError
from paper_kit.core.paper import Author, Paper
from paper_kit.render.frontmatter import front_matter
from paper_kit.render.narrow import Line, blocks
from paper_kit.render.venue import SHARED, Venue, belongs, inside_class, load_venue, place_in_build, venues
from tests.render.small import TEMPLATES

LEAST = 'name = "M"\ndocumentclass = "article"\ncolumn_in = 3\ntext_in = 7\n'


def venue_of(folder: Path, toml: str, name: str = "mine") -> Venue:
    (folder / "venues" / name).mkdir(parents=True, exist_ok=True)
    (folder / "venues" / name / "venue.toml").write_text(toml)
    return load_venue(folder, name)


@pytest.mark.parametrize("name", venues(TEMPLATES))
def test_a_shipped_venue_is_whole(name: str) -> None:
    venue = load_venue(TEMPLATES, name)
    assert venue.key == name
    assert venue.column_in <= venue.text_in
    assert venue.figure_style().text_in == venue.text_in
    assert (TEMPLATES / "venues" / SHARED / f"{venue.author_format}.tex").is_file()


def test_the_six_venues_of_the_field_are_shipped() -> None:
    assert {"ieeetran", "ieeetran_journal", "acmart", "elsarticle", "llncs", "article"} <= set(
        venues(TEMPLATES)
    )


def test_an_unknown_venue_is_told_with_the_near_one_and_how_to_add_it() -> None:
    with pytest.raises(InputError, match="Did you mean 'ieeetran'") as caught:
        load_venue(TEMPLATES, "ieetran")
    assert 'documentclass = "article"' in str(caught.value)


def test_everything_wrong_with_a_venue_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        venue_of(tmp_path, 'name = "M"\ndocumentclas = "x"\ncolumn_in = -1\ntext_in = 7\n')
    told = "\n".join(caught.value.problems)
    assert "Did you mean 'documentclass'" in told
    assert "'documentclass' is missing" in told
    assert "column_in" in told


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('[blind]\nclass_optons = ["review"]\n', "Did you mean 'class_options'"),
        ('limit_counts = "before_appendx"\n', "limit_counts"),
        ('style = "\\\\input{x}"\n', "without its ending"),
        ('style = "../secret"\n', "without its ending"),
        ('author_format = "springer"\n', "author_format"),
        ("supplement = 3\n", "supplement"),
    ],
)
def test_a_wrong_value_of_a_venue_names_its_key(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        venue_of(tmp_path, LEAST + lines)


def test_one_width_without_the_other_and_a_column_wider_than_the_page_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both column_in and text_in, or neither"):
        venue_of(tmp_path, 'name = "M"\ndocumentclass = "article"\ncolumn_in = 3\n')
    with pytest.raises(InputError, match="swap them"):
        venue_of(tmp_path, 'name = "M"\ndocumentclass = "article"\ncolumn_in = 7\ntext_in = 3\n')


def test_a_class_beside_venue_toml_is_found_by_its_whole_name_only(tmp_path: Path) -> None:
    folder = tmp_path / "venues" / "mine" / "Definitions"
    folder.mkdir(parents=True)
    (folder / "mdpi.cls").write_text("")
    with pytest.raises(InputError, match="Type documentclass = 'Definitions/mdpi'"):
        venue_of(tmp_path, LEAST.replace('"article"', '"mdpi"'))
    found = venue_of(tmp_path, LEAST.replace('"article"', '"Definitions/mdpi.cls"'))
    assert found.documentclass == "Definitions/mdpi"


def test_files_of_a_class_keep_their_folder_and_stay_with_their_venue() -> None:
    venue = load_venue(TEMPLATES, "llncs")
    assert place_in_build("venues/llncs/Definitions/x.cls", venue) == "Definitions/x.cls"
    assert place_in_build("venues/llncs/x.sty", venue) == "x.sty"
    assert place_in_build("photos/me.png", venue) == "photos/me.png"
    assert belongs("venues/llncs/x.sty", venue)
    assert not belongs("venues/article/x.sty", venue)
    assert inside_class("venues/llncs/Definitions/names.tex")
    assert not inside_class("venues/shared/parts/names.tex")


def test_the_blind_form_of_a_venue_changes_what_its_table_names_and_no_more(tmp_path: Path) -> None:
    more = 'class_options = ["final"]\ncommands = "\\\\final"\n'
    more += '[blind]\nclass_options = ["review"]\ncommands = ""\n'
    venue = venue_of(tmp_path, LEAST + more)
    blind = venue.for_reviewers()
    assert (venue.class_options, venue.commands) == (("final",), "\\final")
    assert (blind.class_options, blind.commands) == (("review",), "")
    assert blind.model_copy(update={"class_options": ("final",), "commands": "\\final"}) == venue


def test_authors_of_one_place_share_an_institute() -> None:
    authors = (
        Author(name="Ada King Lovelace", affiliation="A & B", place="London, UK", email="a_b@c.de"),
        Author(name="Charles Babbage", affiliation="A & B", place="London, UK"),
        Author(name="Emmy Noether", affiliation="C"),
    )
    found = front_matter(Paper(authors=authors), load_venue(TEMPLATES, "llncs"), {})
    assert [author["institute"] for author in found["authors"]] == [1, 1, 2]
    assert found["institutes"][0] == {
        "number": 1,
        "address": [r"A \& B", "London, UK"],
        "emails": [r"a\_b@c.de"],
    }
    assert (found["authors"][0]["city"], found["authors"][0]["country"]) == ("London", "UK")
    assert found["running_authors"] == "A. K. Lovelace et al."
    assert found["venue_preamble"] == "venues/shared/preamble.tex"


def wide(columns: int, **more: object) -> Table:
    named = (Column("Model", "l"), *(Column(f"A long header {number}") for number in range(columns)))
    row = ("ResEmoteNet", *("12.3 [11.0, 14.0]" for _ in range(columns)))
    return Table("wide", named, (row, row), notes=("A note.",), **more)  # type: ignore[arg-type]


def test_a_table_that_fits_stays_whole() -> None:
    table = wide(4)
    assert blocks(table, Line(7.0)) == (table,)


def test_a_table_too_wide_stands_in_blocks_that_hold_each_column_once_and_the_first_in_all() -> None:
    parts = blocks(wide(12), Line(4.8))
    assert len(parts) > 1
    assert all(part.columns[0].header == "Model" for part in parts)
    headers = [column.header for part in parts for column in part.columns[1:]]
    assert headers == [f"A long header {number}" for number in range(12)]


def test_blocks_keep_the_headers_above_their_columns() -> None:
    parts = blocks(wide(12, groups=(("", 1), ("One", 5), ("Two", 7))), Line(4.8))
    assert len(parts) > 1
    spans: dict[str, int] = {}
    for part in parts:
        for header, span in part.groups:
            spans[header] = spans.get(header, 0) + span
    assert (spans["One"], spans["Two"]) == (5, 7)


def test_a_table_with_cells_that_span_columns_stays_whole() -> None:
    named = (Column("Model", "l"), *(Column(f"A long header {number}") for number in range(12)))
    table = Table("wide", named, (("x", Cell("over all", span=12)),))
    assert blocks(table, Line(3.0)) == (table,)


def test_a_narrow_font_keeps_a_table_whole_that_a_wide_one_parts() -> None:
    table = wide(9)
    assert len(blocks(table, Line(7.0))) > 1
    assert blocks(table, Line(7.0, sign_pt=2.8)) == (table,)


def test_a_text_wraps_only_where_the_page_is_too_narrow_for_it_at_ease() -> None:
    named = (Column("Layer", "l"), Column("Operation", "l", wrap_in=1.0))
    table = Table("layers", named, (("Stage", "two inverted residual blocks of stride two"),))
    assert blocks(table, Line(6.3))[0].columns[1].wrap_in == 0.0
    assert blocks(table, Line(3.4))[0].columns[1].wrap_in == 1.0
    assert blocks(table, Line(6.3, column_in=3.0))[0].columns[1].wrap_in == 1.0
