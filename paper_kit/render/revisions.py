"""The build that a path, a packed file of records, a commit, or the study of today stands for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from paper_kit.core.config import local_config
from paper_kit.core.derive import to_toml
from paper_kit.core.errors import InputError
from paper_kit.core.files import write_text
from paper_kit.core.git import git
from paper_kit.core.store import Store
from paper_kit.core.unpack import unpack
from paper_kit.render.build import build_paper
from paper_kit.render.differences import Build, load_build
from paper_kit.render.request import Request

TODAY = "."  # the study as it is now
LOCAL = "paperkit.local.toml"
CALL = "from paper_kit.cli import app; app(prog_name='paperkit')"
LAST_LINES = 5  # of what a failed render says


def build_of(text: str, request: Request, root: Path, say: Callable[[str], None]) -> Build:
    """The build that `text` names: ".", a build folder or a file of it, a zip of records, or a commit.

    What is not built yet is rendered in a temporary folder, for the venue and with the runs of `request`;
    `say` hears of it. Raises InputError where `text` names nothing, or its study does not render.
    """
    store = Store((request.runs or root / "experiments" / "runs").resolve())
    path = Path(text)
    if text != TODAY and path.exists() and path.suffix != ".zip":
        return load_build(path, store)
    with tempfile.TemporaryDirectory(prefix="paperkit-diff-") as name:
        made = load_build(rendered(text, request, root, Path(name) / "build", say), store)
    unknown = sum(bool(fact.get("missing")) for fact in made.facts)
    if unknown:
        say(f"{text}: {unknown} numbers are not known: their runs are not in {store.root}. Train them there.")
    return made


def rendered(text: str, request: Request, root: Path, out: Path, say: Callable[[str], None]) -> Path:
    """The build folder that `text` names, or `out`, where it was rendered to; errors as `build_of`."""
    path, store = Path(text), (request.runs or root / "experiments" / "runs").resolve()
    if text == TODAY:
        say("Rendering the study as it is now")
        build_paper(replace(request, out=out, compile=False), root)
    elif path.exists() and not (path.is_file() and path.suffix == ".zip"):
        folder = path if path.is_dir() else path.parent
        if not (folder / "paper.tex").is_file():
            raise InputError(
                f"{path}: expected a build folder with paper.tex, such as paper/build/ieeetran, a zip of "
                "records, a commit, or . for the study as it is now."
            )
        return folder
    elif path.exists():
        say(f"Rendering the study with the records of {path}")
        packed = Store(out.with_name(f"{out.name}-runs"))
        unpack(path, packed)
        build_paper(replace(request, out=out, compile=False, runs=packed.root), root)
    else:
        with checkout(text, root) as study:
            say(f"Rendering the study as of {text}")
            render_with_its_own_code(study, replace(request, out=out, runs=store))
    return out


@contextmanager
def checkout(ref: str, root: Path) -> Iterator[Path]:
    """The study's folder as it was in a commit, in a temporary worktree; InputError where there is none."""
    commit = git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if not commit and git(root, "rev-parse", "--git-dir") is None:
        raise InputError(
            f"{ref}: no such file, and no commit either: {root} is not in a git repository. Name a build "
            "folder such as paper/build/ieeetran, a zip of records, or . for the study as it is now."
        )
    if not commit:
        raise InputError(
            f"{ref}: neither a file nor a commit. Name a build folder such as paper/build/ieeetran, a zip of "
            "records, a commit or branch (`git log --oneline` lists some), or . for the study as it is now."
        )
    inside = git(root, "rev-parse", "--show-prefix") or ""
    with tempfile.TemporaryDirectory(prefix="paperkit-commit-") as name:
        tree = Path(name) / "tree"
        if git(root, "worktree", "add", "--detach", "--quiet", str(tree), commit.strip()) is None:
            raise InputError(f"{ref}: git could not check it out. Type `git worktree prune` and try again.")
        try:
            study = tree / inside.strip()
            if not (study / "paper" / "paper.toml").is_file():
                raise InputError(f"{ref}: there is no paper/paper.toml in this commit.")
            _keep_paths(root, study)
            yield study
        finally:
            git(root, "worktree", "remove", "--force", str(tree))


def render_with_its_own_code(study: Path, request: Request) -> None:
    """Nothing; the study was rendered by the package that it holds, else by this one.

    InputError tells the last words of a render that failed.
    """
    given = ["--out", str(request.out)]
    given += ["--runs", str(request.runs)] if request.runs is not None and request.runs.is_dir() else []
    given += ["--venue", request.venue] if request.venue else []
    own = [str(study)] if (study / "paper_kit" / "__init__.py").is_file() else []
    paths = [*own, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", CALL, "render", *request.experiments, *given],
        cwd=study,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-LAST_LINES:]
        raise InputError(["the study of that commit does not render:", *last])


def _keep_paths(root: Path, study: Path) -> None:
    """Nothing; the checkout finds data and weights where this machine has them."""
    known = local_config(root)
    if known.data or known.weights:
        data = {name: str((root / path).expanduser().resolve()) for name, path in known.data.items()}
        weights = [str((root / path).expanduser().resolve()) for path in known.weights]
        write_text(study / LOCAL, to_toml({"weights": weights, "data": data}))
