"""paperkit watch: the paper in the browser, built again at each save."""

from __future__ import annotations

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
    from paper_kit.render.venue import known_venue
    from paper_kit.render.watch.session import Session, run

    root = study_root()
    chosen = venue or load_paper(root).venue
    known_venue(root / "templates", chosen)
    session = Session(
        root=root,
        runs=runs or root / "experiments" / "runs",
        folder=root / "paper" / "build" / chosen,
        build=lambda: build(
            experiments, venue, False, True, show_images, None, runs, data, supplement=supplement
        ),
        say=say,
    )
    run(session, port, lambda address: _serve(address, browser))


def _serve(address: str, browser: bool) -> None:
    """Nothing; the address is on stdout, and open in the browser if that is wanted."""
    typer.echo(address)
    if browser:
        typer.launch(address)
    say("Building; save a template to build again, Ctrl-C ends.")
