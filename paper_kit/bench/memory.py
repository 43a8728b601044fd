"""The most memory that this process, or its GPU, has held."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Literal

import torch

from paper_kit.core.errors import PaperkitError

MIB = 2**20
METERS: dict[str, Literal["rss", "cuda"]] = {"cpu": "rss", "cuda": "cuda"}
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # Linux, proc(5): sets the peak resident set back to what is resident now


def reset_peak(device: torch.device) -> None:
    """Nothing; a peak read later counts from now. Where the system cannot, it stays the process's."""
    gc.collect()  # what nobody holds any more is not part of the next peak
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        RESET.write_text(RESET_PEAK, encoding="ascii")
    except OSError:
        return


def peak_mib(device: torch.device) -> float:
    """MiB: on a GPU the most that torch allocated, else the whole process's most resident memory."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / MIB
    if STATUS.is_file():
        for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return _peak_of_process()


def _peak_of_process() -> float:
    try:
        import resource
    except ImportError:
        raise PaperkitError(
            f"Peak memory cannot be read on {sys.platform}. Measure on Linux or macOS: `paperkit measure`."
        ) from None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MIB if sys.platform == "darwin" else most / 1024
