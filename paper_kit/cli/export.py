"""paperkit export: the paper for other people's tools. A command is added by its line in COMMANDS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.export_data import export_ro_crate, export_tables
from paper_kit.cli.options import Data, Named, Runs, ShowImages, Venue
from paper_kit.cli.text import counted, say

if TYPE_CHECKING:
    from paper_kit.render.reading import Inputs

To = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="DIR|FILE.zip",
        help="The folder or zip to write; by default both, as paper/build/overleaf and overleaf.zip.",
        show_default=False,
    ),
]
ArchiveTo = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="FILE.tar.gz",
        help="The archive to write; by default paper/build/arxiv.tar.gz.",
        show_default=False,
    ),
]
Draft = Annotated[bool, typer.Option("--draft", help="Export a paper that is not finished, with its marks.")]
Appendix = Annotated[bool, typer.Option("--appendix/--no-appendix", help="Whether the appendices go along.")]


def overleaf(
    to: To = None,
    experiment: Named = None,
    venue: Venue = "",
    show_images: ShowImages = False,
    runs: Runs = None,
    data: Data = None,
) -> None:
    r"""Write a project that compiles on Overleaf with nothing of ours: sections as files, numbers in place.

    Each number stands as \\pkfact{n}{value}, with facts.json beside it; README.txt tells co-authors what
    they can edit. `paperkit import overleaf` brings edited prose back to the templates.
    """
    from paper_kit.core.config import study_root
    from paper_kit.core.files import target_file, target_folder
    from paper_kit.render.exports.overleaf import overleaf_project, write_project

    root = study_root()
    if to is not None:
        target_file(to, ".zip") if to.suffix.lower() == ".zip" else target_folder(to)
    inputs = _inputs(experiment, venue, show_images, runs, data)
    made = inputs.typeset("camera-ready")
    project = overleaf_project(made, inputs.manuscript, inputs.venue, commit=inputs.sealing.stamp.commit)
    project.record.keep(root)
    default = root / "paper" / "build" / "overleaf"
    places = [to] if to else [default, default.with_suffix(".zip")]
    written = [write_project(project, place) for place in places]
    say(f"{inputs.venue.name}: {counted(len(project.files), 'file')}, {counted(len(made.facts), 'fact')}.")
    say("Edited? Type `paperkit import overleaf` with the folder, or with the zip that Overleaf gives back.")
    for place in written:
        typer.echo(str(place))


def arxiv(
    to: ArchiveTo = None,
    draft: Draft = False,
    appendix: Appendix = True,
    experiment: Named = None,
    venue: Venue = "",
    show_images: ShowImages = False,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Write the archive that arXiv takes: flat TeX without comments, references set, nothing unused.

    It is unpacked in an empty folder and compiled there by pdflatex alone; only where that gives the words
    of the build is there an archive. Facts, claims and tables go along as arXiv's ancillary files (anc/).
    """
    from paper_kit.core.config import study_root
    from paper_kit.core.errors import InputError
    from paper_kit.core.files import target_file
    from paper_kit.render.exports.arxiv import export_arxiv
    from paper_kit.render.refusal import unfit

    place = target_file(to or study_root() / "paper" / "build" / "arxiv.tar.gz", ".tar.gz", ".tgz")
    inputs = _inputs(experiment, venue, show_images, runs, data)
    made = inputs.typeset("camera-ready")
    problems = [] if draft else unfit(inputs, made)
    if problems:
        raise InputError(["This paper is not finished; --draft exports it as it is.", *problems])
    say("Compiling as arXiv does …")
    found = export_arxiv(made, inputs.manuscript, inputs.venue, place, appendix=appendix)
    sizes = f"{found.size / 1e6:.1f} MB of arXiv's 50 MB"
    say(f"{inputs.venue.name}: {counted(len(found.files), 'file')}, {sizes}.")
    say("Unpacked alone and compiled by pdflatex, it reads as the build does, word by word.")
    typer.echo(str(place))


def _inputs(
    experiments: list[str] | None,
    venue: str,
    show_images: bool,
    runs: Path | None,
    data: list[str] | None,
) -> Inputs:
    """What a build of the study around the current folder reads."""
    from functools import partial

    from paper_kit.cli.workplace import Workplace, fingerprint_of
    from paper_kit.core.config import study_root
    from paper_kit.render.reading import read_inputs
    from paper_kit.render.request import Request

    root = study_root()
    resources = Workplace(root, ()).resources(data)
    request = Request(
        venue=venue,
        experiments=tuple(experiments or ()),
        show_images=show_images,
        runs=runs,
        resources=resources,
    )
    return read_inputs(request, root, partial(fingerprint_of, resources))


COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (  # name, function, example
    ("overleaf", overleaf, "paperkit export overleaf --to paper.zip"),
    ("tables", export_tables, "paperkit export tables --format xlsx"),
    ("ro-crate", export_ro_crate, "paperkit export ro-crate --to study.zip"),
    ("arxiv", arxiv, "paperkit export arxiv --to arxiv.tar.gz"),
)

export = typer.Typer(help="The paper for other people's tools.", no_args_is_help=True)


@export.callback()
def _group() -> None:
    """The paper for other people's tools."""


for name, command, example in COMMANDS:
    export.command(name, epilog=f"Example: {example}")(command)
