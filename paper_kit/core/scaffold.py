"""A new study outside the repository: what is shipped, copied, or made for a folder of one's own images."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from paper_kit.core.config import read_toml
from paper_kit.core.derive import to_toml
from paper_kit.core.errors import InputError
from paper_kit.core.files import write_text
from paper_kit.core.source import PACKAGE

SHIPPED = ("templates", "experiments", "paper/paper.toml")
NOT_SHIPPED = {"runs", "data", "LOG.md"}  # of experiments/: what this repository's own studies left
IGNORED = "experiments/runs/\nexperiments/data/\npaper/build/\npaperkit.local.toml\n"
EXPERIMENTS_LINE = re.compile(r"^experiments\s*=\s*\[[^\]]*\]", re.MULTILINE)


def shipped_files() -> Path:
    """The folder that holds templates/, experiments/ and paper/: in the wheel, or the top of the checkout."""
    inside = PACKAGE / "scaffold"
    return inside if inside.is_dir() else PACKAGE.parent


def scaffold(target: Path, images: Path | None = None) -> tuple[Path, ...]:
    """The new files of a study in `target`; with `images`, an experiment on that folder is its default.

    Raises InputError, and writes nothing, where `target` is not empty or `images` is not a folder or a zip.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: something is there already; name a folder that is new or empty.")
    if images is not None and not (images.is_dir() or images.suffix == ".zip"):
        raise InputError(f"{images}: expected a folder (or zip) of class/*.jpg or split/class/*.jpg.")
    for name in SHIPPED:
        _copy(shipped_files() / name, target / name)
    write_text(target / ".gitignore", IGNORED)
    if images is not None:
        _use_images(target, images.resolve())
    return tuple(sorted(path for path in target.rglob("*") if path.is_file()))


def _copy(source: Path, target: Path) -> None:
    """Nothing; a file, or the TOML and TeX of a folder and what lies below, was copied; no runs, no data."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if path.is_file() and inside.parts[0] not in NOT_SHIPPED and not path.name.startswith("."):
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / inside)


def _use_images(target: Path, images: Path) -> None:
    """Nothing; an experiment on the images is what paper.toml names, and they can be found."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", images.stem).strip("_").lower() or "images"
    name = (
        name if name not in {path.stem for path in (target / "experiments").glob("*.toml")} else f"own_{name}"
    )
    value = own_images(read_toml(target / "experiments" / "quick.toml"), images.stem)
    header = (
        f"# Question: {value['question']}\n"
        f"# Expected: {value['expected']}\n"
        f"# Command:  paperkit run-all {name}\n"
        "# The images are found by paperkit.local.toml, or --data image_folder=PATH. Splits that the folder\n"
        "# does not have are made, by class; `subject` keeps a person in one (`paperkit list dataset`).\n"
    )
    write_text(target / "experiments" / f"{name}.toml", f"{header}\n{to_toml(value)}")
    paper = target / "paper" / "paper.toml"
    text = paper.read_text(encoding="utf-8")
    line = f'experiments = ["{name}"]'
    changed, found = EXPERIMENTS_LINE.subn(line, text, count=1)
    write_text(paper, changed if found else f"{line}\n{text}")
    write_text(target / "paperkit.local.toml", to_toml({"data": {"image_folder": str(images)}}))


def own_images(quick: dict[str, Any], folder: str) -> dict[str, Any]:
    """The quick study as a study of one's own images."""
    base = {**quick["base"], "dataset": {"name": "image_folder"}}
    question = f"How much does each training technique contribute on the images of {folder}?"
    changed = {"question": question, "expected": "not known before it was run", "base": base}
    return {**{key: item for key, item in quick.items() if key != "cost"}, **changed}
