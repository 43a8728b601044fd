"""How a process died, in words."""

from __future__ import annotations

import signal


def how(exit_code: int | None) -> str:
    """What a process did in the end, such as "crashed (SIGSEGV)"; None is one of which nothing is known."""
    if exit_code is None:
        return "was gone"
    if exit_code == -signal.SIGKILL:
        return "was killed (signal 9), most often because memory ran out"
    return f"crashed ({_name(-exit_code)})" if exit_code < 0 else f"left with exit code {exit_code}"


def of_a_worker(exit_code: int | None, jobs: int, command: str = "run-all") -> str:
    """Why a worker process died, in a sentence that says what to type."""
    advice = f"type `paperkit {command}` to try again"
    if exit_code == -signal.SIGKILL:
        fewer = f"--jobs {jobs - 1}" if jobs > 1 else "a smaller micro_batch"
        advice = f"try `paperkit {command}` with {fewer}"
    return f"its worker {how(exit_code)}; {advice}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # Python names the first and the last real-time signal only
        return f"signal {number}"
