"""How long a paper takes to build: cold, after one edited sentence, unchanged; beside a bare latexmk.

Usage: python benchmarks/rebuild.py [EXPERIMENT [RUNS]], in a study's folder; the sentence is edited in a copy
of templates/ and paper/, and the figures' own cache of t-SNE layouts is empty at first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SENTENCE = "This sentence was added to see how long it takes. "
DRAWN = "facts, tables and figures"  # without TeX
BARE = (
    "latexmk -norc -pdf -outdir=tex -latexoption=-interaction=nonstopmode -latexoption=-file-line-error "
    "-latexoption=-no-shell-escape paper.tex"
)
TARGETS = {"one sentence edited": "1.2 x bare + 1 s", "nothing changed": "1 s", DRAWN: "30 s"}


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock seconds of a command, which must succeed."""
    started = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "openin_any": "p"}, **quiet)
    return time.perf_counter() - started


def study_copy(place: Path) -> Path:
    """A copy of the study around the current folder, without runs, data and builds."""
    study = place / "study"
    for name in ("templates", "paper", "plugins", "experiments"):
        if Path(name).is_dir():
            ignored = shutil.ignore_patterns("build", "runs", "data", "examples")
            shutil.copytree(name, study / name, ignore=ignored)
    return study


def main(experiment: str = "fer2013_small", runs: str = "experiments/runs") -> None:
    """Nothing; the table is on stdout."""
    with tempfile.TemporaryDirectory(prefix="paperkit-rebuild-") as name:
        study, records = study_copy(Path(name)), str(Path(runs).resolve())
        command = ["paperkit", "build-pdf", experiment, "--runs", records]
        build = study / "paper" / "build" / "ieeetran"
        alone = study_copy(Path(name) / "alone")
        found = {DRAWN: seconds(["paperkit", "render", *command[2:]], alone)}
        found["cold"] = seconds(command, study)
        found["nothing changed"] = seconds(command, study)
        bare = Path(name) / "bare"
        shutil.copytree(build, bare)
        edited = study / "templates" / "sections" / "introduction.tex"
        edited.write_text(f"{edited.read_text(encoding='utf-8')}\n{SENTENCE}\n", encoding="utf-8")
        found["one sentence edited"] = seconds(command, study)
        for path in (build).rglob("*"):  # the same document after the same edit
            if path.is_file() and path.relative_to(build).parts[0] not in {"tex", "cache"}:
                shutil.copy(path, bare / path.relative_to(build))
        found["bare latexmk, the same edit"] = seconds(BARE.split(), bare)
        shutil.rmtree(build / "cache")
        (build / "build.json").unlink()
        found["without its cache"] = seconds(command, study)
    base = found["bare latexmk, the same edit"]
    print(f"{'':30}{'seconds':>8}  {'x bare':>6}  target")
    for what, taken in found.items():
        print(f"{what:30}{taken:8.2f}  {taken / base:6.1f}  {TARGETS.get(what, '')}")
    print(f"the edit: {found['one sentence edited']:.2f} s; allowed {1.2 * base + 1:.2f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
