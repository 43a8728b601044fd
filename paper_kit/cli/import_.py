"""paperkit import: what other people changed in an exported paper, back to the study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.text import counted, say

if TYPE_CHECKING:
    from paper_kit.render.exports.overleaf_import import Import

LEFT = 1  # the exit code where something was not taken over

Project = Annotated[
    Path, typer.Argument(metavar="DIR|FILE.zip", help="The project as it came back.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes and write nothing.")]

import_ = typer.Typer(
    help="What others changed in an exported paper, back to the study.", no_args_is_help=True
)


@import_.callback()
def _group() -> None:
    """What others changed in an exported paper, back to the study."""


@import_.command(epilog="Example: paperkit import overleaf project.zip")
def overleaf(project: Project, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Bring edited prose back to the lines of the templates that it came from.

    Shows the changes of each template and asks before writing. Edited values are refused by name, and so is
    whatever the study makes itself; all other edits land. What was changed in the study meanwhile stays.
    Exits with 1 where something was not taken over.
    """
    from paper_kit.core.config import study_root
    from paper_kit.render.exports.overleaf_import import bring_back
    from paper_kit.render.exports.returned import find_record, read_project

    root = study_root()
    files = read_project(project)
    record = find_record(files, root)
    if not record.is_kept(root):
        say(f"note: this study did not make the export {record.id}; is it another's? See each change.")
    found = bring_back(record, files, root / "templates")
    _show(found)
    changed = bool(found.after or found.files)
    if changed and not dry_run and (yes or _agreed(found)):
        for name in found.write(root / "templates"):
            typer.echo(str(root / "templates" / name))
        say("Written. Type `paperkit check`, then `paperkit build-pdf`.")
    elif not changed:
        say("Nothing to bring back." if not found.refused else "Nothing else to bring back.")
    if found.refused:
        raise typer.Exit(LEFT)


def _agreed(found: Import) -> bool:
    """Whether the person says yes; InputError where nobody can be asked."""
    import sys

    from paper_kit.core.errors import InputError

    count = counted(len(found.after) + len(found.files), "file")
    if not sys.stdin.isatty():
        raise InputError(f"{count} would be written. Type the same with --yes to write, or with --dry-run.")
    return typer.confirm(f"Write {count} in templates/?", err=True)


def _show(found: Import) -> None:
    """Nothing; the diffs, notes and refusals are on stderr."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for diff in found.diffs().values():
        for line in diff.splitlines():
            head = line.startswith(("+++", "---"))
            console.print(Text(line, "bold" if head else styles.get(line[:1], "")))
    for name, data in found.files.items():
        console.print(Text(f"templates/{name}: {counted(len(data), 'byte')}", "green"))
    for note in found.notes:
        console.print(Text(f"note: {note}", "dim"))
    for reason in found.refused:
        console.print(Text("not taken over: ", "yellow") + Text(reason))
