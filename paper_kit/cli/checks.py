"""What a machine needs for paperkit: what is there, what is missing, and what to type."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paper_kit import __version__
from paper_kit.bench.machine import cores
from paper_kit.cli.workplace import Workplace
from paper_kit.core.config import data_roots
from paper_kit.core.errors import InputError
from paper_kit.core.part import available
from paper_kit.core.plan import Plan, all_runs
from paper_kit.core.store import RunState
from paper_kit.data.cache import data_root

TEX_PACKAGES = (
    "latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended texlive-publishers "
    "texlive-science texlive-pictures texlive-bibtex-extra texlive-plain-generic lmodern cm-super"
)
LOADED = {"acmart.cls": ("binhex.tex", "libertine.sty", "newtxmath.sty")}  # by the class
INSTALL_TEX = f"sudo apt-get install --no-install-recommends {TEX_PACKAGES}"
INSTALL_FONTS = "sudo apt-get install texlive-fonts-extra"  # 600 MB: the fonts of acmart
INSTALL_POPPLER = "sudo apt-get install poppler-utils"
WHERE_DATA = '--data NAME=PATH, NAME = "PATH" below [data] in paperkit.local.toml, or PAPERKIT_DATA=FOLDER'
TORCH = """
import torch
names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
print(torch.__version__, "|", ", ".join(names))
"""
USED = re.compile(r"\\(?:usepackage|RequirePackage)(?:\[[^\]]*\])?\{([^}]*)\}")

NAME = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Check:
    """One line of the doctor's: what was looked for, what was found, and what to type if it is missing."""

    topic: str
    name: str
    found: str  # "" where it is missing
    cure: str = ""
    essential: bool = True


def checks(place: Workplace, data: tuple[str, ...] = ()) -> list[Check]:
    """All checks, in the order in which they are shown; `data` is what --data said."""
    study, plans = study_checks(place)
    needed = {run.dataset.name for plan in plans for run in plan.runs}
    return [
        *python_checks(),
        torch_check(),
        *tex_checks(place.root),
        *data_checks(data_roots(place.root, data), needed),
        *study,
    ]


def python_checks() -> list[Check]:
    """Python, and the packages that paperkit depends on."""
    found = [Check("Python", "Python", platform.python_version()), Check("Python", "paperkit", __version__)]
    missing = [name for name in dependencies() if not installed(name)]
    told = "" if missing else f"{len(dependencies())} found"
    cure = f"{Path(sys.executable).name} -m pip install {' '.join(missing)}"
    return [*found, Check("Python", "packages", told, cure)]


def dependencies() -> list[str]:
    """Names of the packages that paperkit needs, by its metadata; the main ones from a bare checkout."""
    try:
        needed = importlib.metadata.requires("paper-kit") or []
    except importlib.metadata.PackageNotFoundError:
        return ["torch", "timm", "pandas", "matplotlib", "jinja2", "pydantic", "typer", "rich"]
    return [re.split(r"[^A-Za-z0-9_.-]", item)[0] for item in needed if "extra ==" not in item]


def installed(name: str) -> bool:
    """Whether a distribution of that name is installed."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def torch_check() -> Check:
    """torch and what it computes on; asked in a fresh process, so that a broken torch breaks nothing here."""
    asked = subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True, check=False)
    if asked.returncode:
        words = asked.stderr.strip().splitlines()
        return Check(
            "torch", "torch", "", f"pip install torch ({words[-1] if words else 'it does not start'})"
        )
    version, _, names = asked.stdout.strip().partition("|")
    device = names.strip() or f"no GPU, {cores()} CPU cores"
    return Check("torch", "torch", f"{version.strip()} on {device}")


def tex_checks(root: Path) -> list[Check]:
    """The programs of TeX, and the classes and packages that the study's templates use."""
    found = [
        Check("TeX", name, shutil.which(name) or "", INSTALL_TEX)
        for name in ("latexmk", "pdflatex", "bibtex")
    ]
    found += [
        Check("TeX", name, shutil.which(name) or "", INSTALL_POPPLER, essential=False)
        for name in ("pdftotext", "pdffonts")
    ]
    if shutil.which("kpsewhich") is None:
        return [*found, Check("TeX", "kpsewhich", "", INSTALL_TEX)]
    wanted = tex_files(root / "templates")
    asked = subprocess.run(["kpsewhich", *wanted], capture_output=True, text=True, check=False)
    there = {Path(line).name for line in asked.stdout.splitlines()}
    missing = [name for name in wanted if name not in there]
    told = "" if missing else f"{len(wanted)} found"
    what = ", ".join(missing) or "classes, packages and fonts"
    found.append(Check("TeX", what, told, INSTALL_TEX))
    return [*found, *venue_checks(root / "templates")]


def venue_checks(templates: Path) -> list[Check]:
    """Each venue whose class, or what that loads, the TeX system lacks: essential for none but its users."""
    found = []
    for path in sorted((templates / "venues").glob("*/venue.toml")):
        told = re.search(r'^documentclass\s*=\s*"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
        name = f"{told[1].removesuffix('.cls')}.cls" if told else ""
        if not name or (path.parent / name).is_file():
            continue
        wanted = [name, *LOADED.get(name, ())]
        asked = subprocess.run(["kpsewhich", *wanted], capture_output=True, text=True, check=False)
        there = {Path(line).name for line in asked.stdout.splitlines()}
        if missing := [each for each in wanted if each not in there]:
            what = f"{', '.join(missing)} for --venue {path.parent.name}"
            cure = INSTALL_TEX if {name, "binhex.tex"} & set(missing) else INSTALL_FONTS
            found.append(Check("TeX", what, "", cure, essential=False))
    return found


def tex_files(templates: Path) -> list[str]:
    """Classes, styles and fonts that templates/ asks for, such as "booktabs.sty", and the default ones."""
    named = {"IEEEtran.cls", "article.cls", "booktabs.sty", "embedfile.sty", "ptmr8t.tfm"}
    for path in templates.rglob("*.tex"):
        for names in USED.findall(path.read_text(encoding="utf-8", errors="replace")):
            named |= {f"{name.strip()}.sty" for name in names.split(",") if NAME.fullmatch(name.strip())}
    own = {path.name for path in templates.rglob("*") if path.suffix in {".sty", ".cls"}}
    return sorted(named - own)


def data_checks(roots: Mapping[str, Path], needed: set[str]) -> list[Check]:
    """Each dataset: where it lies; essential where an experiment of the paper needs it."""
    return [data_check(name, roots, name in needed) for name in available("dataset")]


def data_check(name: str, roots: Mapping[str, Path], needed: bool) -> Check:
    """Whether a dataset's files are at hand; drawn ones always are."""
    cure = WHERE_DATA
    if name.startswith("synthetic_"):
        return Check("data", name, "drawn, needs no files", cure)
    try:
        found = data_root(name, roots)
    except InputError as error:
        return Check("data", name, "", error.problems[0], needed)
    return Check("data", name, str(found or ""), cure, needed)


def study_checks(place: Workplace) -> tuple[list[Check], tuple[Plan, ...]]:
    """What is wrong with the paper's experiments, or how many of their runs are done; and their plans."""
    if not place.files:
        return [Check("study", "runs", "", "paperkit init my_study, and go there", essential=False)], ()
    try:
        plans = place.plans()
    except InputError as error:
        return [Check("study", "experiments", "", problem) for problem in error.problems], ()
    runs = all_runs(plans)
    done = sum(place.store.state(run) is RunState.DONE for run in runs)
    return [Check("study", "runs", f"{done} of {len(runs)} done in {place.root}")], plans
