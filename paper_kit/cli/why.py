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

PAPER, SUPPLEMENT = "paper.pdf", "supplement.pdf"
SHOWN = 6  # quantities told in full; more are told in one line each

Asked = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER|KEY|PDF:PAGE",
        help="A number as it is printed, a fact's key, or a page such as paper.pdf:3 or supplement.pdf:1.",
    ),
]


def why(asked: Asked, venue: Venue = "", out: Out = None, runs: Runs = None) -> None:
    """Tell where a printed number is from: value, formula, runs and settings, and the lines that print it."""
    from paper_kit.core.config import study_root
    from paper_kit.render.why import find, on_page, quantities, read_trace

    page = re.fullmatch(r"(?P<pdf>.*\.pdf)?:(?P<page>S?\d+)", asked)
    folder = out or folder_of(page["pdf"] if page else None, venue)
    trace = read_trace(folder)
    for line in outdated(study_root(), folder, runs):
        say(line)
    if page:
        supplement = Path(page["pdf"] or PAPER).name == SUPPLEMENT or page["page"].startswith("S")
        facts = on_page(trace, int(page["page"].lstrip("S")), supplement=supplement)
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
        _refuse_another(Path(pdf or ""), beside)
        return beside
    root = study_root()
    folder = root / "paper" / "build" / (venue or load_paper(root).venue)
    if pdf:
        _refuse_another(Path(pdf), folder)
    return folder


def _refuse_another(pdf: Path, folder: Path) -> None:
    """Nothing where the PDF is the built one, or stands for it as a bare "paper.pdf"; else InputError."""
    from paper_kit.core.errors import InputError
    from paper_kit.core.files import sha256_file

    built = folder / (SUPPLEMENT if pdf.name == SUPPLEMENT else PAPER)
    if pdf == Path(built.name) and not pdf.exists():
        return
    if not pdf.is_file():
        raise InputError(f"{pdf}: there is no such file. The pages of {built} are known, if it was built.")
    if built.is_file() and sha256_file(pdf) != sha256_file(built):
        raise InputError(f"{pdf}: not the paper that was built last; only the pages of {built} are known.")


def outdated(root: Path, folder: Path, runs: Path | None = None) -> list[str]:
    """A line that says what has changed since the build; none where nothing has, or where nobody knows."""
    from paper_kit.core.digest import inputs
    from paper_kit.core.errors import InputError
    from paper_kit.core.files import read_json
    from paper_kit.render.seal import elsewhere

    path = folder / "manifest.json"
    if not path.is_file():
        return []
    told = read_json(path)
    try:
        asked = dict(told["asked"])
        asked.pop("edition", None)
        chosen = {"venue": asked.pop("venue"), "experiments": tuple(asked.pop("experiments"))}
        then = {name: dict(each) for name, each in told["inputs"].items()}
        digest = told["digest"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({error!r}). Type `paperkit build-pdf` again.") from None
    now = inputs(root, **chosen, runs=runs, options=asked)
    if now.digest == digest:
        return []
    hint = elsewhere(then, now.classes, runs or Path("experiments/runs"))
    if hint:
        return [hint]
    changed = [name for names in now.changed_since(then).values() for name in names]
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
