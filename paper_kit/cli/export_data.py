"""paperkit export tables and export ro-crate: what the paper shows, for spreadsheets and archives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paper_kit.cli.options import Data, Experiments, Runs, Venue
from paper_kit.cli.text import counted

Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format", help="csv, md, tex or xlsx; may be repeated. All by default.", show_default=False
    ),
]
Folder = Annotated[Path, typer.Option("--to", help="The folder to write.")]
Crate = Annotated[Path, typer.Option("--to", help="The folder, or the .zip, to write.")]


def export_tables(
    experiments: Experiments = None,
    to: Folder = Path("tables"),
    format_: Format = None,
    venue: Venue = "",
    runs: Runs = None,
) -> None:
    """Write each table of the paper as CSV, Markdown and LaTeX, and all of them as one workbook (XLSX).

    The LaTeX compiles in any document with booktabs and xcolor. The workbook has the unrounded values too.
    """
    from paper_kit.core.config import study_root
    from paper_kit.core.files import target_folder, write_bytes
    from paper_kit.render.exports.tables import FORMATS, table_files
    from paper_kit.render.reading import read_inputs
    from paper_kit.render.request import Request

    target_folder(to)
    request = Request(venue=venue, experiments=tuple(experiments or ()), runs=runs)
    tables = read_inputs(request, study_root()).typeset().tables
    files = table_files(tables, tuple(format_ or FORMATS))
    for name, content in files.items():
        write_bytes(to / name, content)
    typer.echo(f"{to}: {counted(len(tables), 'table')}, {counted(len(files), 'file')}")


def export_ro_crate(
    experiments: Experiments = None,
    to: Crate = Path("study.zip"),
    venue: Venue = "",
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Write the study as a research object (RO-Crate): records, configuration, environment, text and PDF.

    An archive such as Zenodo reads who made what from which data. Images and weights are not in it.
    """
    from paper_kit.cli.build_pdf import build
    from paper_kit.core.config import study_root
    from paper_kit.core.files import target_file, target_folder
    from paper_kit.render.exports.study import write_study

    target_file(to, ".zip") if to.suffix.lower() == ".zip" else target_folder(to)
    report = build(experiments, venue, False, True, False, None, runs, data)
    count = write_study(to, study_root(), report.folder, venue, tuple(experiments or ()), runs)
    typer.echo(f"{to}: {counted(count, 'file')}")
