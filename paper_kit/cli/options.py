"""Options that several commands share, each written once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class DeviceName(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class OomChoice(StrEnum):
    """What to do with a run whose batch does not fit into memory."""

    STOP = "stop"
    HALVE = "halve"


Oom = Annotated[
    OomChoice,
    typer.Option(help="Where a batch is too large for memory: stop the run, or halve its micro_batch."),
]
Experiments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="EXPERIMENT",
        help="Names in experiments/ or paths of TOML files; by default those that paper/paper.toml names.",
        show_default=False,
    ),
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--experiment",
        metavar="EXPERIMENT",
        help="An experiment in place of those that paper/paper.toml names; may be repeated.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        min=0,
        help="Runs at a time, in all; 0: one a core, or as many a GPU as is fastest.",
        show_default=False,
    ),
]
Threads = Annotated[
    int, typer.Option(min=0, help="CPU threads of each run; 0: the cores shared out.", show_default=False)
]
Devices = Annotated[
    int,
    typer.Option(
        min=0,
        help="GPUs, or processes on a CPU, that share each batch of a run; 0: paperkit.local.toml's, or 1.",
        show_default=False,
    ),
]
Device = Annotated[DeviceName, typer.Option(help="Where to compute.")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Only this model or ablation, by key; may be repeated.", show_default=False),
]
Data = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=PATH", help="Where a dataset lies; may be repeated.", show_default=False),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on without images that cannot be decoded.")]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id (its first digits do), or keys: MODEL, MODEL/ABLATION, MODEL/ABLATION/SEED.",
    ),
]
Venue = Annotated[
    str, typer.Option(help="A folder of templates/venues; by default paper.toml's.", show_default=False)
]
Out = Annotated[Path | None, typer.Option(help="The folder to write.", show_default=False)]
Runs = Annotated[
    Path | None,
    typer.Option(help="The folder of runs; by default experiments/runs.", show_default=False),
]
ShowImages = Annotated[
    bool, typer.Option("--show-images", help="Show faces of datasets that may not be redistributed.")
]
