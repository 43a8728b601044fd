"""What a fuzzed example must not do: run code of the study, start a program, write elsewhere, hang."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

LONGEST_CPU_S, LONGEST_S = 20, 300  # of one example; the latter on a machine that others use too
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.symlink",
    "os.link",
    "os.truncate",
    "os.chmod",
}
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "socket.connect"}
HARMLESS = ("/dev/null", "__pycache__")

CANARY = '''"""A plug-in that nobody names."""
raise SystemExit("the canary sang")
'''


class _Watch:
    """Where the examples may write; what they did beside that."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.seen: list[str] = []
        self.installed = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        root = self.root
        if root is None:
            return
        if event in PROGRAMS:
            self.seen.append(f"{event} {arguments!r}")
        elif event == "open" and (arguments[2] or 0) & WRITES:
            self._writes(root, event, arguments[:1])
        elif event in CHANGES and not _below_a_folder(arguments):
            self._writes(root, event, [each for each in arguments[:2] if isinstance(each, str | bytes)])
        elif event == "exec":
            name = getattr(arguments[0], "co_filename", "")
            if name.startswith((root, "<annotation")):
                self.seen.append(f"ran {name}")

    def _writes(self, root: str, event: str, paths: Any) -> None:
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                written = str(Path.cwd() / os.fsdecode(path))
                if not written.startswith(root) and not any(part in written for part in HARMLESS):
                    self.seen.append(f"{event} {written}")


def _below_a_folder(arguments: tuple[Any, ...]) -> bool:
    """Whether a path is relative to an opened folder, as when a tree is removed that was itself seen."""
    return isinstance(arguments[-1], int) and arguments[-1] >= 0


_WATCH = _Watch()


@contextmanager
def guarded(root: Path) -> Iterator[None]:
    """A block that may write below `root` alone, starts nothing, runs no code there, and ends in time."""
    if not _WATCH.installed:
        sys.addaudithook(_WATCH.hear)  # for the life of the process: it hears nothing without a root
        _WATCH.installed = True

    def late(*_: object) -> None:
        raise AssertionError(f"an example takes more than {LONGEST_CPU_S} s of work, or {LONGEST_S} s in all")

    before = {number: signal.signal(number, late) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, LONGEST_CPU_S)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    _WATCH.root, _WATCH.seen = str(root.resolve()), []
    try:
        yield
    finally:
        _WATCH.root = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert _WATCH.seen == []


def fuzz(count: int, strategy: SearchStrategy[Any], root: Path, check: Callable[[Any], None]) -> None:
    """Nothing; `check` held for `count` examples, the same each time."""
    seen = 0

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def attempt(value: Any) -> None:
        nonlocal seen
        seen += 1
        with guarded(root):
            check(value)

    attempt()
    assert seen >= count


def plant_canaries(root: Path) -> None:
    """Nothing; the study has a plug-in of each kind, and modules, that end the test when they are run."""
    for kind in ("model", "dataset", "figure", "table", "facts", "executor"):
        (root / "plugins" / kind).mkdir(parents=True, exist_ok=True)
        (root / "plugins" / kind / "canary.py").write_text(CANARY)
    for name in ("canary", "torch_extra", "sitecustomize"):
        (root / f"{name}.py").write_text(CANARY)
    (root / "nest").mkdir(exist_ok=True)
    (root / "nest" / "__init__.py").write_text(CANARY)
    (root / "nest" / "canary.py").write_text(CANARY)
