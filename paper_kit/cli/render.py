"""paperkit render: all files of the paper, without running TeX."""

from __future__ import annotations

import typer

from paper_kit.cli.build_pdf import build, tell
from paper_kit.cli.options import Data, Experiments, Out, Runs, ShowImages, Venue


def render(
    experiments: Experiments = None,
    venue: Venue = "",
    show_images: ShowImages = False,
    out: Out = None,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Write the paper's TeX, tables (CSV, Markdown) and figures (PDF, CSV), and run no TeX."""
    report = build(experiments, venue, False, False, show_images, out, runs, data)
    tell(report)
    typer.echo(str(report.folder))
