"""The benchmark of `paperkit estimate` runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_small_study_is_estimated_and_then_trained():
    command = [sys.executable, str(ROOT / "benchmarks" / "estimate.py"), "--small", "--jobs", "1"]
    command += ["--threads", "1", "--device", "cpu"]
    found = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert found.returncode == 0, found.stderr
    rows = {line[:26].strip(): line[26:].split() for line in found.stdout.splitlines()[2:]}
    assert set(rows) == {
        "wall time, s",
        "trainings with start, s",
        "memory of a worker, MiB",
        "memory in all, MiB",
        "disk, MB",
    }
    assert all(float(number) > 0 for row in rows.values() for number in row)
