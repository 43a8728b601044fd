"""How near `paperkit estimate` comes: a study is estimated, then really trained, and both are printed.

    python benchmarks/estimate.py [EXPERIMENT] [--small] [--jobs 0] [--threads 0] [--device auto]

Prints what was estimated and what was found, with their ratio, for wall time, trainings alone, memory of a
worker and of all, and disk. EXPERIMENT is experiments/quick.toml; the study is trained in an empty folder, by
`run_study` as `paperkit run-all` calls it. The target is a ratio between 0.77 and 1.3 for each; the exit code
is 1 where it is missed. Leave the machine alone meanwhile. --small takes about a minute and has no target.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from paper_kit.bench.estimate import MIB, Estimate, estimate
from paper_kit.bench.machine import cores
from paper_kit.bench.progress import Ended, Event, Note
from paper_kit.bench.room import resident_bytes
from paper_kit.bench.study import Summary, run_study
from paper_kit.core.config import data_roots, weights_folders
from paper_kit.core.plan import load_plans
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store

QUICK = Path(__file__).resolve().parents[1] / "experiments" / "quick.toml"
WITHIN = 1.3
LOOK_S = 0.1
SMALL = """
question = "How near is an estimate?"
[base]
dataset = { name = "synthetic_faces", train = 256, validation = 64, test = 64 }
image_size = 32
batch_size = 32
epochs = 4
[[model]]
key = "net"
label = "Net"
part = { name = "resemotenet", width = 8, depths = [1], fusion_width = 16 }
[[ablation]]
key = "no_decay"
label = "w/o weight decay"
set = { "optim.weight_decay" = 0.0 }
"""


class Watch:
    """Most memory of the worker processes of this one, and of all together, while it is looked at."""

    def __init__(self) -> None:
        self.worker_mib = self.together_mib = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            children = [c for c in multiprocessing.active_children() if c.name != "paperkit-measure"]
            held = [status_mib(child.pid or 0, "VmRSS") for child in children]
            peaks = [status_mib(child.pid or 0, "VmHWM") for child in children]
            self.worker_mib = max([self.worker_mib, *peaks])
            self.together_mib = max(self.together_mib, sum(held) + resident_bytes() / MIB)


def status_mib(pid: int, field: str) -> float:
    """MiB that a process holds, or held at most; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:")), 0.0)


def trained(plans: tuple[object, ...], store: Store, resources: Resources) -> tuple[Summary, Watch, float]:
    """The study's Summary, its memory, and the seconds until the last training had ended."""
    ends: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, Ended):
            ends.append(time.monotonic())
            print(f"{event.run_id} {event.state} {event.reason} {event.seconds:.1f} s", file=sys.stderr)
        elif isinstance(event, Note):
            print(event.text, file=sys.stderr)

    start = time.monotonic()
    with Watch() as watch:
        summary = run_study(plans, store, resources, hear)  # type: ignore[arg-type]
    return summary, watch, max(ends, default=start) - start


def compared(found: Estimate, summary: Summary, watch: Watch, training_s: float, store: Store) -> bool:
    """Whether all ratios are within the target; prints them."""
    runs = [store.folder(run.id) for run in found.runs]
    folders = [*runs, store.root / "costs"]
    kept = sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())
    rows = [
        ("wall time, s", found.seconds, summary.seconds),
        ("trainings with start, s", found.start_s + found.training_s, training_s),
        ("memory of a worker, MiB", found.worker_mib, watch.worker_mib),
        ("memory in all, MiB", found.study_mib, watch.together_mib),
        ("disk, MB", found.kept_bytes / 1e6, kept / 1e6),
    ]
    print(f"{'':26}{'estimated':>12}{'found':>12}{'ratio':>8}")
    for name, told, real in rows:
        print(f"{name:26}{told:12.1f}{real:12.1f}{told / real:8.2f}")
    return all(1 / WITHIN <= told / real <= WITHIN for _, told, real in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("experiment", nargs="?", type=Path, default=QUICK)
    parser.add_argument("--small", action="store_true", help="two runs of a tiny model")
    parser.add_argument("--jobs", type=int, default=0, help="workers; 0: one a core")
    parser.add_argument("--threads", type=int, default=0, help="of each worker; 0: the cores shared out")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="paperkit-") as name:
        folder = Path(name)
        path = folder / "small.toml" if given.small else given.experiment
        if given.small:
            path.write_text(SMALL, encoding="utf-8")
        weights = weights_folders(Path.cwd())
        plans, store = load_plans((path,), weights=weights), Store(folder / "runs")
        resources = Resources(
            device=given.device,
            jobs=given.jobs,
            threads=given.threads,
            data_roots=data_roots(Path.cwd()),
            weights_folders=weights,
            cache=folder / "data",
        )
        found = estimate(plans, store, resources, lambda _: None)
        print(
            f"{path.stem} on {found.device}, {cores()} cores, {found.jobs} workers with {found.threads} "
            f"threads, Python {platform.python_version()}, torch {version('torch')}, "
            f"load {os.getloadavg()[0]:.1f}; the probe took {found.probe_s:.0f} s"
        )
        summary, watch, training_s = trained(plans, store, resources)
        near = compared(found, summary, watch, training_s, store)
    if not summary.finished:
        print("Not all runs were trained.", file=sys.stderr)
        return 1
    return 0 if near or given.small else 1


if __name__ == "__main__":
    sys.exit(main())
