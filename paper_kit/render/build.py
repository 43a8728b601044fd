"""A paper from its records: files as values, then written, then compiled and checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from paper_kit.core.config import study_root
from paper_kit.core.files import alone_in
from paper_kit.core.status import Fingerprint, not_at_hand
from paper_kit.render.folder import page_files
from paper_kit.render.manuscript import Manuscript, typeset
from paper_kit.render.material import material
from paper_kit.render.reading import read_inputs
from paper_kit.render.report import BuildReport, unchanged
from paper_kit.render.request import Request
from paper_kit.render.seal import Stamp, stamped
from paper_kit.render.venue import Venue

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

__all__ = ["BuildReport", "Request", "build", "build_paper"]


def _quiet(_told: str) -> None:
    pass


def build_paper(
    request: Request,
    root: Path | None = None,
    fingerprint: Fingerprint = not_at_hand,
    say: Callable[[str], None] = _quiet,
) -> BuildReport:
    """The report on the paper of the study at `root` (default: the study around the current folder).

    Where nothing has changed since the last build in the same folder, that one is reported and nothing is
    written. `fingerprint` tells a dataset's, by which stale runs are found; `say` hears what is being done.
    InputError lists what a final paper may not have, or what is wrong with templates, records or TeX; the
    last good PDF is then still there.
    """
    started = time.monotonic()
    root = root or study_root()
    inputs = read_inputs(request, root, fingerprint)
    report = unchanged(request, inputs)
    if report is None:
        from paper_kit.render.writing import anew  # loads what reads a PDF

        with alone_in(inputs.folder):
            report = anew(request, root, inputs, say)
    return replace(report, seconds=time.monotonic() - started)


def build(manuscript: Manuscript, results: Results, venue: Venue, stamp: Stamp) -> dict[str, bytes]:
    """Path in the build folder -> content: TeX, tables, figures, facts; equal inputs give equal bytes."""
    found = stamped(material(results, venue.figure_style()), stamp)
    return page_files(typeset(manuscript, found, venue), manuscript, venue)
