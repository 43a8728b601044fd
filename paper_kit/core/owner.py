"""Which process works on something, and whether it still runs. No clock is compared, and no name trusted."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import uuid
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from paper_kit.core.errors import InputError

PERIOD_S = 300.0  # an owner who is silent for so long may be superseded
LONGEST_S = 1e6
PERIOD_VARIABLE = "PAPERKIT_LEASE_S"
_STATE, _START = 0, 19  # fields of /proc/<pid>/stat after the name, see proc(5)


class Owner(BaseModel):
    """The process that holds a lease, as it says of itself."""

    model_config = ConfigDict(frozen=True)

    token: str
    machine: str
    host: str
    pid: int
    start: int = 0  # clock ticks from boot to its start, so that a number used again is noticed; 0: unknown
    period_s: float = Field(default=PERIOD_S, gt=0, le=LONGEST_S)
    job: str = ""  # what the queue calls it, such as "slurm:1234_5@1000"

    @property
    def gone(self) -> bool:
        """Whether it was a process of this machine and no longer runs."""
        return self.machine == _machine() and not _runs(self.pid, self.start)

    def __str__(self) -> str:
        """Who that is, in words."""
        return f"process {self.pid} on {self.host}" + (f" ({self.job})" if self.job else "")


def period_s() -> float:
    """Seconds of a lease period in this process; InputError where the variable holds something else."""
    text = os.environ.get(PERIOD_VARIABLE, "")
    try:
        found = float(text or PERIOD_S)
    except ValueError:
        found = 0.0
    if not 0.1 <= found <= LONGEST_S:
        raise InputError(f"{PERIOD_VARIABLE} = {text!r}: expected seconds, such as {PERIOD_S:g}.")
    return found


def this_process(job: str) -> Owner:
    """This process as the owner of a new lease."""
    return Owner(
        token=secrets.token_hex(8),
        machine=_machine(),
        host=platform.node(),
        pid=os.getpid(),
        start=int(_stat(os.getpid())[_START]),
        period_s=period_s(),
        job=job,
    )


@lru_cache(maxsize=1)
def _machine() -> str:
    """One boot of one machine and, in a container, one counting of processes; 16 hex digits."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        known = f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        known = f"{platform.node()} {uuid.getnode()}"
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def _runs(pid: int, start: int) -> bool:
    """Whether the process still runs; True where that cannot be known."""
    if os.name != "posix":  # there, signal 0 is not a question
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    fields = _stat(pid)
    known = {start, int(fields[_START])} - {0}
    return fields[_STATE] not in {"Z", "X"} and len(known) < 2


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name; zeros where it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ["0"] * (_START + 1)
    return text.rpartition(")")[2].split()
