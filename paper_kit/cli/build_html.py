"""paperkit build-html and build-docx: the paper for a browser, and for Word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.build_pdf import Blind, Supplement, tell
from paper_kit.cli.options import Data, Experiments, Runs, ShowImages, Venue
from paper_kit.cli.text import say

if TYPE_CHECKING:
    from paper_kit.render.exports.web import Kind

File = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="The file to write; by default beside the PDF.", show_default=False
    ),
]


def build_html(
    experiments: Experiments = None,
    venue: Venue = "",
    blind: Blind = False,
    supplement: Supplement = None,
    show_images: ShowImages = False,
    out: File = None,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Write the paper as one HTML file that reads on any screen: figures and style inside, no scripts.

    Sections, floats, equations and references have the numbers of the PDF, which is built first where it is
    not there. Each number of the study leads to its origin at the end of the page.
    """
    _write("html", experiments, venue, blind, supplement, show_images, out, runs, data)


def build_docx(
    experiments: Experiments = None,
    venue: Venue = "",
    blind: Blind = False,
    supplement: Supplement = None,
    show_images: ShowImages = False,
    out: File = None,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Write the paper as a Word document: its tables and formulas are Word's own, its numbers the PDF's.

    For co-authors and publishers who ask for one. What is edited there does not come back.
    """
    _write("docx", experiments, venue, blind, supplement, show_images, out, runs, data)


def _write(
    kind: Kind,
    experiments: list[str] | None,
    venue: str,
    blind: bool,
    supplement: bool | None,
    show_images: bool,
    out: Path | None,
    runs: Path | None,
    data: list[str] | None,
) -> None:
    """Nothing; the file is written and its place printed."""
    from functools import partial

    from paper_kit.cli.workplace import Workplace, fingerprint_of
    from paper_kit.core.config import study_root
    from paper_kit.core.files import target_file
    from paper_kit.render.exports.web import export_web
    from paper_kit.render.request import Request

    root = study_root()
    if out is not None:
        target_file(out, f".{kind}")
    resources = Workplace(root, ()).resources(data)
    request = Request(
        venue=venue,
        experiments=tuple(experiments or ()),
        show_images=show_images,
        runs=runs,
        edition="blind" if blind else "linked",
        supplement="" if supplement is None else "own" if supplement else "none",
        resources=resources,
    )
    found = export_web(
        request, root, kind, out, partial(fingerprint_of, resources), lambda told: say(f"{told} …")
    )
    tell(found.report)
    typer.echo(str(found.file))
