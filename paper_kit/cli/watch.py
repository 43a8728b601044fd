"""paperkit watch: the paper in the browser, built again at each save."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from paper_kit.cli.build_pdf import Supplement, build
from paper_kit.cli.options import Data, Experiments, Runs, ShowImages, Venue
from paper_kit.cli.text import say

Port = Annotated[int, typer.Option(min=0, max=65535, help="The port of the page; 0: any free one.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")]


def watch(
    experiments: Experiments = None,
    venue: Venue = "",
    port: Port = 8765,
    browser: Browser = True,
    supplement: Supplement = None,
    show_images: ShowImages = False,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Build the paper at each save of a template, and show it in the browser with what is wrong laid over it.

    The page stays on what is being read. It is served to this machine only. Ctrl-C ends it.
    """
    from paper_kit.core.config import study_root
    from paper_kit.core.paper import load_paper
    from paper_kit.render.watch.board import Board
    from paper_kit.render.watch.builder import saves
    from paper_kit.render.watch.builder import watch as watched
    from paper_kit.render.watch.server import Server
    from paper_kit.render.watch.sources import snapshot

    root = study_root()
    folder = root / "paper" / "build" / (venue or load_paper(root).venue)
    place = runs or root / "experiments" / "runs"
    board = Board()
    server = Server(port, folder, board)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    typer.echo(server.address)
    if browser:
        typer.launch(server.address)
    say("Building; save a template to build again, Ctrl-C ends.")
    try:
        watched(
            lambda: build(
                experiments, venue, False, True, show_images, None, runs, data, supplement=supplement
            ),
            folder,
            board,
            saves(lambda: snapshot(root, place), root),
            say,
        )
    except KeyboardInterrupt:
        say("Ended.")
    finally:
        server.shutdown()
