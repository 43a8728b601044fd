"""What large studies cost: 10,000 finished runs planned and listed, 1,000 rendered, 1,000 workers kept busy.

    python -m benchmarks.scale [--small]

The studies are made up (benchmarks/many_runs.py), with records and logits as large as those of FER2013 runs:
3,589 test images of 7 classes in two views. Each command runs in fresh processes; memory is the largest sum
over all of them. `render` makes facts, tables, figures and TeX as build-pdf does, and compiles nothing: how
long TeX takes depends on the pages, not on the runs. The growth is that of the CPU seconds above those of the
smallest study, of three rounds the quickest. The workers are simulated (benchmarks/workers.py). The exit code
is 1 where a target is missed (not with --small). Needs 1.5 GB of disk.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from benchmarks.many_runs import NAME, study
from benchmarks.workers import draw, uneven_runs

REPOSITORY = Path(__file__).resolve().parents[1]
PAPERKIT = "import sys; from paper_kit.cli import app; sys.argv[0] = 'paperkit'; app()"
IMAGES = 3589  # of FER2013's PrivateTest
LISTED_S, LISTED_MB = 3.0, 500.0
RENDERED_S, RENDERED_MB = 15.0, 2000.0
EXPONENT, EXCESS = 1.1, 0.05
SAMPLE_S = 0.05
ROUNDS = 3


class Spent(NamedTuple):
    """Wall seconds, CPU seconds and most MB of a command with its processes."""

    wall: float
    cpu: float
    memory_mb: float


@dataclass(frozen=True)
class Sizes:
    """How large the studies are."""

    listed: tuple[int, ...] = (100, 1_000, 10_000)
    rendered: int = 1_000
    images: int = IMAGES
    drawn: int = 10_000
    workers: int = 1_000


SMALL = Sizes(listed=(15, 30, 60), rendered=0, images=30, drawn=200, workers=10)


def call(folder: Path, *arguments: str) -> Spent:
    """What a paperkit command in a fresh process spends; it must succeed."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    variables = {name: value for name, value in os.environ.items() if name != "PAPERKIT_DATA"}
    variables |= {"PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "Agg"}
    before, start = os.times(), time.perf_counter()
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-c", PAPERKIT, *arguments]
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=said, stderr=said)
        largest = [0.0]
        watching = threading.Thread(target=_watch, args=(process, largest))
        watching.start()
        code = process.wait()
        wall, after = time.perf_counter() - start, os.times()
        watching.join()
        if code:
            said.seek(0)
            raise SystemExit(f"{' '.join(arguments)}: exit code {code}\n{said.read().decode()}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(wall, cpu, largest[0])


def _watch(process: subprocess.Popen[bytes], largest: list[float]) -> None:
    """Nothing; `largest` holds the most MB that the process and those that it started had at once."""
    while process.poll() is None:
        total = 0
        try:
            one = psutil.Process(process.pid)
            for each in (one, *one.children(recursive=True)):
                total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        largest[0] = max(largest[0], total / 1e6)
        time.sleep(SAMPLE_S)


def listed(runs: int, images: int) -> Spent:
    """What `plan` and `status` of a study of finished runs spend together."""
    with tempfile.TemporaryDirectory(prefix="paperkit-scale-") as name:
        study(Path(name), runs, images, predictions=False)
        one, other = (quickest(Path(name), command) for command in ("plan", "status"))
    return Spent(one.wall + other.wall, one.cpu + other.cpu, max(one.memory_mb, other.memory_mb))


def quickest(folder: Path, command: str) -> Spent:
    """Of some rounds the one of least CPU time: what else the machine does only adds to it."""
    return min((call(folder, command, NAME) for _ in range(ROUNDS)), key=lambda spent: spent.cpu)


def rendered(runs: int, images: int) -> Spent:
    """What `render` of a study of finished runs spends, with nothing in any cache."""
    with tempfile.TemporaryDirectory(prefix="paperkit-scale-") as name:
        study(Path(name), runs, images)
        return call(Path(name), "render", NAME)


def exponent(runs: Sequence[int], seconds: Sequence[float]) -> float:
    """The power of the runs with which the seconds above those of the smallest study grow; 1 is linear.

    nan where the two larger studies take no longer than the smallest.
    """
    beyond = [taken - seconds[0] for taken in seconds[-2:]]
    if min(beyond) <= 0:
        return math.nan
    more = [number - runs[0] for number in runs[-2:]]
    return math.log(beyond[1] / beyond[0]) / math.log(more[1] / more[0])


def main(arguments: list[str] | None = None) -> int:
    """The exit code; prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny studies, nothing rendered, no judgement")
    small = parser.parse_args(arguments).small
    sizes = SMALL if small else Sizes()
    spent = [listed(runs, sizes.images) for runs in sizes.listed]
    misses = tell_listed(sizes.listed, spent)
    if sizes.rendered:
        misses += tell_rendered(sizes.rendered, rendered(sizes.rendered, sizes.images))
    misses += tell_drawn(sizes.drawn, sizes.workers)
    return int(misses > 0 and not small)


def tell_listed(runs: Sequence[int], spent: Sequence[Spent]) -> int:
    """How many targets plan and status miss; their table is on stdout."""
    print(f"{'plan + status, finished runs':32}{'seconds':>9}{'CPU s':>9}{'MB':>8}")
    for number, one in zip(runs, spent, strict=True):
        print(f"{number:<32,}{one.wall:9.2f}{one.cpu:9.2f}{one.memory_mb:8.0f}")
    found = exponent(runs, [one.cpu for one in spent])
    print(f"targets for the last: < {LISTED_S:.0f} s, < {LISTED_MB:.0f} MB")
    print(f"growth: exponent {found:.2f}, target at most {EXPONENT}")
    last = spent[-1]
    return (last.wall >= LISTED_S) + (last.memory_mb >= LISTED_MB) + (not found <= EXPONENT)


def tell_rendered(runs: int, spent: Spent) -> int:
    """How many targets render misses; its line is on stdout."""
    print(f"render, {runs:,} runs: {spent.wall:.1f} s ({spent.cpu:.1f} s of CPU), {spent.memory_mb:.0f} MB; "
          f"targets < {RENDERED_S:.0f} s, < {RENDERED_MB:.0f} MB")  # fmt: skip
    return (spent.wall >= RENDERED_S) + (spent.memory_mb >= RENDERED_MB)


def tell_drawn(runs: int, workers: int) -> int:
    """1 where the schedule misses its target; its line is on stdout."""
    specs, seconds = uneven_runs(runs, np.random.default_rng(0))
    start = time.process_time()
    found = draw(specs, seconds, workers)
    deciding_ms = 1000 * (time.process_time() - start) / runs
    print(f"{workers:,} workers, {runs:,} runs: {found.excess:.2%} over the ideal schedule, target at most "
          f"{EXCESS:.0%}; idle {found.idle:.2%}; {deciding_ms:.2f} ms of CPU a run")  # fmt: skip
    return int(found.excess > EXCESS)


if __name__ == "__main__":
    sys.exit(main())
