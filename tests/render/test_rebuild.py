from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.analysis.claims import Claims
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.core.errors import InputError
from paper_kit.core.part import Part
from paper_kit.core.plan import load_plans
from paper_kit.core.store import Store
from paper_kit.render import making, manuscript
from paper_kit.render.build import build_paper
from paper_kit.render.cache import Cache
from paper_kit.render.making import Making, Variant, replayed
from paper_kit.render.plain import NotPlainError, from_plain, to_plain
from paper_kit.render.request import Request
from tests.analysis.fabricated import write_run
from tests.render.small import TEMPLATES, drawn, fact

EXPERIMENT = """
question = "Does it build twice?"
seeds = [0, 1]
[base]
dataset = "synthetic_faces"
epochs = 6
mixing = {mixup_alpha = 0.2, probability = 0.5}
[[model]]
key = "emotion_vit"
label = "Emotion_ViT"
part = "emotion_vit"
[[ablation]]
key = "no_mixing"
label = "w/o mixup"
set = {"mixing.probability" = 0.0}
"""
CLAIM = (
    "\\BLOCK{claim change < 0}It fell.\\BLOCK{reversed}It rose.\\BLOCK{undecided}Nothing.\\BLOCK{endclaim}"
)
WORDS = """\\input{macros}
\\BLOCK{include venue_preamble}
\\begin{document}
\\BLOCK{include venue_frontmatter}
\\VAR{study.models} reaches \\VAR{results.emotion_vit.accuracy}.
\\BLOCK{set change = results.average.no_mixing.change}
\\BLOCK{claim change < 0}It fell.\\BLOCK{reversed}It rose.\\BLOCK{undecided}Nothing.\\BLOCK{endclaim}
\\VAR{table("ablation")}
\\VAR{figure("confusion")}
\\VAR{figure("training_curves")}
\\end{document}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A finished study with one model, one ablation, two seeds, tests and figures."""
    (tmp_path / "templates" / "sections").mkdir(parents=True)
    shutil.copytree(TEMPLATES / "venues", tmp_path / "templates" / "venues")
    shutil.copy(TEMPLATES / "macros.tex", tmp_path / "templates")
    for name, text in {"title": "T", "abstract": "A.", "keywords": "k"}.items():
        (tmp_path / "templates" / "sections" / f"{name}.tex").write_text(text)
    (tmp_path / "templates" / "manuscript.tex").write_text(WORDS)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.toml").write_text(EXPERIMENT)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('experiments = ["one"]\n')
    for spec in load_plans((tmp_path / "experiments" / "one.toml",))[0].runs:
        write_run(Store(tmp_path / "experiments" / "runs"), spec, images=60)
    return tmp_path


def rendered(study: Path, out: str = "out") -> dict[str, bytes]:
    """Name -> content of what a build writes for TeX and for readers."""
    folder = build_paper(Request(compile=False, out=study / out), study).folder
    return {name: (folder / name).read_bytes() for name in json.loads((folder / "files.json").read_bytes())}


def edit(study: Path, old: str, new: str) -> None:
    path = study / "templates" / "manuscript.tex"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def no_records(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Called, it makes an error of collecting records."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("records were collected")

    return lambda: monkeypatch.setattr("paper_kit.analysis.results.collect", refuse)


EDITS = {
    "a sentence": ("reaches", "gets to"),
    "another claim": (
        "Nothing.",
        "Nothing. \\BLOCK{claim results.emotion_vit.accuracy > 0}Some.\\BLOCK{endclaim}",
    ),
    "a claim less": (CLAIM, "Nothing."),
    "a figure less": ('\\VAR{figure("confusion")}\n', ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("edited", EDITS)
def test_a_build_from_the_cache_is_byte_for_byte_the_build_without_one(study: Path, edited: str) -> None:
    rendered(study)
    edit(study, *EDITS[edited])
    again, cold = rendered(study), rendered(study, "cold")
    assert again == cold


def test_an_edited_sentence_needs_no_records_and_one_round_of_setting(
    study: Path, no_records: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = rendered(study)
    assert files["figures/confusion.png"].startswith(b"\x89PNG")
    assert files["figures/confusion.pdf"].startswith(b"%PDF")
    assert files["figures/confusion.csv"]
    no_records()
    rounds: list[object] = []
    once = manuscript._set_once
    monkeypatch.setattr(manuscript, "_set_once", lambda *each: rounds.append(each) or once(*each))
    edit(study, "reaches", "gets to")
    again = rendered(study)
    assert b"gets to" in again["paper.tex"]
    assert len(rounds) == 1
    assert again["claims.json"] == files["claims.json"]
    assert b'"p_holm"' in files["claims.json"]


@pytest.mark.slow
def test_a_changed_record_is_read_again(study: Path) -> None:
    before = rendered(study)
    for path in (study / "experiments" / "runs").glob("*/predictions.npz"):
        with np.load(path) as arrays:
            found: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        flipped = {name: value[..., ::-1] if value.ndim > 1 else value for name, value in found.items()}
        np.savez_compressed(path, **flipped)
    after = rendered(study)
    assert before["facts.json"] != after["facts.json"]
    assert before["figures/confusion.csv"] != after["figures/confusion.csv"]
    assert after == rendered(study, "cold")


@pytest.mark.slow
def test_a_damaged_or_deleted_cache_costs_time_and_nothing_else(study: Path) -> None:
    before = rendered(study)
    entries = sorted((study / "out" / "cache").iterdir())
    assert entries
    for number, path in enumerate(entries):
        data = path.read_bytes()
        path.write_bytes([b"", data[:-9], data.replace(b"a", b"b"), b"\xff\x00"][number % 4])
    assert rendered(study) == before
    shutil.rmtree(study / "out" / "cache")
    assert rendered(study) == before


@pytest.mark.slow
def test_what_a_paper_no_longer_places_leaves_the_cache(study: Path) -> None:
    rendered(study)
    before = len(list((study / "out" / "cache").iterdir()))
    edit(study, '\\VAR{figure("confusion")}\n', "")
    rendered(study)
    assert len(list((study / "out" / "cache").iterdir())) == before - 1


@pytest.mark.slow
def test_figures_drawn_in_two_processes_are_those_drawn_in_one(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paper_kit.render.drawing.cores", lambda: 1)
    alone = rendered(study, "alone")
    monkeypatch.setattr("paper_kit.render.drawing.cores", lambda: 2)
    monkeypatch.setattr("paper_kit.render.drawing.FEWEST", 1)
    assert rendered(study, "shared") == alone


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_is_told_by_its_line(study: Path) -> None:
    edit(study, '\\VAR{figure("confusion")}', '\\VAR{figure("confusion", models=["nobody"])}')
    with pytest.raises(Exception, match=r"templates/manuscript\.tex:9: "):
        rendered(study)


class TestMaking:
    """A table that prints how many tests the document makes."""

    def making(self, made: list[int], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Making:
        claims = Claims(lambda: cast(Results, None))

        def table(_results: object, _part: Part) -> Table:
            made.append(claims.size)
            return Table("t", (Column("Tests"),), ((Cell(str(claims.size)),),))

        monkeypatch.setattr(making, "make_table", table)
        monkeypatch.setattr(making, "complete", lambda _kind, part: part)
        return Making(lambda: cast(Results, None), claims, Style(), Cache(folder, "k"))

    def test_an_artifact_is_made_again_where_the_documents_tests_answer_otherwise(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[int] = []
        first = self.making(made, monkeypatch, tmp_path)
        assert first.table("t", {}).texts() == first.table("t", {}).texts() == [["0"]]
        first._claims._family["asked",] = 0.01
        assert first.table("t", {}).texts() == [["1"]]
        assert made == [0, 1]
        second = self.making(made, monkeypatch, tmp_path)
        assert second.table("t", {}).texts() == [["0"]]
        second._claims._family["asked",] = 0.01
        assert second.table("t", {}).texts() == [["1"]]
        assert made == [0, 1]

    def test_a_maker_that_asks_on_is_followed_to_its_last_question(self) -> None:
        answers = iter((1, 3))
        claims = cast(Claims, SimpleNamespace(answer=lambda _call: next(answers)))
        a, b = ("size",), ("size",)
        variants = [
            Variant(((a, 1), (b, 2)), "one"),
            Variant(((a, 1), (b, 3)), "two"),
            Variant(((a, 0),), "no"),
        ]
        assert replayed(claims, variants) == "two"
        assert replayed(claims, []) is None


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 0.1, float("inf"), "é", (1, ("a",)), [1], {"a": (1,), 2: None}, b"\x00\xff",
        frozenset({"a", "b"}), Style(),
    ],
)  # fmt: skip
def test_a_plain_value_comes_back_as_it_was(value: Any) -> None:
    assert from_plain(json.loads(json.dumps(to_plain(value)))) == value


def test_facts_notes_and_figures_come_back_with_all_that_is_printed_of_them() -> None:
    found = fact("a.b", 0.7244, "percent", runs=("aaa",), seeds=(1, 2))
    again = from_plain(to_plain(found))
    assert (again.text, again.origin, again.key) == (found.text, found.origin, found.key)
    note = from_plain(to_plain(Note("In ", found, " cases")))
    assert note == "In 72.4\N{NO-BREAK SPACE}% cases"
    assert isinstance(note.parts[1], type(found))
    figure = from_plain(to_plain(drawn().kept()))
    assert (figure.pdf, figure.png, figure.figure.alt) == (drawn().pdf, drawn().png, drawn().figure.alt)
    assert from_plain(to_plain(np.float64(0.5))) == 0.5
    assert type(from_plain(to_plain(np.int64(3)))) is int


@pytest.mark.parametrize(
    "value", [{"is": "os:system", "of": ["true"]}, {"is": "paper_kit.core.files:Path", "of": ["/"]}, {"x": 1}]
)
def test_nothing_but_values_of_the_package_is_read(value: Any) -> None:
    with pytest.raises(NotPlainError):
        from_plain(value)


def test_what_has_no_plain_form_is_made_each_time(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "k")
    thing = object()
    assert cache.put("a", thing) is thing
    assert cache.get("a") is None
    with pytest.raises(NotPlainError):
        to_plain(lambda: None)


@pytest.mark.slow
def test_a_study_that_has_not_changed_is_not_set_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(study, '\\VAR{figure("confusion")}\n\\VAR{figure("training_curves")}\n', "")
    request = Request(compile=False, out=study / "out")
    first = build_paper(request, study)
    with monkeypatch.context() as patch:
        patch.setattr("paper_kit.render.reading.typeset", None)
        again = build_paper(request, study)
    assert again.unchanged
    assert (again.facts, again.findings, again.missing) == (first.facts, first.findings, first.missing)
    (study / "out" / "facts.json").write_text("[]")
    assert build_paper(request, study).changed == ("facts.json",)
    edit(study, "reaches", "gets to")
    assert not build_paper(request, study).unchanged
    (study / "out" / "build.json").write_text('{"key": 3}')
    assert not build_paper(request, study).unchanged
    toml = study / "paper" / "paper.toml"
    toml.write_text(toml.read_text() + 'title = "Another"\n')
    assert not build_paper(request, study).unchanged


def test_a_draft_that_has_not_changed_is_not_a_final_paper(study: Path) -> None:
    build_paper(Request(compile=False), study)
    with pytest.raises(InputError, match="--final"):
        build_paper(Request(compile=False, final=True), study)


QUICK = """
import sys
from paper_kit.render.build import Request, build_paper
from pathlib import Path
assert build_paper(Request(compile=False, out=Path("out"))).unchanged
print(*sorted({"pandas", "matplotlib", "torch", "scipy", "sklearn"} & set(sys.modules)))
"""


def test_a_build_without_changes_loads_no_pandas_no_matplotlib_no_torch(study: Path) -> None:
    edit(study, '\\VAR{figure("confusion")}\n\\VAR{figure("training_curves")}\n', "")
    build_paper(Request(compile=False, out=study / "out"), study)
    done = subprocess.run(
        [sys.executable, "-c", QUICK], cwd=study, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
