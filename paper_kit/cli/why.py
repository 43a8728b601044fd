"""paperkit why: where a printed number is from, told from the last build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paper_kit.cli.options import Out, Runs, Venue
from paper_kit.cli.text import columns, counted, say

if TYPE_CHECKING:
    from paper_kit.render.why import Trace

SHOWN = 6  # quantities told in full; more are told in one line each

Asked = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER|KEY|PDF:PAGE",
        help="A number as it is printed, a fact's key, or a page such as paper.pdf:3.",
    ),
]


def why(asked: Asked, venue: Venue = "", out: Out = None, runs: Runs = None) -> None:
    """Tell where a printed number is from: value, formula, runs and settings, and the lines that print it."""
    from paper_kit.core.config import study_root
    from paper_kit.render.why import find, on_page, quantities, read_trace

    page = re.fullmatch(r"(?P<pdf>.*\.pdf)?:(?P<page>\d+)", asked)
    folder = out or folder_of(page["pdf"] if page else None, venue)
    trace = read_trace(folder)
    for line in outdated(study_root(), folder, runs):
        say(line)
    if page:
        facts = on_page(trace, int(page["page"]))
        typer.echo(f"page {page['page']}: {counted(len(facts), 'fact')}")
        typer.echo(columns([short(fact) for fact in facts], indent="  "))
        return
    groups = quantities(find(trace, asked))
    for group in groups[:SHOWN]:
        tell(trace, group)
    if len(groups) > SHOWN:
        typer.echo("\nalso printed, by key (type one of them for more):")
        typer.echo(columns([short(group[0]) for group in groups[SHOWN:]], indent="  "))


def folder_of(pdf: str | None, venue: str) -> Path:
    """The build folder of a PDF that lies in one, else of the venue; InputError outside of a study."""
    from paper_kit.core.config import study_root
    from paper_kit.core.paper import load_paper

    beside = Path(pdf).parent if pdf else None
    if beside is not None and (beside / "provenance.json").is_file():
        return beside
    root = study_root()
    return root / "paper" / "build" / (venue or load_paper(root).venue)


def outdated(root: Path, folder: Path, runs: Path | None = None) -> list[str]:
    """A line that says what has changed since the build; none where nothing has, or where nobody knows."""
    import json

    from paper_kit.core.digest import inputs

    path = folder / "manifest.json"
    if not path.is_file():
        return []
    told = json.loads(path.read_text(encoding="utf-8"))
    asked = dict(told["asked"])
    asked.pop("edition", None)
    chosen = {"venue": asked.pop("venue"), "experiments": tuple(asked.pop("experiments"))}
    now = inputs(root, **chosen, runs=runs, options=asked)
    if now.digest == told["digest"]:
        return []
    changed = [name for names in now.changed_since(told["inputs"]).values() for name in names]
    shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return [f"stale: inputs have changed since this build ({shown}); type `paperkit build-pdf`."]


def tell(trace: Trace, group: list[dict[str, Any]]) -> None:
    """Nothing; one quantity stands on stdout."""
    from paper_kit.render.why import explained, title

    typer.echo(f"\n{title(group[0])}")
    typer.echo(columns(explained(trace, group), indent="  "))


def short(fact: dict[str, Any]) -> tuple[str, str, str]:
    """A fact in one line: text, key, first place."""
    from paper_kit.render.why import title

    return fact["text"], title(fact), next(iter(fact["places"]), "")
