"""paperkit data: what a dataset holds, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import Data, SkipBad
from paper_kit.cli.text import columns, say

if TYPE_CHECKING:
    from paper_kit.core.part import Part
    from paper_kit.data.audit import Audit
    from paper_kit.data.dataset import Dataset

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATASET",
        help="Names of `paperkit list dataset`; by default those of the paper's experiments.",
        show_default=False,
    ),
]
Record = Annotated[
    bool, typer.Option("--record", help="Keep what was found beside the runs, for the paper's audit table.")
]
SHOWN = 10  # groups of copies, and near copies, that are listed

data = typer.Typer(help="What a dataset holds, and what is wrong with it.", no_args_is_help=True)


@data.command(epilog="Example: paperkit data info fer2013 --data fer2013=~/fer2013.csv")
def info(datasets: Names = None, data: Data = None, skip_bad: SkipBad = False) -> None:
    """Show what a dataset says of itself, and its images by split and class."""
    from paper_kit.data.dataset import dataset_info

    for dataset in opened(datasets, data, skip_bad):
        facts = dataset_info(dataset)
        counts = facts.pop("counts")
        rows = [(name.replace("_", " "), shown(value)) for name, value in facts.items() if value]
        typer.echo(columns(rows))
        typer.echo("\n" + count_table(counts) + "\n")


@data.command(epilog="Example: paperkit data audit fer2013 --record")
def audit(
    datasets: Names = None, data: Data = None, skip_bad: SkipBad = False, record: Record = False
) -> None:
    """Look for exact and near copies across splits, conflicting labels, blank images, and odd counts."""
    from paper_kit.core.config import study_root
    from paper_kit.core.store import Store
    from paper_kit.data.audit import audit as audit_dataset
    from paper_kit.data.audit import audit_record

    for part, dataset in parts_opened(datasets, data, skip_bad):
        found = audit_dataset(dataset)
        typer.echo("\n".join(findings(dataset, found)))
        if record:
            store = Store(study_root() / "experiments" / "runs")
            store.write_audit(audit_record(part, dataset, found))
            say(f"Kept in {store.root}/audits/{dataset.fingerprint}.json, without pixels")


def findings(dataset: Dataset, found: Audit) -> list[str]:
    """Lines that say what an audit found."""

    def listed(numbers: dict[str, int]) -> str:
        return ", ".join(f"{number} of {split}" for split, number in numbers.items())

    official = "none known" if dataset.card.official_counts is None else "equal"
    rows = [
        ("official counts", "; ".join(found.unofficial) or official),
        ("images that cannot be decoded", str(dataset.dropped)),
        ("blank images", str(len(found.blank))),
        ("groups of exact copies", str(len(found.copies))),
        ("  across splits", f"{len(found.leaks)} (images that also stand in train: {listed(found.leaked)})"),
        ("  with conflicting labels", str(len(found.conflicts))),
        ("near copies across splits", f"{len(found.near)} (in train: {listed(found.nearly_leaked)})"),
        ("largest class over smallest", f"{found.imbalance:.1f}"),
    ]
    lines = [dataset.card.title, columns(rows, indent="  ")]
    conflicts = [", ".join(f"{at.split}/{at.id} {at.label}" for at in group) for group in found.conflicts]
    near = [
        f"{one.score:.3f}  {one.image.split}/{one.image.id} {one.image.label}, "
        f"{one.partner.split}/{one.partner.id} {one.partner.label}{', mirrored' if one.mirrored else ''}"
        for one in found.near
    ]
    for what, texts in (("conflict", conflicts), ("near copy", near)):
        lines += [f"  {what}: {text}" for text in texts[:SHOWN]]
        more = len(texts) - SHOWN
        plural = "near copies" if what == "near copy" else f"{what}s"
        lines += [f"  and {more} more {plural if more > 1 else what}"] if more > 0 else []
    return lines


def opened(names: list[str] | None, roots: list[str] | None, skip_bad: bool) -> list[Dataset]:
    """The named datasets, or those of the paper's experiments, decoded if they were not before."""
    return [dataset for _, dataset in parts_opened(names, roots, skip_bad)]


def parts_opened(
    names: list[str] | None, roots: list[str] | None, skip_bad: bool
) -> list[tuple[Part, Dataset]]:
    """The datasets as `opened`, each with the part that names it."""
    from paper_kit.cli.workplace import Workplace, workplace
    from paper_kit.core.config import study_root
    from paper_kit.core.part import Part, complete
    from paper_kit.data.cache import open_dataset

    if names:
        place = Workplace(study_root(), ())
        parts = [Part(name=name) for name in names]
    else:
        place = workplace()
        parts = list(
            {repr(run.dataset): run.dataset for plan in place.plans() for run in plan.trainings}.values()
        )
    resources = place.resources(roots)
    found = []
    for part in parts:
        say(f"Opening the dataset {part.name}")
        dataset = open_dataset(part, resources.data_roots, resources.cache, skip_bad)
        found.append((complete("dataset", part), dataset))
    return found


def count_table(counts: dict[str, dict[str, int]]) -> str:
    """Images by class (rows) and split (columns), with sums."""
    splits = list(counts)
    classes = list(dict.fromkeys(name for row in counts.values() for name in row))
    rows = [["class", *splits]]
    rows += [[name, *(f"{counts[split].get(name, 0):,}" for split in splits)] for name in classes]
    rows.append(["total", *(f"{sum(counts[split].values()):,}" for split in splits)])
    return columns(rows, indent="  ")


def shown(value: object) -> str:
    """A value in words: lists with commas, tables as "train 1, test 2"."""
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {item:,}" if isinstance(item, int) else f"{name} {item}" for name, item in value.items()
        )
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
