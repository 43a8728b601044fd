"""paperkit check: findings by line, literals and opinions, and the code it ends with."""

import json
import shutil
from pathlib import Path

import pytest

from paper_kit.cli.check import check_words

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@pytest.fixture
def study(root):
    """The study with the shipped venues and a manuscript without findings."""
    shutil.copytree(TEMPLATES / "venues", root / "templates" / "venues")
    (root / "templates" / "manuscript.tex").write_text("All is \\VAR{data.name}.\n")
    for name, text in (("title", "\\VAR{title}"), ("abstract", "Nothing."), ("keywords", "faces")):
        section = root / "templates" / "sections" / f"{name}.tex"
        section.parent.mkdir(exist_ok=True)
        section.write_text(text)
    return root


def write(root: Path, text: str) -> None:
    (root / "templates" / "manuscript.tex").write_text(text)


@pytest.mark.usefixtures("study")
def test_check_is_silent_about_a_manuscript_without_typed_numbers(paperkit):
    result = paperkit("check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 things to put right" in result.stderr


def test_check_names_file_line_and_fact_and_ends_with_code_2(study, paperkit):
    build = study / "paper" / "build" / "article"
    build.mkdir(parents=True)
    (build / "registry.json").write_text(json.dumps({"results.good.accuracy": "72.4 %"}))
    write(study, "All.\nIt reaches 72.4 here.\n\\literal{7}{of the outline} \\opinion{Mixup is better.}\n")
    result = paperkit("check", "--venue", "article")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        r"templates/manuscript.tex:2: 72.4 is typed; \VAR{results.good.accuracy} holds this value.",
        "templates/manuscript.tex:3: literal 7: of the outline",
        "templates/manuscript.tex:3: opinion: Mixup is better.",
    ]
    assert "1 thing to put right, 1 literal, 1 opinion" in result.stderr
    assert r"\literal{72.4}" in paperkit("check", "--venue", "ieeetran").stdout


def test_check_knows_the_models_of_the_study_by_label(study):
    write(study, "The one called Good is better.\n")
    (finding,) = check_words(study).findings
    assert "of Good" in finding.message or "of good" in finding.message


def test_check_reads_paper_toml_and_literature_toml(study):
    (study / "paper" / "paper.toml").write_text(
        'experiments = ["study"]\ntitle = "Faces at 72.4 percent"\nacknowledgements = "Grant No. 1234."\n'
    )
    rows = [{"name": "A", "cite": "a", "note": "seven networks"}, {"name": "B", "note": "nine networks"}]
    text = "".join(
        "[[result]]\n" + "".join(f"{key} = {json.dumps(said)}\n" for key, said in row.items()) for row in rows
    )
    (study / "templates" / "literature.toml").write_text(text)
    places = [finding.place for finding in check_words(study).findings]
    assert places == ["paper/paper.toml:2", "templates/literature.toml:7"]


@pytest.mark.usefixtures("study")
def test_check_loads_neither_pandas_nor_torch(fresh):
    code, _, _, heavy = fresh("check")
    assert (code, heavy) == (0, [])


@pytest.mark.usefixtures("study")
def test_check_of_an_unknown_venue_tells_the_known_ones(paperkit):
    result = paperkit("check", "--venue", "articel")
    assert result.exit_code == 2
    assert "article" in result.stderr
