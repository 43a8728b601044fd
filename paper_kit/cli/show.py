"""paperkit show: one run, as its files tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from paper_kit.cli.options import Run, Runs
from paper_kit.cli.text import columns, duration

if TYPE_CHECKING:
    from paper_kit.core.record import RunRecord
    from paper_kit.core.spec import RunSpec
    from paper_kit.core.store import Store


def show(run: Run, runs: Runs = None) -> None:
    """Show one run: its settings, what it reached, where it was made, or why it failed."""
    from paper_kit.cli.workplace import find_run, workplace
    from paper_kit.core.plan import run_labels
    from paper_kit.core.store import RunState

    place = workplace(runs=runs)
    store = place.store
    plans = place.plans()
    spec = find_run(run, store, plans)
    state = store.state(spec)
    typer.echo(f"{spec.id}  {state}  {run_labels(plans).get(spec.id, '')}\n{store.folder(spec.id)}")
    section("settings that differ from the defaults", flat(spec.short()))
    if state is RunState.DONE:
        tell_record(store.record(spec.id), spec)
    elif state in {RunState.MISSING, RunState.BLOCKED}:
        typer.echo("\nplanned, and not trained yet: `paperkit run-all` trains it")
    elif state is RunState.FAILED:
        typer.echo("\n" + store.file(spec.id, "error.txt").read_text(encoding="utf-8"))
    tell_history(store, spec)


def tell_record(record: RunRecord, spec: RunSpec) -> None:
    """Nothing; metrics, data, environment and staleness of the record are on stdout."""
    from paper_kit.core.status import stale_reasons

    section("reached", {name: f"{value:.4f}" for name, value in sorted(record.metrics.items())})
    facts = {
        "selected epoch": f"{record.selected_epoch} of {record.epochs_run}",
        "parameters": f"{record.parameters:,}",
        "classes": ", ".join(record.classes),
        "training took": duration(record.seconds),
        "dataset": f"{record.card.get('title', spec.dataset.name)} ({record.data.get('fingerprint', '?')})",
        "weights": record.weights_sha256 or "not kept",
    }
    section("record", facts | {name: str(value) for name, value in flat(record.environment).items()})
    section("on several devices", {name: str(value) for name, value in flat(record.parallel).items()})
    for told in record.deviations:
        typer.echo(f"\nnot as planned: {told}")
    for reason in stale_reasons(spec, record):
        typer.echo(f"\nstale: {reason}")


def tell_history(store: Store, spec: RunSpec) -> None:
    """Nothing; loss and accuracy of the last epochs are on stdout."""
    names = ("epoch", "lr", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    history = store.history(spec.id)
    if history:
        typer.echo(f"\nthe last of {len(history)} epochs")
        rows = [[short(row.get(name)) for name in names] for row in history[-5:]]
        typer.echo(columns([list(names), *rows], indent="  "))


def section(title: str, facts: dict[str, Any]) -> None:
    """Nothing; the facts stand under their title on stdout."""
    if facts:
        typer.echo(f"\n{title}")
        typer.echo(columns([(name, str(value)) for name, value in facts.items()], indent="  "))


def short(value: object) -> str:
    """A number with four digits, or nothing."""
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= flat(item, f"{prefix}{key}.") if isinstance(item, dict) else {f"{prefix}{key}": item}
    return found
