"""A session of `paperkit watch`: the server beside, the loop of builds in front, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paper_kit.render.watch.board import Board
from paper_kit.render.watch.builder import Build, build_and_show, saves
from paper_kit.render.watch.server import Server
from paper_kit.render.watch.sources import snapshot

NAMED = 3  # changed files told in the terminal


@dataclass(frozen=True)
class Session:
    """The study at `root` with its `runs`, how it is built into `folder`, and who hears of it."""

    root: Path
    runs: Path
    folder: Path
    build: Build
    say: Callable[[str], None]


def run(session: Session, port: int, ready: Callable[[str], None]) -> None:
    """Nothing, and not before Ctrl-C: the paper is built at the start and at each save, and served.

    `ready` hears the page's address; InputError where the port is taken.
    """
    board = Board()
    server = Server(port, session.folder, board)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready(server.address)
    try:
        for names in saves(lambda: snapshot(session.root, session.runs), session.root):
            if names:
                more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
                session.say(f"changed: {', '.join(names[:NAMED])}{more}")
            build_and_show(session.build, session.folder, board, session.say)
    except KeyboardInterrupt:
        session.say("Ended.")
    finally:
        server.shutdown()
        server.server_close()
