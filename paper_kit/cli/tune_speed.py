"""paperkit tune --speed: the fields of a study with which its models train fastest on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from paper_kit.cli.text import columns, counted, say

if TYPE_CHECKING:
    from paper_kit.bench.speed import Finding, Timed
    from paper_kit.cli.workplace import Workplace
    from paper_kit.core.spec import Resources


def tune_speed(place: Workplace, resources: Resources, *, dry: bool, yes: bool) -> None:
    """Nothing; what was measured is on stdout; the experiment file has the chosen fields unless `dry`."""
    from paper_kit.bench import speed
    from paper_kit.core.store import RunState

    path, log = place.files[0], place.store.root / "logs" / "speed.log"
    (planned,) = place.plans()
    done = sum(place.store.state(run) is RunState.DONE for run in planned.runs)
    if done and not yes and not dry:
        say(f"{counted(done, 'run')} done already: fields that make them others are not written.")
    findings = speed.tune_speed(planned, resources, say, log)
    for finding in findings:
        tell(finding)
    if dry:
        typer.echo("Nothing was written (--dry).")
        return
    speed.write_choices(path, findings, place.store, resources.weights_folders, yes=yes)
    base, models = speed.fields_to_write(findings)
    for name, value in base.items():
        typer.echo(f"{path}: [base] {name} = {toml(value)}")
    for key, fields in models.items():
        typer.echo(f"{path}: {key}: {', '.join(f'{name} = {toml(value)}' for name, value in fields.items())}")


def tell(finding: Finding) -> None:
    """Nothing; a row for each choice of the model, and what the chosen one means, are on stdout."""
    rows = [(finding.label, "ms a step", "speed", "compilation", "")]
    first = finding.timed[0]
    marks = {str(finding.own): "as it is", str(finding.chosen): "chosen"}
    for timed in finding.timed:
        ratio = f"{first.ms / timed.ms:.2f}×" if timed.ms and first.ms else ""
        measured = f"{timed.ms:.1f}" if timed.ms else f"failed: {timed.why}"
        rows.append(
            (
                str(timed.choice),
                measured,
                ratio,
                compilation(finding, timed),
                marks.get(str(timed.choice), ""),
            )
        )
    typer.echo(columns(rows))
    if finding.chosen.fields != finding.own.fields:
        typer.echo(f"  {finding.own} → {finding.chosen}: {meaning(finding)}")


def compilation(finding: Finding, timed: Timed) -> str:
    """What compiling costs and after how many steps it is won back, beside the steps of the shortest run."""
    if not timed.choice.mode or timed.why:
        return ""
    shortest = min(length.steps for length in finding.lengths)
    sets = max(length.sets for length in finding.lengths)
    won = finding.break_even(timed)
    back = "never won back" if won is None else f"won back after {won:,.0f} of {shortest:,} steps"
    return f"{timed.first_s:.0f} s × {sets}, {back}"


def meaning(finding: Finding) -> str:
    """What the change does to the numbers of a training."""
    if finding.chosen.precision != finding.own.precision:
        return "other numbers: rounding differs in every product; compare accuracies before you rely on it"
    return "other last digits: sums are taken in another order"


def toml(value: object) -> str:
    """A boolean or a word as TOML writes it."""
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'
