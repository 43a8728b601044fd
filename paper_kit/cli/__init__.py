"""The command line: a command parses, calls one function of the library, and prints.

Heavy rooms are imported inside the commands, so that `--help`, `plan` and `status` start at once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from paper_kit import __version__
from paper_kit.cli.audit import audit
from paper_kit.cli.build_html import build_docx, build_html
from paper_kit.cli.build_pdf import build_pdf
from paper_kit.cli.cancel import cancel
from paper_kit.cli.check import check
from paper_kit.cli.data import data
from paper_kit.cli.diff import diff
from paper_kit.cli.doctor import doctor
from paper_kit.cli.estimate import estimate
from paper_kit.cli.explain import explain
from paper_kit.cli.export import export
from paper_kit.cli.gc import gc
from paper_kit.cli.import_ import import_
from paper_kit.cli.init import init
from paper_kit.cli.list import list_plugins
from paper_kit.cli.measure import measure
from paper_kit.cli.pack import pack, unpack
from paper_kit.cli.plan import plan
from paper_kit.cli.predict import predict
from paper_kit.cli.render import render
from paper_kit.cli.retry import retry
from paper_kit.cli.run_all import run_all
from paper_kit.cli.show import show
from paper_kit.cli.status import status
from paper_kit.cli.text import complain
from paper_kit.cli.tune import tune
from paper_kit.cli.verify import verify
from paper_kit.cli.watch import watch
from paper_kit.cli.why import why

SAFE_PATH = "PYTHONSAFEPATH"  # an environment variable of Python, from 3.11 on
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}  # what a disk says of no file by name


class Commands(TyperGroup):
    """The commands; an error of the user's is printed in plain lines and never as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """What the command gives back; raises typer.Exit with the code that belongs to an error."""
        from paper_kit.core.errors import PaperkitError

        try:
            with _safe_path():
                return super().invoke(ctx)
        except PaperkitError as error:
            complain(error.problems)
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if error.filename is None and error.errno not in DISK:
                raise
            where = "" if error.filename is None else f"{error.filename}: "
            complain([f"{where}{error.strerror}. Free or correct this place, or name another."])
            raise typer.Exit(2) from None


@contextmanager
def _safe_path() -> Iterator[None]:
    """A block in which processes that are started load no module from the folder that they start in.

    Python looks for modules there first: a study with a file `random.py` would run it in every worker.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        os.environ.pop(SAFE_PATH)
        os.environ.update({} if before is None else {SAFE_PATH: before})


app = typer.Typer(
    name="paperkit",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="The two that matter: paperkit run-all, then paperkit build-pdf.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"paperkit {__version__}")
        raise typer.Exit


@app.callback()
def paperkit(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turns experiment files into a paper in which every number is measured."""


DAILY, RUNS, STUDY = "Every day", "Runs and records", "Studies and machines"
for group, name, command, example in (
    (DAILY, "run-all", run_all, "paperkit run-all quick --time-limit 9m"),
    (DAILY, "build-pdf", build_pdf, "paperkit build-pdf --venue article --open"),
    (DAILY, "build-html", build_html, "paperkit build-html --blind"),
    (DAILY, "build-docx", build_docx, "paperkit build-docx --out paper.docx"),
    (DAILY, "watch", watch, "paperkit watch --venue article"),
    (DAILY, "check", check, "paperkit check"),
    (DAILY, "why", why, "paperkit why 72.4"),
    (DAILY, "plan", plan, "paperkit plan fer2013"),
    (DAILY, "status", status, "paperkit status --only emotion_vit"),
    (DAILY, "render", render, "paperkit render --venue ieeetran"),
    (DAILY, "verify", verify, "paperkit verify paper/build/paper.pdf"),
    (DAILY, "diff", diff, "paperkit diff main ."),
    (RUNS, "estimate", estimate, "paperkit estimate quick --jobs 2"),
    (RUNS, "show", show, "paperkit show emotion_vit/no_focal"),
    (RUNS, "retry", retry, "paperkit retry --oom halve"),
    (RUNS, "gc", gc, "paperkit gc --move"),
    (RUNS, "predict", predict, "paperkit predict emotion_vit me.jpg you.png"),
    (RUNS, "explain", explain, "paperkit explain fer2013_small"),
    (RUNS, "measure", measure, "paperkit measure quick --threads 1"),
    (RUNS, "tune", tune, "paperkit tune fer2013_small --trials 12 --epochs 6"),
    (RUNS, "cancel", cancel, "paperkit cancel quick --only emotion_vit"),
    (RUNS, "pack", pack, "paperkit pack quick --to quick.zip"),
    (RUNS, "unpack", unpack, "paperkit unpack quick.zip"),
    (STUDY, "list", list_plugins, "paperkit list model"),
    (STUDY, "init", init, "paperkit init my_study --images ~/faces"),
    (STUDY, "doctor", doctor, "paperkit doctor"),
):
    app.command(name, rich_help_panel=group, epilog=f"Example: {example}")(command)
app.add_typer(data, name="data", rich_help_panel=STUDY)
app.add_typer(audit, name="audit", rich_help_panel=STUDY)
app.add_typer(export, name="export", rich_help_panel=DAILY)
app.add_typer(import_, name="import", rich_help_panel=DAILY)
