"""Where the wall time of the quick study goes, and how long its trainings take as separate processes.

    python benchmarks/study.py [--models resemotenet,emotion_vit] [--jobs N] [--packed-only] [--small]

`paperkit run-all` trains experiments/quick.toml in an empty folder, in a fresh process that notes when each
run says what. A run's compute is the time from its first step to its record: all epochs, validation, test,
and what the record holds. The compute of the study is the sum over its runs divided by the workers. The
target is a wall time of at most 1.15 times that + 15 s, everything counted: start-up, decoding, idle
workers, the costs that are measured after the trainings with the machine to themselves, and the audit. Then
the same runs are trained again one after the other, each in a process of its own with all cores for its
threads, from the dataset that is already decoded, and without costs and audit; the ratio is to the packed
trainings without theirs. The exit code is 1 where the target is missed (not with --small).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
FACTOR, ALLOWANCE_S = 1.15, 15.0
FEW = {"train": 140, "validation": 56, "test": 56}

NOTED = """
import json, sys, time
from dataclasses import asdict
from paper_kit.bench import study
from paper_kit.cli import app

log, *said = sys.argv[1:]
original = study.run_study

def run_study(plans, store, resources, report, **options):
    with open(log, "a", buffering=1) as file:
        def hear(event):
            print(json.dumps([time.time(), type(event).__name__, asdict(event)]), file=file)
            report(event)
        return original(plans, store, resources, hear, **options)

study.run_study = run_study
sys.argv = ["paperkit", *said]
app()
"""
ALONE = """
import sys
from pathlib import Path
from paper_kit.bench.run import run_one
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
run_id, packed, separate, cache, threads = sys.argv[1:]
store, spec = Store(Path(separate)), Store(Path(packed)).spec(run_id)
state = run_one(spec, store, Resources(device="cpu", jobs=1, threads=int(threads), cache=Path(cache)))
assert state is RunState.DONE, store.reason(run_id)
"""

Noted = tuple[float, str, dict[str, Any]]  # time, kind of event, its fields


@dataclass(frozen=True)
class Times:
    """Seconds of wall time of one study, in the order in which they pass; they add up to all of it."""

    before: float  # until the first step of the first run
    compute: float  # of all runs, divided by the workers
    between: float  # from a run's arrival at its worker to its first step, divided by the workers
    idle: float  # of workers without a run while others had one, divided by the workers
    leaving: float  # of the workers
    audit: float  # of the data, while the libraries of what measures costs are loaded
    costs: float

    @property
    def wall(self) -> float:
        """All of it."""
        return sum(vars(self).values())

    @property
    def trainings(self) -> float:
        """All but what comes after the trainings."""
        return self.before + self.compute + self.between + self.idle


def times(noted: Iterable[Noted], start: float, end: float, workers: int) -> Times:
    """The Times of a study from what its runs said between `start` and `end`."""
    arrived: dict[str, float] = {}
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    marks: dict[str, float] = {}
    for now, kind, fields in noted:
        if kind == "Note":
            marks.setdefault(fields["text"].split()[0], now)  # Opening, Measuring, Auditing
        elif kind == "Ended":
            ended[fields["run_id"]] = now
        else:
            arrived.setdefault(fields["run_id"], now)
            if fields["stage"] == "train":
                begun.setdefault(fields["run_id"], now)
    first, last = min(begun.values()), max(ended.values())
    compute = sum(ended[run] - begun[run] for run in begun)
    between = sum(max(0.0, begun[run] - max(first, arrived[run])) for run in begun)
    measuring = marks.get("Measuring", end)
    auditing = marks.get("Auditing", measuring)
    return Times(
        before=first - start,
        compute=compute / workers,
        between=between / workers,
        idle=last - first - (compute + between) / workers,
        leaving=auditing - last,
        audit=measuring - auditing,
        costs=end - measuring,
    )


def study_folder(folder: Path, models: tuple[str, ...], small: bool) -> None:
    """Nothing; the folder holds the quick study, with these models only, or very small."""
    import tomlkit

    document = tomlkit.parse((REPOSITORY / "experiments" / "quick.toml").read_text(encoding="utf-8"))
    kept = [model for model in document["model"] if not models or model["key"] in models]
    if not kept:
        raise SystemExit(f"--models: the quick study has {', '.join(m['key'] for m in document['model'])}.")
    document["model"] = kept[:1] if small else kept
    if small:
        document["base"]["epochs"] = 2
        document["base"]["dataset"].update(FEW)
        document["source"]["dataset"].update(FEW)
        document["source"]["set"]["epochs"] = 1
    for name in ("experiments", "paper"):
        (folder / name).mkdir()
    (folder / "experiments" / "quick.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    shutil.copy(REPOSITORY / "paper" / "paper.toml", folder / "paper")


def python(folder: Path, code: str, *arguments: str) -> tuple[float, float]:
    """Start and end of some work in a fresh process."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    threads = {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    variables = {name: value for name, value in os.environ.items() if name not in threads}
    start = time.time()
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=variables | {"PYTHONPATH": os.pathsep.join(paths)},
        stdout=2,  # what it says is no result of this one
        check=True,
    )
    return start, time.time()


def packed(folder: Path, jobs: int, *options: str) -> tuple[Times, list[str]]:
    """The Times of `paperkit run-all` in the study's folder, and the ids of its runs as they ended."""
    log = folder / "noted.jsonl"
    said = ("run-all", "quick", "--device", "cpu", "--jobs", str(jobs), *options)
    start, end = python(folder, NOTED, str(log), *said)
    noted: list[Noted] = [tuple(json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
    runs = [fields["run_id"] for _, kind, fields in noted if kind == "Ended"]
    return times(noted, start, end, jobs), runs


def separate(folder: Path, runs: list[str], threads: int) -> float:
    """Seconds of the same runs one after the other, each in a fresh process with so many threads."""
    experiments = folder / "experiments"
    given = [str(experiments / name) for name in ("runs", "separate", "data")]
    spans = [python(folder, ALONE, run, *given, str(threads)) for run in runs]
    return sum(end - start for start, end in spans)


def tell(found: Times, workers: int, runs: int) -> bool:
    """Whether the target is met; the table is on stdout."""
    allowed = FACTOR * found.compute + ALLOWANCE_S
    rows = {
        "until the first step": found.before,
        f"compute of {runs} runs / {workers} workers": found.compute,
        "between runs": found.between,
        "idle workers": found.idle,
        "leaving": found.leaving,
        "audit of the data; libraries of the costs": found.audit,
        "costs, measured alone": found.costs,
        "wall": found.wall,
        f"target: {FACTOR} x compute + {ALLOWANCE_S:.0f} s": allowed,
    }
    for title, seconds in rows.items():
        print(f"{title:42}{seconds:9.1f} s{seconds / found.wall:8.1%}")
    print(f"wall / compute {found.wall / found.compute:.2f}, without costs and audit "
          f"{found.trainings / found.compute:.2f}")  # fmt: skip
    return found.wall <= allowed


def main(arguments: list[str] | None = None) -> int:
    """The exit code; prints the table and the ratio."""
    from paper_kit.bench.machine import cores

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="", help="keys of models, with commas; all by default")
    parser.add_argument("--jobs", type=int, default=cores(), help="workers; one a core by default")
    parser.add_argument("--packed-only", action="store_true", help="leave the separate processes out")
    parser.add_argument("--small", action="store_true", help="three tiny runs; no costs, no judgement")
    asked = parser.parse_args(arguments)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "timm"))
    print(f"Python {platform.python_version()}, {packages}; CPU, {cores()} cores, {asked.jobs} workers with "
          f"{max(1, cores() // asked.jobs)} threads")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study_folder(folder, tuple(filter(None, asked.models.split(","))), asked.small)
        few = ("--only", "base", "--only", "no_mixing") if asked.small else ()
        found, runs = packed(folder, asked.jobs, *few)
        met = tell(found, asked.jobs, len(runs))
        if not asked.packed_only:
            alone = separate(folder, runs, cores())
            print(f"{'separate processes, one after another':40}{alone:9.1f} s")
            print(f"separate / packed trainings {alone / found.trainings:.2f}")
    return 0 if met or asked.small else 1


if __name__ == "__main__":
    sys.exit(main())
