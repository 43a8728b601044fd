"""paperkit audit: whether the numbers of tables that others published can stand beside one another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.text import columns, counted

if TYPE_CHECKING:
    from paper_kit.analysis.consistency import Consistency
    from paper_kit.analysis.published import PrintedTable

FORMAT = """
A file of [[table]]s. Every key but `name` may be left out; what is there
is checked against what else is there. Type numbers as they are printed:
72.40 has two digits, so it may stand for 72.395 to 72.405.

  [[table]]
  name = "Table 3, row ResNet-18"
  source = "A. Author, Some Conference 2020"
  dataset = ""            # fer2013, rafdb, affectnet7, affectnet8: official counts
  split = "test"          # or validation: FER2013's PublicTest
  accuracy = 64.65        # percent, as all shares
  recalls = { angry = 65.2, disgust = 60.0 }
  precisions = { angry = 93.6, disgust = 16.2 }
  supports = { angry = 491, disgust = 55 }    # images; else the dataset's own
  images = 546            # all test images; else the sum of the supports
  mean_of = 1             # runs that the numbers are means of
  balanced_accuracy = 62.6
  macro_f1 = 51.2
  macro_precision = 54.9
  classes = ["angry", "disgust"]    # the order of the confusion matrix
  confusion = [[320, 171], [22, 33]]    # rows are the true classes
  confusion_in = "counts" # or "percent"; else percent where rows sum to 100
  unit = "percent"        # or "fraction": shares are then typed as 0 to 1
  base = 64.65            # what ablations start from; else the accuracy
  [[table.ablation]]
  name = "w/o mixup"
  accuracy = 63.2
  delta = -1.4            # ablated less base; or its drop = 1.4
"""
HELP = """Check the arithmetic of published tables, typed into a TOML file, within their rounding.

Recall times support is the accuracy; an accuracy is a whole number of images (GRIM);
confusion matrices, means, macro F1 and differences agree; supports are the dataset's own.
Exits with 1 where a table contradicts itself, with 3 where nothing could be checked.
"""
NOTHING = 3  # the exit code where no check could be made
WORDS = {True: "ok", False: "INCONSISTENT", None: "?"}

File = Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file of tables.", show_default=False)]

audit = typer.Typer(help="Whether published numbers can be true together.", no_args_is_help=True)


@audit.callback()
def _group() -> None:
    """Whether published numbers can be true together."""


@audit.command(
    help=f"{HELP}\n\n\b{FORMAT.replace('[', chr(92) + '[')}",
    epilog="Example: paperkit audit published tables.toml",
)
def published(file: File) -> None:
    from paper_kit.analysis.consistency import consistency
    from paper_kit.analysis.published import read_tables

    contradicting = checked = 0
    tables = read_tables(file)
    for table in tables:
        found = consistency(table)
        contradicting += any(check.ok is False for check in found)
        checked += any(check.ok is not None for check in found)
        typer.echo(told(table, found) + "\n")
    nothing = "" if checked else "; nothing checked"
    typer.echo(f"{contradicting} of {counted(len(tables), 'table')} inconsistent{nothing}")
    if contradicting:
        raise typer.Exit(1)
    if not checked:
        raise typer.Exit(NOTHING)


def told(table: PrintedTable, found: tuple[Consistency, ...]) -> str:
    """The table's name with its verdict, and a line for each check."""
    if not found:
        verdict = "nothing to check; type more of its numbers"
    elif any(check.ok is False for check in found):
        verdict = "inconsistent"
    elif all(check.ok is None for check in found):
        verdict = "nothing could be told"
    else:
        verdict = "consistent"
    source = f" ({table.source})" if table.source else ""
    rows = [(WORDS[check.ok], f"{check.name}: {check.sentence}") for check in found]
    return f"{table.name}{source}: {verdict}" + ("\n" + columns(rows, indent="  ") if rows else "")
