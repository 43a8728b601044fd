"""paperkit pack and unpack: records from one machine to another, as one verified file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paper_kit.cli.options import Experiments, Runs
from paper_kit.cli.text import counted

To = Annotated[Path, typer.Option(help="The file to write.")]
Weights = Annotated[bool, typer.Option("--weights", help="The weights too; they make the file large.")]
Slim = Annotated[
    bool,
    typer.Option(
        "--slim", help="Only what a paper reads: no embeddings but of bases' first seeds, and the like."
    ),
]
Packed = Annotated[Path, typer.Argument(metavar="FILE", help="A file that `paperkit pack` wrote.")]


def pack(
    experiments: Experiments = None,
    to: To = Path("records.zip"),
    weights: Weights = False,
    slim: Slim = False,
) -> None:
    """Put the finished runs of the experiments, and the costs, into one file.

    With a manifest of SHA-256 sums. Holds logits, ids and metrics, never images; weights only if asked for.
    A slim pack is far smaller, and a paper built of it the same: embeddings, maps and galleries stay of each
    base's first seed, validation logits of bases.
    """
    from paper_kit.cli.workplace import workplace
    from paper_kit.core.pack import pack as pack_records
    from paper_kit.core.plan import all_runs
    from paper_kit.core.slim import needed

    place = workplace(experiments)
    plans = place.plans()
    runs, kept = all_runs(plans), needed(plans) if slim else None
    manifest = pack_records(place.store, [run.id for run in runs], to, weights=weights, needed=kept)
    size = to.stat().st_size / 1e6
    typer.echo(f"{to}: {len(manifest.runs)} of {counted(len(runs), 'run')}, {size:.1f} MB")


def unpack(file: Packed, runs: Runs = None) -> None:
    """Add the runs of a packed file to this study's.

    Every sum is checked before anything is added; runs that are here with other results are not touched.
    """
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.config import study_root
    from paper_kit.core.store import Store
    from paper_kit.core.unpack import unpack as unpack_records

    store = Store(runs) if runs else Workplace(study_root(), ()).store
    found = unpack_records(file, store)
    here = f", {len(found.present)} were here already" if found.present else ""
    searches = f", {counted(found.searches, 'tuned model')}" if found.searches else ""
    typer.echo(
        f"{counted(len(found.new), 'new run')} in {store.root}{here}; {counted(found.costs, 'cost')}, "
        f"{counted(found.audits, 'audit')}{searches}"
    )
