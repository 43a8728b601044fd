"""paperkit build-pdf: from the records and the templates to the PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import Data, Experiments, Out, Runs, ShowImages, Venue
from paper_kit.cli.text import counted, say

if TYPE_CHECKING:
    from paper_kit.render.build import BuildReport
    from paper_kit.render.editions import Edition

SHOWN = 12  # runs and findings listed before "and more"

Final = Annotated[
    bool,
    typer.Option(
        "--final/--draft", help="Refuse what a draft only marks: missing or stale runs, placeholders."
    ),
]
CameraReady = Annotated[
    bool,
    typer.Option(
        "--camera-ready", help="For the publisher: no links, bookmarks, attachments; the same text."
    ),
]
Blind = Annotated[
    bool, typer.Option("--blind", help="For reviewers: no links, and no authors, thanks, addresses, commit.")
]
Supplement = Annotated[
    bool | None,
    typer.Option(
        "--supplement/--no-supplement",
        help="The appendices as a PDF of their own, or in the paper; by default as paper.toml says.",
        show_default=False,
    ),
]
NoCommit = Annotated[
    bool, typer.Option("--no-commit", help="Let --final pass on files that are not committed to git.")
]
Open = Annotated[bool, typer.Option("--open", help="Show the PDF when it is done.")]


def build_pdf(
    experiments: Experiments = None,
    venue: Venue = "",
    final: Final = False,
    camera_ready: CameraReady = False,
    blind: Blind = False,
    supplement: Supplement = None,
    no_commit: NoCommit = False,
    open_: Open = False,
    show_images: ShowImages = False,
    out: Out = None,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Fill the templates with tables, figures and numbers of the runs, and compile the PDF.

    Edit templates/ to write the paper. What is not known yet shows as a mark in a draft, and a final paper
    is refused until it is known.
    """
    edition = edition_of(camera_ready, blind)
    report = build(
        experiments, venue, final, True, show_images, out, runs, data, not no_commit, edition, supplement
    )
    tell(report)
    say(f"Next: {next_step(report, final)}")
    shown = out is None and edition == "linked" and report.pdf is not None
    pdf = newest(report.pdf) if shown and report.pdf is not None else report.pdf
    typer.echo(str(pdf))
    if open_:
        typer.launch(str(pdf))


def edition_of(camera_ready: bool, blind: bool) -> Edition:
    """The edition that is asked for; InputError where two are."""
    from paper_kit.core.errors import InputError

    if camera_ready and blind:
        raise InputError("--camera-ready and --blind are two editions: build one after the other.")
    return "camera-ready" if camera_ready else "blind" if blind else "linked"


def newest(pdf: Path) -> Path:
    """paper/build/paper.pdf, now a copy of this venue's, beside its supplement: one place for every venue."""
    from paper_kit.core.files import write_bytes

    for name in ("paper.pdf", "supplement.pdf"):
        made, place = pdf.with_name(name), pdf.parents[1] / name
        if made.is_file():
            write_bytes(place, made.read_bytes())
        else:
            place.unlink(missing_ok=True)
    return pdf.parents[1] / "paper.pdf"


def build(
    experiments: list[str] | None,
    venue: str,
    final: bool,
    compiled: bool,
    show_images: bool,
    out: Path | None,
    runs: Path | None,
    data: list[str] | None,
    commit: bool = True,
    edition: Edition = "linked",
    supplement: bool | None = None,
) -> BuildReport:
    """What render made of the study around the current folder."""
    from functools import partial

    from paper_kit.cli.workplace import Workplace, fingerprint_of
    from paper_kit.core.config import study_root
    from paper_kit.render.build import build_paper
    from paper_kit.render.request import Request

    root = study_root()
    resources = Workplace(root, ()).resources(data)
    request = Request(
        venue=venue,
        experiments=tuple(experiments or ()),
        final=final,
        compile=compiled,
        show_images=show_images,
        out=out,
        runs=runs,
        commit=commit,
        edition=edition,
        supplement="" if supplement is None else "own" if supplement else "none",
        resources=resources,
    )
    return build_paper(request, root, partial(fingerprint_of, resources), lambda told: say(f"{told} …"))


def tell(report: BuildReport) -> None:
    """Nothing; what was made, and what is to be put right, is on stderr."""
    made = [counted(report.pages, "page")] if report.pages else []
    made += [f"supplement of {counted(report.supplement, 'page')}"] if report.supplement else []
    made += [counted(report.facts, "fact"), *drawn(report)]
    if report.unchanged:
        say("Nothing has changed since the last build.")
    say(f"{report.venue.name}: {', '.join(made)} ({report.seconds:.1f} s)")
    missing = [f"{status.label}: {status.state}" for status in report.missing]
    listed("run is not finished and shows as a mark", "runs are not finished and show as marks", missing)
    stale = [f"{status.label}: {'; '.join(status.stale)}" for status in report.stale]
    listed("run is stale", "runs are stale", stale)
    listed("thing to put right", "things to put right", [str(finding) for finding in report.findings])


def drawn(report: BuildReport) -> list[str]:
    """How many figures were drawn, and how many an earlier build had drawn."""
    told = [f"{counted(len(report.drawn), 'figure')} drawn"] if report.drawn else []
    return told + ([f"{counted(report.cached, 'figure')} from the cache"] if report.cached else [])


def next_step(report: BuildReport, final: bool) -> str:
    """What to do or to type after this build."""
    if report.missing:
        return "paperkit run-all trains what is missing."
    if report.stale:
        return "paperkit run-all --refresh trains again what is stale."
    if report.findings:
        return "put these right; paperkit check tells them again, --final refuses a paper that has them."
    if not final:
        return "edit templates/ and build again, or paperkit build-pdf --final."
    return f"paperkit verify {report.pdf} tells anyone that these numbers are those of the records."


def listed(one: str, several: str, lines: list[str]) -> None:
    """Nothing; the lines stand on stderr below their number and title, if there are any."""
    if not lines:
        return
    say(f"{len(lines)} {one if len(lines) == 1 else several}:")
    for line in lines[:SHOWN]:
        say(f"  {line}")
    if len(lines) > SHOWN:
        say(f"  … and {len(lines) - SHOWN} more")
