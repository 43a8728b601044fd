"""What the tables of costs say below them: where, how, by which meters, and whether the machine was alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from paper_kit.analysis.artifacts import Note
from paper_kit.analysis.tables._parts import number
from paper_kit.core.record import ENERGY_IMAGES, CostRecord

MEMORY = {"rss": "resident memory of the process", "cuda": "memory that torch allocated on the GPU"}
ENERGY = {"nvml": "the GPU's own counter (NVML)", "rapl": "the counters of the processors (RAPL)"}


def joined(*notes: Note) -> Note:
    """The notes as one."""
    parts = [part for note in notes for part in (" ", *note.parts)]
    return Note(*parts[1:])


def alone_notes(costs: Sequence[CostRecord]) -> Iterator[Note]:
    """Whether other processes computed meanwhile, as far as that is known, and what is left out for it."""
    known = [cost.busy_share for cost in costs if cost.busy_share is not None]
    share = number("cost.busy_share", max(known, default=None), "percent", "cost.busy_share", digits=0)
    left_out = "so that no seconds of an epoch and no energy are given"
    if any(cost.alone is False for cost in costs):
        used = ("other processes used up to ", share, " of the processors' time, ") if known else ()
        yield Note("Not measured alone: ", *used, left_out, ".")
    elif any(cost.alone is None for cost in costs):
        yield Note(f"Whether the machine did nothing else meanwhile is not recorded, {left_out}.")
    elif known:
        least = share.value is not None and not share.printed_value  # "at most 0 %" would promise too much
        limit = number("cost.busy_limit", 0.01, "percent", "cost.busy_share", digits=0) if least else share
        most = "less than" if least else "at most"
        yield Note(f"Measured alone: other processes used {most} ", limit, " of the processors' time.")


def memory_note(costs: Sequence[CostRecord]) -> Note:
    """What "memory" is here, and what libraries hold of it."""
    meter = f"Memory is the peak of the {MEMORY[costs[0].memory_meter]}"
    before = [mib for cost in costs if (mib := cost.environment.get("memory_before_mib"))]
    if costs[0].memory_meter != "rss" or not before:
        return Note(f"{meter}.")
    held = number("cost.libraries", float(np.mean(before)), "number", "cost.memory", digits=0, unit="MiB")
    return Note(f"{meter}, of which about ", held, " are the libraries without any model.")


def energy_note(costs: Sequence[CostRecord]) -> Note:
    """By which meter energy was measured and of what, or that it was not."""
    meters = dict.fromkeys(cost.energy_meter for cost in costs if cost.energy_meter)
    if not meters:
        return Note("Energy was not measured.")
    images = number(
        "cost.energy_images", ENERGY_IMAGES, "count", "paper_kit.core.record.ENERGY_IMAGES", digits=0
    )
    by = " and ".join(ENERGY[meter] for meter in meters)
    return Note(f"Energy is by {by}, of an epoch and of the prediction of ", images, " images in batches.")
