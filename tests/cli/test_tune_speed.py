"""paperkit tune --speed, with measurements that were made up."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paper_kit.bench import speed
from paper_kit.bench.speed import Choice, Finding, Length, Timed, choose
from paper_kit.cli import app

QUICK = Path(__file__).resolve().parents[2] / "experiments" / "quick.toml"
TIMED = (
    Timed(Choice(True), 50.0, 0.1),
    Timed(Choice(False), 40.0, 0.1),
    Timed(Choice(True, "bf16"), 30.0, 0.1),
    Timed(Choice(False, "bf16"), why="no such operator"),
    Timed(Choice(True, "bf16", "default"), 25.0, 20.0),
)


def finding(key, steps):
    lengths = (Length(steps, 2),)
    return Finding(key, key, Choice(), TIMED, lengths, choose(TIMED, lengths))


@pytest.fixture
def quick(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    found = (finding("resemotenet", 9000), finding("advanced_emotenet", 100), finding("emotion_vit", 100))
    monkeypatch.setattr(speed, "tune_speed", lambda *_: found)
    return Path(shutil.copy(QUICK, tmp_path / "experiments" / "quick.toml"))


def run(*arguments):
    return CliRunner().invoke(app, ["tune", "quick", "--speed", *arguments])


def test_each_choice_is_shown_with_its_speed_and_when_compilation_pays(quick):
    before = quick.read_text()
    shown = run("--dry")
    assert shown.exit_code == 0, shown.output
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in shown.stdout.splitlines()}
    assert "25.0 2.00×" in lines["channels_last, bf16, compiled"]
    assert "20 s × 2, won back after 8,000 of" in shown.stdout
    assert "failed: no such operator" in lines["contiguous, bf16"]
    assert "channels_last, fp32 → channels_last, bf16, compiled: other numbers" in shown.stdout
    assert quick.read_text() == before
    assert "Nothing was written" in shown.stdout


def test_what_was_chosen_is_written_and_said(quick):
    shown = run()
    assert shown.exit_code == 0, shown.output
    assert '[base] precision = "bf16"' in shown.stdout
    assert "resemotenet: compile = true" in shown.stdout
    text = quick.read_text()
    assert 'precision = "bf16"' in text
    assert text.count("compile = true") == 1
    assert text.count("compile = false") == 2
