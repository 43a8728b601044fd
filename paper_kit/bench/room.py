"""How much room there is: memory of the machine and of this process, and free disk. No torch here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # bytes, or "max"
STATUS = Path("/proc/self/status")


def machine_bytes() -> int:
    """Bytes of memory that processes here may take together: the machine's, or its container's."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(whole, int(CGROUP_LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return whole


def resident_bytes() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not tell."""
    if not STATUS.is_file():
        return 0
    lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk on which the folder lies, or will lie."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(place).free
