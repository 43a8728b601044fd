"""What the README says to type exists."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CALLS = sorted(set(re.findall(r"\bpaperkit ((?:data )?[a-z][a-z-]+)((?: --[a-z-]+)*)", README)))


@pytest.mark.parametrize(("name", "options"), CALLS)
def test_every_command_of_the_readme_exists(name, options):
    from paper_kit.cli import app

    command = get_command(app)
    for word in name.split():
        assert word in command.commands, f"README: there is no command {word!r}"
        command = command.commands[word]
        if not hasattr(command, "commands"):
            break
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(options.split()) <= known


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) - {"install"} <= targets | {"install"}


def test_every_folder_of_the_readme_tree_exists():
    tree = README.split("## What is where")[1].split("```")[1]
    for line in tree.strip().splitlines():
        name = line.split()[0]
        place = ROOT / "paper_kit" / name if line.startswith("  ") else ROOT / name
        assert place.is_dir(), line


def test_every_picture_and_local_link_of_the_readme_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_every_shipped_experiment_is_in_the_wheel():
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = shipped["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for path in (ROOT / "experiments").glob("*.toml"):
        assert f"experiments/{path.name}" in included


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_every_experiment_says_its_question_its_expectation_its_cost_and_its_command(path):
    header = path.read_text(encoding="utf-8").split("\n\n")[0]
    for word in ("Question:", "Expected:", "Cost:", "Command:"):
        assert word in header
