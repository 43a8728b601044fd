"""Seconds until `paperkit --help` and a finished `paperkit run-all` are done, beside a bare typer program.

    python benchmarks/startup.py [--rounds 15] [--small]

The bare program has two commands and imports nothing but typer. Each round starts the three in turn; the
table holds their medians and the median of the ratios of the rounds. The study is the example, unpacked into
a folder of its own, without its images. The targets: --help at most 1.5 times the bare program, a finished
run-all under 1 s; the exit code is 1 where one is missed (not with --small).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = "fer2013_small"
HELP_RATIO, FINISHED_S = 1.5, 1.0
PAPERKIT = "import sys; from paper_kit.cli import app; sys.argv[0] = 'paperkit'; app()"
BARE = """
import typer
app = typer.Typer()
@app.command()
def train(seed: int = 0) -> None:
    "Train."
@app.command()
def show(run: str) -> None:
    "Show."
app()
"""


def call(folder: Path, program: str, *arguments: str) -> tuple[float, str]:
    """Seconds that a Python program took in a fresh process, and what it printed."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    variables = {name: value for name, value in os.environ.items() if name != "PAPERKIT_DATA"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=variables | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return seconds, done.stdout


def finished_study(folder: Path) -> None:
    """Nothing; the folder holds the example with its records, and all of its runs are done."""
    (folder / "experiments").mkdir()
    shutil.copy(REPOSITORY / "experiments" / f"{EXAMPLE}.toml", folder / "experiments")
    shutil.copytree(
        REPOSITORY / "paper", folder / "paper", ignore=shutil.ignore_patterns("examples", "build")
    )
    shutil.copytree(REPOSITORY / "templates", folder / "templates")
    call(folder, PAPERKIT, "unpack", str(REPOSITORY / "paper" / "examples" / EXAMPLE / "records.zip"))
    _, planned = call(folder, PAPERKIT, "run-all", EXAMPLE, "--dry-run")
    if not planned.rstrip().splitlines()[-1].startswith("0 of "):
        raise SystemExit(f"The records of the example are not those of its experiment file:\n{planned}")


def main(arguments: list[str] | None = None) -> int:
    """The exit code; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--small", action="store_true", help="one round, and no judgement")
    asked = parser.parse_args(arguments)
    calls = {
        "a bare typer program, --help": (BARE, "--help"),
        "paperkit --help": (PAPERKIT, "--help"),
        "paperkit run-all, finished": (PAPERKIT, "run-all", EXAMPLE),
    }
    seconds: dict[str, list[float]] = {title: [] for title in calls}
    with tempfile.TemporaryDirectory() as name:
        finished_study(Path(name))
        for _ in range(1 if asked.small else asked.rounds):
            for title, (program, *said) in calls.items():
                seconds[title].append(call(Path(name), program, *said)[0])
    return tell(seconds, judged=not asked.small)


def tell(seconds: dict[str, list[float]], judged: bool) -> int:
    """The exit code; the table is on stdout."""
    rounds = list(zip(*seconds.values(), strict=True))
    typer = f"typer {version('typer')}, click {version('click')}"
    print(f"Python {platform.python_version()}, {typer}; {platform.system()} {platform.machine()}, "
          f"{os.cpu_count()} cores; medians of {len(rounds)} rounds")  # fmt: skip
    print(f"{'':32}{'seconds':>9}{'ratio':>8}{'target':>10}")
    ratios = [statistics.median(times[place] / times[0] for times in rounds) for place in range(3)]
    medians = [statistics.median(times) for times in seconds.values()]
    targets = ("", f"<= {HELP_RATIO}", f"< {FINISHED_S:.0f} s")
    for title, median, ratio, target in zip(seconds, medians, ratios, targets, strict=True):
        print(f"{title:32}{median:9.2f}{ratio:8.2f}{target:>10}")
    return int(judged and (ratios[1] > HELP_RATIO or medians[2] >= FINISHED_S))


if __name__ == "__main__":
    sys.exit(main())
