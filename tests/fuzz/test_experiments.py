"""Experiment files from strangers: planned, or refused in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from typer.testing import CliRunner

from paper_kit.cli import app
from paper_kit.core.config import read_toml
from paper_kit.core.derive import to_toml
from tests.fuzz.guard import fuzz, plant_canaries
from tests.fuzz.mutations import changed_json, mutated

SHIPPED = Path(__file__).resolve().parents[2] / "experiments"
SEEDS = [
    (SHIPPED / name).read_bytes()
    for name in ("quick.toml", "ablations.toml", "fer2013_small.toml", "fer2013.toml")
]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study, the current folder, with plug-ins that must not run."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('experiments = ["x"]\n')
    plant_canaries(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    return tmp_path


@st.composite
def as_toml(draw: st.DrawFn) -> bytes:
    """A shipped experiment with other values in some places, written as TOML again."""
    value: Any = draw(changed_json(read_toml(SHIPPED / "quick.toml")))
    try:
        return to_toml(value).encode(errors="surrogatepass")
    except Exception:  # what TOML cannot say is not of interest here
        return b"question = 1\n"


FILES = st.one_of(mutated(SEEDS), as_toml())


def planned(study: Path, content: bytes) -> None:
    path = study / "experiments" / "x.toml"
    path.write_bytes(content)
    for command in (["plan", "x"], ["status"]):
        result = CliRunner().invoke(app, command)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert result.exit_code in {0, 2}
        assert "Traceback" not in result.output
        assert "\x1b[31m" not in result.output


def test_a_mutated_experiment_file_is_planned_or_refused(study: Path) -> None:
    fuzz(15, FILES, study, lambda content: planned(study, content))


@pytest.mark.slow
def test_two_thousand_mutated_experiment_files_are_planned_or_refused(study: Path) -> None:
    fuzz(2000, FILES, study, lambda content: planned(study, content))
