"""Ablation effects: what removing each component changes, as a forest plot with the tests of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from paper_kit.analysis.artifacts import PENDING, Figure, Note
from paper_kit.analysis.claims import Judged
from paper_kit.analysis.facts._format import signed
from paper_kit.analysis.figures._canvas import canvas, listed, waiting, wrapped
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number, seeds_note
from paper_kit.analysis.tables.ablation import judged_effect, noise_of, tests_fact

ROW_IN = 0.145  # of one row: 7 pt of text with its leading
TALLEST_IN = 7.2  # of a figure that leaves room for its caption
AROUND_IN = 0.5  # for the axis and its label
TOLD = ("holds", "reversed")  # verdicts on a change that is told from noise
SPOKEN = 12  # changes that the text for those who cannot see it lists


@dataclass(frozen=True)
class Effect:
    """One row: its group, its own name, the place of its model in the study, and its judged change."""

    group: str
    name: str
    model: int
    keys: tuple[str, str]  # of the model and the ablation
    judged: Judged

    @property
    def text(self) -> str:
        """The change as the table prints it, with its interval in brackets."""
        return PENDING if self.judged.difference.missing else self.judged.difference.bare

    @property
    def told(self) -> bool:
        """Whether the corrected p tells the change from noise."""
        return self.judged.verdict in TOLD


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    by: Literal["model", "ablation"] = "model",
    experiment: str = "",
) -> Figure:
    """Rows grouped by model or by ablation: change in accuracy, its interval, filled if not noise."""
    groups = _groups(results, by, experiment)
    if not any(effect.judged.comparison.value is not None for group in groups for effect in group):
        return waiting("ablation_effects", style, width)
    columns, shown = _fitting(groups, 2 if width == "text" else 1)
    tallest = max(sum(len(group) + 1 for group in column) for column in columns)
    drawing = canvas(style, width, tallest * ROW_IN + AROUND_IN, space=0.06)
    panels = drawing.subplots(1, len(columns), squeeze=False, sharex=True)
    for panel, column in zip(panels.flat, columns, strict=True):
        _panel(panel, column, tallest, style, width == "text" and len(columns) == 1)
    drawing.supxlabel("Change in accuracy against the base (points)", fontsize=style.size_pt)
    kept = [effect for group in groups[:shown] for effect in group]
    notes = (*_notes(results, experiment), *_left_out(groups[shown:]))
    effects = [effect for group in groups for effect in group]
    return Figure("ablation_effects", drawing, _data(effects), _alt(kept), notes)


def _groups(results: Results, by: str, experiment: str) -> list[list[Effect]]:
    """The effects of all ablations on all models that they change, in the study's order."""
    study = results.plan(experiment).experiment
    found = []
    for place, model in enumerate(study.model):
        for ablation in study.ablation:
            judged = judged_effect(results, model, ablation, experiment)
            if judged is not None:
                names = (model.label, ablation.label)
                group, name = names if by == "model" else names[::-1]
                found.append(Effect(group, name, place, (model.key, ablation.key), judged))
    own = 0 if by == "model" else 1
    groups: dict[str, list[Effect]] = {}
    order = [entry.key for entry in (study.model if by == "model" else study.ablation)]
    for effect in sorted(found, key=lambda each: order.index(each.keys[own])):
        groups.setdefault(effect.keys[own], []).append(effect)
    return list(groups.values())


def _fitting(groups: list[list[Effect]], most: int) -> tuple[list[list[list[Effect]]], int]:
    """Columns of groups that are not too tall, and how many groups they hold; at least one group."""
    rows = int((TALLEST_IN - AROUND_IN) / ROW_IN)
    total = sum(len(group) + 1 for group in groups)
    needed = min(most, -(-total // rows)) if total > rows // 2 else 1
    target = rows if total > rows * needed else -(-total // needed)
    columns: list[list[list[Effect]]] = [[]]
    for place, group in enumerate(groups):
        filled = sum(len(each) + 1 for each in columns[-1])
        full = filled >= target if len(columns) < needed else False
        if filled and (full or filled + len(group) + 1 > rows):
            if len(columns) == needed:
                return columns, place
            columns.append([])
        columns[-1].append(group)
    return columns, len(groups)


def _panel(panel: Any, groups: list[list[Effect]], rows: int, style: Style, wide: bool) -> None:
    """One column of rows from the top down: a group's name in bold, its changes below."""
    names: list[tuple[int, str, str, bool]] = []
    row = 0
    for group in groups:
        names.append((row, wrapped(group[0].group, 40 if wide else 24, lines=1), "", True))
        for effect in group:
            row += 1
            _mark(panel, row, effect, style)
            names.append((row, wrapped(effect.name, 40 if wide else 24, lines=1), effect.text, False))
        row += 1
    panel.axvline(0, color="black", linewidth=0.6, zorder=0)
    panel.set_ylim(rows - 0.5, -0.7)
    panel.set_yticks([each[0] for each in names], [each[1] for each in names])
    for label, (_, _, _, heading) in zip(panel.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if heading else "normal")
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value * 100, _decimals(value))))
    panel.grid(axis="x")
    texts = panel.secondary_yaxis("right")
    texts.set_yticks([each[0] for each in names], [each[2] for each in names])
    texts.tick_params(axis="y", length=0)
    texts.spines["right"].set_visible(False)


def _decimals(value: float) -> int:
    return 0 if abs(value * 100 - round(value * 100)) < 1e-6 else 1


def _mark(panel: Any, row: int, effect: Effect, style: Style) -> None:
    found, look = effect.judged.comparison, style.look(effect.model)
    if found.value is None:
        return
    if found.low is not None and found.high is not None:
        panel.plot([found.low, found.high], [row, row], color=look.colour, linewidth=1, solid_capstyle="butt")
    face = look.colour if effect.told else "white"
    panel.plot(found.value, row, marker=look.marker, ms=4.5, mfc=face, mec=look.colour, mew=0.9, ls="")


def _notes(results: Results, experiment: str) -> tuple[Note, ...]:
    """On what the numbers stand, and what filled marks say."""
    claims, seeds = results.claims, len(results.plan(experiment).experiment.seeds)
    level = number("settings.interval_level", 1 - claims.alpha, "percent", "paper.alpha", digits=0)
    level_of_p = number("settings.alpha", claims.alpha, "setting", "paper.alpha")
    bars = Note("Bars: ", level, f" intervals, not corrected. Intervals and tests are {noise_of(seeds)}.")
    filled = Note(
        "Filled: p below ", level_of_p, " after Holm's correction over the ", tests_fact(results),
        " tests of this paper; hollow: not told from noise.",
    )  # fmt: skip
    return seeds_note(results, experiment, deviation=False), bars, filled


def _left_out(groups: list[list[Effect]]) -> tuple[Note, ...]:
    if not groups:
        return ()
    return (Note(f"Not shown for want of room: {listed([group[0].group for group in groups])}."),)


def _data(effects: list[Effect]) -> pd.DataFrame:
    """One row a change: as fractions with its interval, as printed, p before and after Holm, filled."""
    rows = [
        (
            *effect.keys, effect.judged.comparison.value, effect.judged.comparison.low,
            effect.judged.comparison.high, effect.text, effect.judged.comparison.p, effect.judged.p.value,
            effect.told,
        )
        for effect in effects
    ]  # fmt: skip
    names = ["model", "ablation", "change", "low", "high", "printed", "p", "p_holm", "told_from_noise"]
    return pd.DataFrame(rows, columns=names)


def _alt(effects: list[Effect]) -> Note:
    """The changes one by one where they are few, else how many there are and how many are told from noise."""
    told = sum(effect.told for effect in effects)
    counted = Note(
        "Forest plot of ", number("figure.effects", len(effects), "count", "ablation"),
        " changes in accuracy, ", number("figure.effects_told", told, "count", "ablation"),
        " told from noise",
    )  # fmt: skip
    parts: list[Any] = [*counted.parts]
    for place, effect in enumerate(effects if len(effects) <= SPOKEN else ()):
        parts += ["; " if place else ": ", f"{effect.group}, {effect.name} ", effect.judged.difference]
    return Note(*parts, ".")
