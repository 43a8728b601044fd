"""Joules of a piece of work, by the machine's own meter: NVML's of a GPU, RAPL's of a CPU. No estimates."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from paper_kit.bench.nvml import Gpu
from paper_kit.bench.timing import wait

POWERCAP = Path("/sys/class/powercap")  # Linux, Documentation/power/powercap: Intel's and AMD's packages
SECONDS = 3.0  # of work between two readings: NVML renews its counter several times a second
FEWEST = 5  # calls


@dataclass(frozen=True)
class Meter:
    """A counter of energy: `read` gives joules of each of its parts, which start again at `wraps`."""

    name: Literal["nvml", "rapl"]
    read: Callable[[], tuple[float, ...]]
    wraps: tuple[float, ...]

    def joules(self, work: Callable[[], Any]) -> float:
        """What the metered parts used during the work, at rest or not."""
        before = self.read()
        work()
        after = self.read()
        return sum((b - a) % wrap for a, b, wrap in zip(before, after, self.wraps, strict=True))


def meter_of(device: torch.device, gpu: Gpu | str | None) -> Meter | str:
    """The meter of the device that computes, or why its energy cannot be measured."""
    if device.type == "cuda":
        return _of_gpu(gpu) if isinstance(gpu, Gpu) else gpu or "NVML was not asked"
    return _of_cpu(POWERCAP)


def joules_a_call(
    meter: Meter, call: Callable[[], Any], device: torch.device, seconds: float = SECONDS
) -> float:
    """Joules of one call: of all that fit in `seconds`, at least five, over their number."""
    calls = 0

    def work() -> None:
        nonlocal calls
        end = time.monotonic() + seconds
        while calls < FEWEST or time.monotonic() < end:
            call()
            wait(device)
            calls += 1

    wait(device)
    return meter.joules(work) / calls


def _of_gpu(gpu: Gpu) -> Meter | str:
    try:
        gpu.joules()
    except gpu.library.NVMLError as error:
        return f"NVML counts no energy of this GPU: {error}"
    return Meter("nvml", lambda: (gpu.joules(),), (math.inf,))


def _of_cpu(folder: Path) -> Meter | str:
    """RAPL's meter of all processor packages, without memory."""
    packages = [
        zone
        for zone in sorted(folder.glob("intel-rapl:*"))
        if zone.name.count(":") == 1 and _is_package(zone)
    ]
    if not packages:
        return f"no RAPL counter of a processor in {folder}"

    def read() -> tuple[float, ...]:
        return tuple(_number(zone / "energy_uj") / 1e6 for zone in packages)

    try:
        read()
        wraps = tuple(_number(zone / "max_energy_range_uj") / 1e6 for zone in packages)
    except OSError as error:
        return f"{error.filename}: {error.strerror}; an administrator can make it readable"
    return Meter("rapl", read, wraps)


def _is_package(zone: Path) -> bool:
    return (zone / "name").read_text(encoding="ascii").startswith("package")


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
