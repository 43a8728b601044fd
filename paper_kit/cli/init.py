"""paperkit init: a study in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")]
Images = Annotated[
    Path | None,
    typer.Option(help="A folder of your own images: class/*.jpg or split/class/*.jpg.", show_default=False),
]


def init(target: Target, images: Images = None) -> None:
    """Make a study outside the repository: templates, experiments, paper.toml.

    With --images its experiment is about your own images.
    """
    from paper_kit.core.paper import load_paper
    from paper_kit.core.scaffold import scaffold

    made = scaffold(target, images)
    names = ", ".join(load_paper(target).experiments)
    typer.echo(f"{target}: {len(made)} files; paper/paper.toml names the experiment {names}.")
    typer.echo(f"Next: cd {target} && paperkit run-all && paperkit build-pdf")
