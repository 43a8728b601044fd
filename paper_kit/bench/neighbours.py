"""Whether a measurement had the machine for itself: what other processes computed meanwhile."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_kit.bench.nvml import Gpu

STAT = Path("/proc/stat")  # Linux, proc(5): jiffies of each CPU since the start
BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq and steal; guests stand in user already
ALONE_SHARE = 0.05  # of the CPUs' time: a desktop or server at rest uses less, a single busy core of 16 more


@dataclass(frozen=True)
class Moment:
    """The clock, and the seconds of CPU that all processes and this one had used by then."""

    clock_s: float
    cpus: int
    all_s: float
    own_s: float


def moment() -> Moment | None:
    """Now; None where the system does not say what its CPUs do."""
    try:
        lines = STAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    rows = [line.split()[1:] for line in lines if line.split()[0] in allowed]
    jiffies = sum(int(row[place]) for row in rows for place in BUSY if place < len(row))
    own = os.times()
    spent = own.user + own.system + own.children_user + own.children_system
    return Moment(time.monotonic(), len(rows), jiffies / os.sysconf("SC_CLK_TCK"), spent)


def busy_share(start: Moment | None, end: Moment | None) -> float | None:
    """What other processes used of the time of the CPUs that this one may use, 0 to 1; None: not known."""
    if start is None or end is None or not start.cpus or end.clock_s <= start.clock_s:
        return None
    everyone, own = end.all_s - start.all_s, end.own_s - start.own_s
    if everyone < own / 2:
        return None  # a sandbox whose counters stand still
    return min(1.0, max(0.0, (everyone - own) / ((end.clock_s - start.clock_s) * start.cpus)))


def alone(share: float | None, gpu: Gpu | str | None) -> dict[str, Any]:
    """Fields of a CostRecord: whether nothing else computed meanwhile, and what was seen of others.

    `gpu` is the GPU that was measured, why it cannot be asked, or None on a CPU.
    """
    others = gpu.neighbours() if isinstance(gpu, Gpu) else None
    disturbed = bool(others) or (share is not None and share > ALONE_SHARE)
    known = share is not None and (gpu is None or others is not None)
    return {
        "alone": False if disturbed else True if known else None,
        "busy_share": share,
        "gpu_neighbours": others,
    }
