"""paperkit diff: which printed numbers changed between two builds or commits, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import Data, Named, Runs, Venue
from paper_kit.cli.text import columns, counted, say

if TYPE_CHECKING:
    from paper_kit.render.differences import Build, Difference
    from paper_kit.render.request import Request

WIDEST = 48  # signs of a column; --json tells all
WHAT = "a build folder, a facts.json, a zip of records, a commit, or . for the study as it is now"
Before = Annotated[str, typer.Argument(metavar="A", help=f"What to compare with: {WHAT}.")]
After = Annotated[str, typer.Argument(metavar="B", help="The same, for the other side.")]
Pdf = Annotated[
    Path | None,
    typer.Option(
        "--pdf", metavar="FILE", help="Write the paper with its changes marked.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")]


def diff(
    before: Before,
    after: After = ".",
    venue: Venue = "",
    experiment: Named = None,
    runs: Runs = None,
    data: Data = None,
    json: Json = False,
    pdf: Pdf = None,
) -> None:
    """Say which printed numbers differ between two builds or commits, from what to what, and why.

    Settings, seeds, data, code and templates are told apart. Results come first, what
    machines and counts change last; the largest changes lead. With --pdf also the paper itself, what was
    added in blue and underlined, what went in red and struck out.
    """
    if pdf is not None:
        _mark(pdf, before, after, venue, experiment, runs, data)
    found = differing(before, after, venue, experiment, runs, data)
    if json:
        import json as writer

        typer.echo(writer.dumps([each.as_dict() for each in found], indent=1, ensure_ascii=False))
        return
    tell(found)


def _mark(
    pdf: Path,
    before: str,
    after: str,
    venue: str,
    experiments: list[str] | None,
    runs: Path | None,
    data: list[str] | None,
) -> None:
    """Nothing; `pdf` is the paper with its changes marked."""
    from tempfile import TemporaryDirectory

    from paper_kit.core.config import study_root
    from paper_kit.core.files import target_file
    from paper_kit.render.exports.marked import marked_pdf
    from paper_kit.render.revisions import rendered

    target_file(pdf, ".pdf")
    root, request = study_root(), _request(venue, experiments, runs, data)
    with TemporaryDirectory(prefix="paperkit-diff-") as name:
        old = rendered(before, request, root, Path(name) / "before", say)
        new = rendered(after, request, root, Path(name) / "after", say)
        unmarked = marked_pdf(old, new, pdf)
    if unmarked:
        say(f"Not marked, as TeX could not set the marks: changes in {unmarked}.")
    typer.echo(str(pdf))


def _request(venue: str, experiments: list[str] | None, runs: Path | None, data: list[str] | None) -> Request:
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.config import study_root
    from paper_kit.render.request import Request

    resources = Workplace(study_root(), ()).resources(data)
    return Request(venue=venue, experiments=tuple(experiments or ()), runs=runs, resources=resources)


def differing(
    before: str,
    after: str,
    venue: str,
    experiments: list[str] | None,
    runs: Path | None,
    data: list[str] | None,
) -> tuple[Difference, ...]:
    """The differences between two builds by name, in the study around the current folder."""
    from paper_kit.core.config import study_root
    from paper_kit.render.differences import differences
    from paper_kit.render.revisions import build_of

    root, request = study_root(), _request(venue, experiments, runs, data)
    sides: list[Build] = [build_of(text, request, root, say) for text in (before, after)]
    return differences(*sides)


def tell(found: tuple[Difference, ...]) -> None:
    """Nothing; one line a number is on stdout, and how many there are on stderr."""
    rows = [(short(each.fact), short(each.old), "→", short(each.new), "; ".join(each.why)) for each in found]
    if rows:
        typer.echo(columns(rows))
    say(f"{counted(len(found), 'printed number')} changed" if found else "No printed number differs.")


def short(text: str) -> str:
    """The text, its middle left out where it is too wide for a column."""
    half = (WIDEST - 1) // 2
    return text if len(text) <= WIDEST else f"{text[:half]}…{text[-half:]}"
