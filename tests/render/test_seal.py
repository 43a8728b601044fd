"""The seal of a paper: what is printed, what manifest.json tells, and when a final paper is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from paper_kit.core.digest import Inputs
from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, sha256_file
from paper_kit.render.build import build_paper
from paper_kit.render.request import Request
from paper_kit.render.seal import (
    MANIFEST,
    RUNS,
    Stamp,
    edited_meanwhile,
    inputs_of,
    options_of,
    read_manifest,
    seal,
    sealing,
    unclean,
)
from tests.sealed import MANUSCRIPT, PAPER, run_ids, study

TEX = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs TeX: make tex")
SEALED = MANUSCRIPT.replace(
    r"\end{document}", "Seal \\VAR{build.seal}, commit \\VAR{build.commit}.\n\\end{document}"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    made = study(tmp_path / "study")
    (made / "templates" / "manuscript.tex").write_text(SEALED)
    monkeypatch.chdir(made)
    return made


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(root), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path, message: str = "A study") -> str:
    """The commit of everything but runs and builds, 12 digits."""
    if not (root / ".git").is_dir():
        git(root, "init", "-q")
        (root / ".gitignore").write_text("experiments/runs/\npaper/build/\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)
    return git(root, "rev-parse", "HEAD")[:12]


def test_a_seal_is_the_beginning_of_the_digest_of_the_inputs() -> None:
    found = Inputs({"records": {"a": "1"}})
    assert seal(found) == found.digest[:16]
    assert seal(Inputs({"records": {"a": "2"}})) != seal(found)


def test_a_stamp_says_whether_the_sources_are_those_of_a_commit() -> None:
    assert Stamp("0" * 16).origin == "no commit"
    assert Stamp("0" * 16, "abc").origin == "abc with changes"
    assert Stamp("0" * 16, "abc", clean=True).origin == "abc"


def test_what_was_asked_for_is_an_input_where_it_is_not_the_default(root: Path) -> None:
    assert options_of(Request()) == options_of(Request(out=root, final=True, commit=False)) == {}
    assert options_of(Request(show_images=True)) == {"show_images": True}
    assert inputs_of(Request(show_images=True), root) != inputs_of(Request(), root)
    assert inputs_of(Request(venue="article", experiments=("study",)), root) == inputs_of(Request(), root)


def test_the_paper_prints_its_seal_and_its_commit(root: Path) -> None:
    committed = commit(root)
    report = build_paper(Request(compile=False), root)
    tex = (report.folder / "paper.tex").read_text()
    assert seal(inputs_of(Request(), root)) in tex
    assert f"{{{committed}}}" in tex
    facts = {fact["key"]: fact["text"] for fact in read_json(report.folder / "facts.json")}
    assert facts["build.commit"] == committed


def test_a_commit_of_other_files_leaves_the_stamp_as_it_is(root: Path) -> None:
    committed = commit(root)
    before = sealing(Request(), root).stamp
    (root / "README.md").write_text("About the study.\n")
    commit(root, "Say what it is")
    assert sealing(Request(), root).stamp == before == Stamp(before.seal, committed, clean=True)


def test_a_paper_can_be_built_again_with_the_stamp_that_it_had(root: Path) -> None:
    report = build_paper(Request(compile=False, stamp=Stamp("5ea1" * 4)), root)
    assert "5ea1" * 4 in (report.folder / "paper.tex").read_text()


def test_files_that_are_not_committed_are_named_with_what_to_type(root: Path) -> None:
    assert "git init" in unclean(root)[0]
    assert "--no-commit" in unclean(root)[0]
    commit(root)
    assert unclean(root) == []
    (root / "notes.txt").write_text("not a source")
    assert unclean(root) == []
    (root / "templates" / "manuscript.tex").write_text(SEALED + "%")
    (root / "plugins").mkdir()
    (root / "plugins" / "mine.py").write_text("")
    (problem,) = unclean(root)
    assert "templates/manuscript.tex, plugins/mine.py" in problem
    assert "git commit" in problem


def test_a_study_that_the_repository_around_it_ignores_is_not_committed(root: Path) -> None:
    (root.parent / ".gitignore").write_text("study/\n")
    git(root.parent, "init", "-q")
    git(root.parent, "add", "-A")
    git(root.parent, "commit", "-q", "-m", "Around")
    assert "paper/paper.toml" in unclean(root)[0]


def test_a_final_paper_needs_a_commit_unless_told_otherwise(root: Path) -> None:
    (root / "paper" / "paper.toml").write_text("demo = true\n" + PAPER)
    with pytest.raises(InputError, match="--no-commit"):
        build_paper(Request(final=True, compile=False), root)
    build_paper(Request(final=True, commit=False, compile=False), root)
    commit(root)
    build_paper(Request(final=True, compile=False), root)


def test_a_final_paper_is_refused_where_its_inputs_changed_while_it_was_built(root: Path) -> None:
    before = sealing(Request(), root)
    assert edited_meanwhile(before, Request(), root) == []
    (root / "templates" / "manuscript.tex").write_text(SEALED + "% more\n")
    assert edited_meanwhile(before, Request(), root) == [
        "templates changed while the paper was built: templates/manuscript.tex. Build it again."
    ]


def test_the_runs_behind_the_numbers_lie_beside_them(root: Path) -> None:
    report = build_paper(Request(compile=False), root)
    runs = read_json(report.folder / RUNS)
    assert tuple(runs) == run_ids(root)
    assert [run["label"] for run in runs.values()][:2] == [
        "EmotionViT, base, seed 0",
        "ResEmoteNet, base, seed 0",
    ]
    first = next(iter(runs.values()))
    assert first["spec"]["loss"]["gamma"] == 2.0
    assert first["data"] == "f" * 16
    assert build_paper(Request(compile=False), root).changed == ()


@pytest.mark.tex
@TEX
def test_the_manifest_tells_the_inputs_and_the_hashes_of_what_came_out(root: Path) -> None:
    report = build_paper(Request(), root)
    assert report.pdf is not None
    manifest = read_manifest(report.folder / MANIFEST)
    found = inputs_of(Request(), root)
    assert (manifest.seal, manifest.digest) == (seal(found), found.digest)
    assert manifest.inputs == found.classes
    assert manifest.asked == {"venue": "article", "experiments": ["study"]}
    assert manifest.pdf_sha256 == sha256_file(report.pdf)
    assert manifest.files["facts.json"] == sha256_file(report.folder / "facts.json")
    assert manifest.text_sha256
    assert manifest.tex.startswith("pdfTeX")
    before = (report.folder / MANIFEST).stat().st_mtime_ns
    build_paper(Request(), root)
    assert (report.folder / MANIFEST).stat().st_mtime_ns == before


def test_a_damaged_manifest_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"seal": "0"}))
    with pytest.raises(InputError, match="paperkit build-pdf"):
        read_manifest(tmp_path / MANIFEST)


@pytest.mark.tex
@TEX
def test_a_refused_final_paper_takes_the_place_of_none(root: Path) -> None:
    (root / "paper" / "paper.toml").write_text("demo = true\n" + PAPER)
    asked = Request(final=True, commit=False)
    template = root / "templates" / "manuscript.tex"
    wide = SEALED.replace(r"\end{document}", "\\noindent\\rule{2\\linewidth}{1pt}\n\\end{document}")
    template.write_text(wide)
    folder = root / "paper" / "build" / "article"
    with pytest.raises(InputError, match="not finished"):
        build_paper(asked, root)
    assert list(root.glob("paper/build/*/paper.pdf")) == []
    template.write_text(SEALED)
    good = build_paper(Request(), root)
    assert good.pdf == folder / "paper.pdf"
    sealed = sha256_file(good.pdf)
    template.write_text(wide)
    with pytest.raises(InputError, match="not finished"):
        build_paper(asked, root)
    assert sha256_file(good.pdf) == sealed == read_manifest(folder / MANIFEST).pdf_sha256
    template.write_text(SEALED)
    assert sha256_file(build_paper(Request(), root).pdf or folder) == sealed
