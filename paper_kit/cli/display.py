"""How a study at work is shown on stderr: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paper_kit.bench.progress import Ended, Event, Note, Progress, Report
from paper_kit.cli.board import Board
from paper_kit.cli.text import say

if TYPE_CHECKING:
    from rich.console import RenderableType

EVERY_S = 10.0  # between two plain lines on runs at work
BAR = 10  # columns


@contextmanager
def shown(board: Board) -> Iterator[Report]:
    """A report that shows what it hears, on a live table where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield Lines(board).report
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with Live(
        console=console, get_renderable=lambda: table(board), refresh_per_second=4, transient=True
    ) as live:

        def report(event: Event) -> None:
            board.hear(event)
            if isinstance(event, Ended):
                live.console.print(board.ending(event), highlight=False, markup=False)

        yield report


class Lines:
    """Plain lines: one for each run that ended, and one on the others every ten seconds at most."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._last = time.monotonic()

    def report(self, event: Event) -> None:
        """Nothing; the board knows, and what is worth a line is on stderr."""
        board = self._board
        board.hear(event)
        if isinstance(event, Note):
            say(event.text)
        elif isinstance(event, Ended):
            say(board.ending(event))
        elif time.monotonic() - self._last > EVERY_S:
            self._last = time.monotonic()
            say("  " + "; ".join([*(self._one(progress) for progress in board.on.values()), board.overall]))

    def _one(self, progress: Progress) -> str:
        reached = self._board.reached(progress.run_id)
        tail = f", {reached}" if reached else ""
        return f"{self._board.label(progress.run_id)} {progress.epoch}/{progress.epochs}{tail}"


def table(board: Board) -> RenderableType:
    """The runs at work, a line each, and a last line on the whole."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    rows = Table(box=None, pad_edge=False, header_style="dim")
    rows.add_column("run", no_wrap=True, ratio=1)
    rows.add_column("epoch", no_wrap=True)
    rows.add_column("", width=BAR)
    for name in ("accuracy", "images/s", "left"):
        rows.add_column(name, justify="right", no_wrap=True)
    for progress in board.on.values():
        part = progress.step / progress.steps if progress.steps else 0.0
        rows.add_row(
            Text(board.label(progress.run_id)),
            f"{progress.epoch}/{progress.epochs}" if progress.stage == "train" else progress.stage,
            ProgressBar(total=max(1, progress.epochs), completed=progress.epoch + part, width=BAR),
            board.reached(progress.run_id),
            f"{progress.images_per_second:,.0f}" if progress.images_per_second else "",
            board.run_left(progress),
        )
    lines = [Text(board.note, style="dim")] if board.note else []
    return Group(*([rows] if board.on else []), *lines, Text(board.overall, style="bold"))
