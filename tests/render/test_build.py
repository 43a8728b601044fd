from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.plan import load_plans
from paper_kit.core.store import Store
from paper_kit.render.build import build_paper
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import typeset
from paper_kit.render.proofreading import unset_signs
from paper_kit.render.refusal import refuse
from paper_kit.render.request import Request
from paper_kit.render.venue import load_venue
from tests.analysis.fabricated import write_run
from tests.render.small import MATERIAL, SECTIONS, TEMPLATES, made, manuscript

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
    assert set(changed) == {"paper.tex", "facts.json", "lines.json", "provenance.json"}
    assert (tmp_path / "macros.tex").stat().st_mtime_ns == before
    assert not (tmp_path / "figures" / "curves.pdf").exists()


@pytest.mark.parametrize("told", ["[", "{}", "[1]", '["../mine.txt"]'])
def test_a_damaged_list_of_files_stops_no_build_and_deletes_nothing_outside(
    tmp_path: Path, told: str
) -> None:
    folder = tmp_path / "build"
    folder.mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    (folder / "files.json").write_text(told)
    assert write({"a.txt": b"a"}, folder) == ("a.txt",)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (folder / "files.json").read_text() == '["a.txt"]'


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


EXPERIMENT = """
question = "Does it build?"
seeds = [0]
[base]
dataset = "synthetic_faces"
epochs = 6
mixing = {mixup_alpha = 0.2, probability = 0.5}
[reading]
views = ["identity", "flip"]
[[model]]
key = "emotion_vit"
label = "Emotion_ViT"
part = "emotion_vit"
[[ablation]]
key = "no_mixing"
label = "w/o mixup"
set = {"mixing.probability" = 0.0}
"""
WORDS = """\\input{macros}
\\BLOCK{include venue_preamble}
\\begin{document}
\\BLOCK{include venue_frontmatter}
\\VAR{study.models} reaches \\VAR{results.emotion_vit.accuracy}
\\BLOCK{if uses.tta}with several views\\BLOCK{endif}.
\\VAR{table("main_results")}
\\end{document}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study's folder with one model, one ablation, and small templates."""
    templates = tmp_path / "templates"
    (templates / "sections").mkdir(parents=True)
    shutil.copytree(TEMPLATES / "venues", templates / "venues")
    shutil.copy(TEMPLATES / "macros.tex", templates)
    for name, text in {"manuscript.tex": WORDS, **SECTIONS}.items():
        (templates / name).write_text(text)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.toml").write_text(EXPERIMENT)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('experiments = ["one"]\n')
    return tmp_path


def finish(study: Path, runs: int = 2) -> None:
    plans = load_plans((study / "experiments" / "one.toml",))
    for spec in plans[0].runs[:runs]:
        write_run(Store(study / "experiments" / "runs"), spec, images=60)


def test_a_study_without_runs_renders_and_says_what_is_missing(study: Path) -> None:
    report = build_paper(Request(compile=False), study)
    assert report.folder == study / "paper" / "build" / "ieeetran"
    assert len(report.missing) == 2
    assert report.pdf is None
    assert "\\pkmissing" in (report.folder / "paper.tex").read_text()


def test_a_final_paper_without_runs_names_and_permission_is_refused_for_each(study: Path) -> None:
    finish(study, runs=1)
    with pytest.raises(InputError) as caught:
        build_paper(Request(final=True, compile=False), study)
    told = "\n".join(caught.value.problems)
    for part in ("run-all", "First Author", "Your University", "demo = true", "w/o mixup"):
        assert part in told
    assert not (study / "paper" / "build" / "ieeetran" / "paper.tex").exists()


def test_facts_that_are_not_known_refuse_a_final_paper_with_their_place(study: Path) -> None:
    with pytest.raises(InputError, match=r"templates/manuscript\.tex:5.*results\.emotion_vit\.accuracy"):
        build_paper(Request(final=True, compile=False), study)


def test_a_finished_study_that_may_be_a_demonstration_is_final(study: Path) -> None:
    finish(study)
    (study / "paper" / "paper.toml").write_text(
        'experiments = ["one"]\ndemo = true\nauthors = [{name = "Ada Lovelace", affiliation = "London"}]\n'
    )
    request = Request(final=True, commit=False, compile=False, out=study / "out")
    report = build_paper(request, study)
    assert report.missing == report.stale == ()
    assert report.folder == study / "out"
    assert "\\pkmissing" not in (report.folder / "paper.tex").read_text()


def test_a_final_paper_names_the_runs_that_were_not_trained_as_planned(study: Path) -> None:
    finish(study)
    (study / "paper" / "paper.toml").write_text(
        'experiments = ["one"]\ndemo = true\nauthors = [{name = "Ada Lovelace", affiliation = "London"}]\n'
    )
    store, said = Store(study / "experiments" / "runs"), list[str]()
    record = store.record(store.ids()[0])
    told = "micro_batch 2 in place of 8 from epoch 2 on: out of memory"
    store.write_record(record.model_copy(update={"deviations": (told,)}))
    request = Request(final=True, commit=False, compile=False, out=study / "out")
    build_paper(request, study, say=said.append)
    (line,) = [line for line in said if line.startswith("not as planned")]
    assert record.id in line
    assert told in line


def test_mistakes_in_names_are_told_with_the_near_one(study: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'article'"):
        build_paper(Request(venue="articel", compile=False), study)
    (study / "templates" / "manuscript.tex").write_text('\n\\VAR{table("main_result")}')
    with pytest.raises(InputError, match=r"manuscript\.tex:2: .*Did you mean 'main_results'"):
        build_paper(Request(compile=False), study)
    (study / "templates" / "manuscript.tex").write_text('\n\\VAR{table("main_results", wide=true)}')
    with pytest.raises(InputError, match=r"manuscript\.tex:2: .*unknown argument 'wide'"):
        build_paper(Request(compile=False), study)


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs TeX: make tex")
def test_a_study_becomes_a_pdf_and_a_second_build_changes_nothing(study: Path) -> None:
    finish(study)
    report = build_paper(Request(), study)
    assert report.pdf is not None
    assert report.pages == 1
    assert [finding.kind for finding in report.findings] == [
        "provenance"
    ]  # the manuscript has no such appendix
    before = report.pdf.stat().st_mtime_ns
    again = build_paper(Request(), study)
    assert again.changed == ()
    assert report.pdf.stat().st_mtime_ns == before


def test_two_builds_in_one_folder_at_once_are_refused(study: Path) -> None:
    from paper_kit.core.files import alone_in

    folder = study / "paper" / "build" / "ieeetran"
    with alone_in(folder), pytest.raises(InputError, match="another build is at work here"):
        build_paper(Request(compile=False), study)
    build_paper(Request(compile=False), study)
