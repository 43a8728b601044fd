"""paperkit diff: two builds, two commits, or records of another machine against the study of today."""

import json
import subprocess

import pytest

from paper_kit.core.pack import pack
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import load_plans
from paper_kit.core.store import Store
from tests import sealed

ACCURACY = "results.emotion_vit.accuracy"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A finished study with a commit, which is the current folder."""
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    made = sealed.study(tmp_path / "study")
    (made / ".gitignore").write_text("experiments/runs/\npaper/build/\n")
    monkeypatch.chdir(made)
    git("init", "-q")
    commit("A study")
    return made


def git(*arguments):
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout


def commit(message):
    git("add", "-A")
    git("commit", "-q", "-m", message)


def another_gamma(root):
    """Nothing; the study has another setting, and its runs are done."""
    path = root / "experiments" / "study.toml"
    path.write_text(path.read_text().replace("gamma = 2.0", "gamma = 0.5"))
    sealed.finish(root, load_plans(experiment_files(root)))


def test_two_build_folders_are_compared_in_one_line_a_number(root, paperkit):
    assert paperkit("render", "--out", root / "a").exit_code == 0
    another_gamma(root)
    assert paperkit("render", "--out", root / "b").exit_code == 0
    result = paperkit("diff", root / "a", root / "b" / "facts.json")
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(ACCURACY))
    assert "→" in line
    assert line.endswith("setting: loss.gamma 2.0 → 0.5")
    assert "2 printed numbers changed" in result.stderr
    found = json.loads(paperkit("diff", "a", "b", "--json").stdout)
    assert {row["fact"] for row in found} == {ACCURACY, "results.resemotenet.accuracy"}
    assert found[0]["size"] >= found[1]["size"]


def test_a_commit_is_rendered_with_the_runs_of_today_and_leaves_no_worktree(root, paperkit):
    another_gamma(root)
    commit("Another gamma")
    result = paperkit("diff", "HEAD~1", "HEAD")
    assert result.exit_code == 0
    assert "setting: loss.gamma 2.0 → 0.5" in result.stdout
    assert paperkit("diff", "HEAD").stdout == ""
    assert len(git("worktree", "list").splitlines()) == 1
    assert git("status", "--porcelain") == ""


def test_a_commit_whose_runs_are_gone_says_so(root, paperkit):
    store = Store(root / "experiments" / "runs")
    for run in sealed.run_ids(root):
        store.file(run, "record.json").unlink()
    another_gamma(root)
    result = paperkit("diff", "HEAD", ".")
    assert result.exit_code == 0
    assert f"HEAD: 2 numbers are not known: their runs are not in {store.root}" in result.stderr
    assert ACCURACY in result.stdout


def test_a_commit_that_does_not_render_says_why(root, paperkit):
    template = root / "templates" / "manuscript.tex"
    words = template.read_text()
    template.write_text(words + "\\VAR{nothing}")
    commit("Break it")
    template.write_text(words)
    result = paperkit("diff", "HEAD")
    assert result.exit_code == 2
    assert "the study of that commit does not render" in result.stderr
    assert "nothing" in result.stderr
    assert len(git("worktree", "list").splitlines()) == 1


def test_packed_records_are_compared_with_those_here(root, tmp_path, paperkit):
    store = Store(root / "experiments" / "runs")
    pack(store, sealed.run_ids(root), tmp_path / "theirs.zip")
    assert "No printed number differs" in paperkit("diff", tmp_path / "theirs.zip").stderr
    plans = load_plans(experiment_files(root))
    for run in sealed.run_ids(root):
        store.forget(run)
    sealed.finish(root, plans, images=90)
    result = paperkit("diff", tmp_path / "theirs.zip")
    assert ACCURACY in result.stdout


@pytest.mark.usefixtures("root")
def test_what_is_neither_a_file_nor_a_commit_says_what_may_stand_there(paperkit):
    result = paperkit("diff", "nothing")
    assert result.exit_code == 2
    for word in ("build folder", "zip of records", "git log"):
        assert word in result.stderr


@pytest.mark.parametrize(("name", "text"), [("facts.json", "[]"), ("runs.json", "[]"), ("runs.json", "{}")])
def test_a_damaged_build_is_no_build_without_numbers(root, paperkit, name, text):
    assert paperkit("render", "--out", root / "a").exit_code == 0
    (root / "a" / name).write_text(text)
    result = paperkit("diff", root / "a")
    assert result.exit_code == 2
    assert f"{name}: not the " in result.stderr


def test_outside_of_git_a_commit_is_told_to_need_a_repository(root, paperkit, monkeypatch):
    import shutil

    shutil.rmtree(root / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    result = paperkit("diff", "HEAD~3", ".")
    assert result.exit_code == 2
    assert "is not in a git repository" in result.stderr
