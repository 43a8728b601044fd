"""paper/paper.toml: the title, the authors, the venue, and which experiments the paper reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError, did_you_mean

TITLE = "Advanced Emotion Recognition Using Transfer Learning and Vision Transformers"


class Author(Frozen):
    """One author as the title page prints them; empty lines are left out."""

    name: str
    affiliation: str = ""
    place: str = ""
    email: str = ""
    orcid: str = ""


class Paper(Frozen):
    """What paper.toml may say; `experiments` are names in experiments/ or paths of TOML files."""

    title: str = TITLE
    authors: tuple[Author, ...] = ()
    keywords: tuple[str, ...] = ()
    ccs_concepts: tuple[str, ...] = ()  # ACM's, such as "Computing methodologies~Neural networks"
    venue: str = "ieeetran"
    experiments: Annotated[tuple[str, ...], Field(min_length=1)] = ("quick",)
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05  # level of the tests behind claims
    equivalence_margin: Annotated[float, Field(gt=0)] = (
        1.0  # points of accuracy within which two models count as equal
    )
    supplement: Literal["venue", "own", "none"] = "venue"  # a PDF of its own, none, or as the venue has it
    demo: bool = False  # true lets --final pass on synthetic data
    acknowledgements: str = ""
    code_url: str = ""


def load_paper(root: Path) -> Paper:
    """The checked paper.toml of a study; InputError lists everything wrong with it."""
    path = root / "paper" / "paper.toml"
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file. Go to the folder of a study, or type `paperkit init my_study` "
            "to make one."
        )
    return validate(Paper, read_toml(path), str(path))


def experiment_file(root: Path, name: str) -> Path:
    """The TOML file of an experiment given by name ("quick") or by path; InputError lists the known ones."""
    folder = root / "experiments"
    for path in (Path(name), root / name, folder / name, folder / f"{name}.toml"):
        if path.suffix == ".toml" and path.is_file():
            return path
    known = [path.stem for path in folder.glob("*.toml")] if folder.is_dir() else []
    raise InputError(f"There is no experiment {name!r} in {folder}.{did_you_mean(name, known)}")


def experiment_files(root: Path, names: tuple[str, ...] = ()) -> tuple[Path, ...]:
    """The files of the named experiments, or of those that paper.toml names; InputError lists all unknown."""
    found: list[Path] = []
    problems: list[str] = []
    for name in names or load_paper(root).experiments:
        try:
            found.append(experiment_file(root, name))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return tuple(dict.fromkeys(found))
