from __future__ import annotations

from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.venue import load_venue, venues
from tests.render.small import TEMPLATES


@pytest.mark.parametrize("name", venues(TEMPLATES))
def test_a_shipped_venue_is_whole(name: str) -> None:
    venue = load_venue(TEMPLATES, name)
    assert venue.key == name
    assert venue.column_in <= venue.text_in
    assert venue.figure_style().text_in == venue.text_in
    for part in ("preamble.tex", "frontmatter.tex"):
        assert (TEMPLATES / "venues" / name / part).is_file()


def test_an_unknown_venue_is_told_with_the_near_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'ieeetran'"):
        load_venue(TEMPLATES, "ieetran")


def test_everything_wrong_with_a_venue_file_is_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "venues" / "mine"
    folder.mkdir(parents=True)
    (folder / "venue.toml").write_text('name = "M"\ndocumentclas = "x"\ncolumn_in = -1\ntext_in = 7\n')
    with pytest.raises(InputError) as caught:
        load_venue(tmp_path, "mine")
    told = "\n".join(caught.value.problems)
    assert "Did you mean 'documentclass'" in told
    assert "'documentclass' is missing" in told
    assert "column_in" in told
