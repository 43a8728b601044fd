"""The loop of `paperkit watch`: wait for a save, build, show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from paper_kit.core.errors import PaperkitError
from paper_kit.render.build import BuildReport
from paper_kit.render.watch.board import Board, first_lines, leaves
from paper_kit.render.watch.sources import Snapshot, changed

POLL_S = 0.25
MOST = 20  # findings and problems shown

Build = Callable[[], BuildReport]


def saves(look: Callable[[], Snapshot], root: Path, *, poll_s: float = POLL_S) -> Iterator[list[str]]:
    """The names of what changed, at each save; first an empty list. A save in several steps is one."""
    seen = look()
    yield []
    while True:
        time.sleep(poll_s)
        now = look()
        if now == seen:
            continue
        while (settled := look()) != now:
            now = settled
            time.sleep(poll_s)
        names = changed(seen, now, root)
        seen = now
        yield names


def build_and_show(build: Build, folder: Path, board: Board, say: Callable[[str], None]) -> None:
    """Nothing; the board shows the new paper, or the last good one with what is wrong."""
    board.show(building=True)
    try:
        report = build()
    except (PaperkitError, OSError) as error:  # a full disk, a folder taken away: the next save may mend it
        problems = error.problems if isinstance(error, PaperkitError) else (str(error),)
        say("\n".join(f"error: {problem}" for problem in problems))
        board.show(building=False, problems=first_lines(problems, MOST), leaves=leaves(folder))
        return
    told = f"{len(report.findings)} to put right" if report.findings else "nothing to put right"
    line = f"{report.pages} pages in {report.seconds:.1f} s, {told}"
    say(line)
    board.show(
        building=False,
        problems=(),
        findings=first_lines([str(finding) for finding in report.findings], MOST),
        leaves=leaves(report.folder),
        told=line,
    )
