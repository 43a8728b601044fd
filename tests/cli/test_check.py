"""paperkit check: findings by line, literals and opinions, and the code it ends with."""

import json
import shutil
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@pytest.fixture
def study(root):
    """The study, not trained yet, with the shipped venues and a manuscript without findings."""
    shutil.copytree(TEMPLATES / "venues", root / "templates" / "venues")
    (root / "templates" / "macros.tex").write_bytes((TEMPLATES / "macros.tex").read_bytes())
    (root / "templates" / "manuscript.tex").write_text("All is \\VAR{data.name}.\n")
    for name, text in (("title", "\\VAR{title}"), ("abstract", "Nothing."), ("keywords", "faces")):
        section = root / "templates" / "sections" / f"{name}.tex"
        section.parent.mkdir(exist_ok=True)
        section.write_text(text)
    return root


def write(root: Path, text: str) -> None:
    (root / "templates" / "manuscript.tex").write_text(text)


def found(result) -> list[str]:
    return [line for line in result.stdout.splitlines() if not line.startswith("audit")]


@pytest.mark.usefixtures("study")
def test_check_finds_nothing_in_a_manuscript_without_typed_numbers(paperkit):
    result = paperkit("check")
    assert found(result) == []
    assert "0 things to put right" in result.stderr
    assert result.exit_code == 0


def test_check_names_file_line_and_fact_and_ends_with_code_2(study, paperkit):
    write(study, "All.\nTwo networks, 72.4.\n\\literal{7}{of the outline} \\opinion{Mixup is better.}\n")
    result = paperkit("check")
    assert result.exit_code == 2
    assert found(result) == [
        r"templates/manuscript.tex:2: Two is typed; \VAR{counts.models.words} holds this value.",
        r"templates/manuscript.tex:2: 72.4 is typed; print a fact, or write \literal{72.4}{why it is typed}.",
        "templates/manuscript.tex:3: literal 7: of the outline",
        "templates/manuscript.tex:3: opinion: Mixup is better.",
    ]
    assert "2 things to put right, 1 literal, 1 opinion" in result.stderr


def test_check_lists_what_the_author_has_to_write_and_counts_references(study, paperkit):
    bib = "@misc{a2026, year = {2026}, keywords = {faces}}\n"
    (study / "templates" / "references.bib").write_text(bib)
    topics = 'year = 2026\ncited = 2\n[[topic]]\nkeyword = "faces"\ntitle = "faces"\n'
    (study / "templates" / "topics.toml").write_text(topics)
    write(study, "All.\n\\pkauthor{what you think} \\cite{a2026}\n")
    result = paperkit("check")
    assert result.exit_code == 2
    few, todo, *counts = found(result)
    assert few.startswith("templates/references.bib: 1 works are cited, but templates/topics.toml asks for 2")
    assert todo == "templates/manuscript.tex:2: for the author: what you think"
    assert [line.split() for line in counts] == [
        ["references", "1", "works", "cited"],
        ["references", "1", "(100", "%)", "from", "2024", "to", "2026"],
        ["references", "1", "faces"],
    ]
    assert "1 part for the author to write" in result.stderr


def test_check_knows_the_models_of_the_study_by_label(study, paperkit):
    write(study, "The one called Good is better.\n")
    (line,) = found(paperkit("check"))
    assert line.startswith("templates/manuscript.tex:1: 'better' claims something of Good;")


def test_check_reads_paper_toml_and_literature_toml(study, paperkit):
    (study / "paper" / "paper.toml").write_text(
        'experiments = ["study"]\ntitle = "Faces at 72.4 percent"\nacknowledgements = "Grant No. 1234."\n'
    )
    row = {"name": "A", "value": 70.5, "dataset": "fer2013", "classes": 7, "note": "nine networks"}
    rows = [row | {"cite": "a2020"}, row | {"cite": ""}]
    text = "".join(
        "[[result]]\n" + "".join(f"{key} = {json.dumps(said)}\n" for key, said in row.items()) for row in rows
    )
    (study / "templates" / "literature.toml").write_text(text)
    places = [line.split(": ")[0] for line in found(paperkit("check"))]
    lines = [f"templates/literature.toml:{line}" for line in (10, 12, 13)]
    assert places == ["paper/paper.toml:2", *lines]


@pytest.mark.usefixtures("study")
def test_check_of_an_unknown_venue_tells_the_known_ones(paperkit):
    result = paperkit("check", "--venue", "articel")
    assert result.exit_code == 2
    assert "article" in result.stderr
