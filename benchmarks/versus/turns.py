"""A turn: one contender in one configuration trains one case, in a fresh process."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.versus import cases
from benchmarks.versus.measure import RESULT
from paper_kit.data.cache import open_dataset

ROOT = Path(__file__).resolve().parents[2]
Turn = tuple[str, str]  # contender, configuration
LIMIT_S = 900


def ask(
    given: argparse.Namespace,
    folder: Path,
    case: str,
    turn: Turn,
    *,
    flags: dict[str, Any] | None = None,
    epochs: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """What a fresh process measured; SystemExit with its last words where it failed.

    "start" is the time to the end of the first step; "wall" the whole process's, both in seconds.
    """
    scratch = folder / "scratch" / f"{time.monotonic_ns()}"
    scratch.mkdir(parents=True)
    order = {
        "case": case,
        "contender": turn[0],
        "config": turn[1],
        "flags": flags or {},
        "epochs": epochs,
        "seed": seed,
        "cache": str(folder / "data"),
        "scratch": str(scratch),
        **{name: getattr(given, name) for name in GIVEN},
    }
    begun, clock = time.time(), time.monotonic()
    command = [sys.executable, "-m", f"{__package__}.measure", json.dumps(order)]
    done = subprocess.run(
        command,
        cwd=scratch,
        env=_environment(given, scratch),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if done.returncode or not lines:
        last = "\n".join(done.stderr.splitlines()[-12:])
        raise SystemExit(f"versus: {'/'.join(turn)} on {case} failed (exit {done.returncode}):\n{last}")
    answer: dict[str, Any] = json.loads(lines[-1].removeprefix(RESULT))
    return answer | {"start": answer["first"] - begun, "wall": time.monotonic() - clock}


GIVEN = ("threads", "device", "seconds", "warm", "probe", "repeats", "train")


def draw_faces(given: argparse.Namespace, folder: Path) -> None:
    """Nothing; the faces of every case are drawn, so that nobody's start-up holds that."""
    for case in given.cases:
        spec = cases.spec_of(case)
        if given.accuracy:
            spec = cases.whole_training(spec, given.epochs, given.train)
        else:
            spec = cases.long_epochs(spec, given.repeats)
        open_dataset(spec.dataset, {}, folder / "data")


def _environment(given: argparse.Namespace, scratch: Path) -> dict[str, str]:
    """Threads for everybody, no network, and a folder for what libraries leave behind."""
    own = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": str(given.threads),
        "TMPDIR": str(scratch),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**os.environ, **own}
