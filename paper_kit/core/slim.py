"""What a paper reads of its runs: a slim pack leaves out the rest, so that many runs can be committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit.core.arrays import damaged_predictions, read_npz
from paper_kit.core.plan import BASE, Plan
from paper_kit.core.store import GALLERY, SALIENCY

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURED = ("embeddings.npz", SALIENCY, GALLERY)
VALIDATION = "validation_"  # begins the names of arrays of the validation images


@dataclass(frozen=True)
class Needed:
    """Ids of the runs whose embeddings and maps are drawn, and of those whose validation logits are read."""

    pictured: frozenset[str]
    validated: frozenset[str]

    def has(self, run_id: str, name: str) -> bool:
        """Whether a paper reads this file of the run."""
        return name not in PICTURED or run_id in self.pictured


def needed(plans: tuple[Plan, ...]) -> Needed:
    """What papers of these plans read: maps of each base's first seed, validation logits of bases.

    Temperatures are fitted on the latter. Source runs, which are no results, are kept whole.
    """
    sources = {run.id for plan in plans for run in plan.sources}
    rows = [(plan, row) for plan in plans for row in plan.rows]
    bases = [(plan, row) for plan, row in rows if row.ablation_key == BASE]
    first = {row.reading.run.id for plan, row in bases if row.seed == plan.experiment.seeds[0]}
    validated = {row.reading.run.id for _, row in bases}
    return Needed(frozenset(sources | first), frozenset(sources | validated))


def slimmed(path: Path, target: Path, *, validation: bool) -> dict[str, str]:
    """Name -> the array that it equals, of those that `target`, the predictions of `path`, leaves out.

    Without the arrays of the validation images unless asked for. InputError where `path` is damaged.
    """
    import numpy as np  # here, for most commands need none

    try:
        held = read_npz(path)
    except ValueError as error:
        raise damaged_predictions(path, error) from None
    kept = {name: array for name, array in held.items() if validation or not name.startswith(VALIDATION)}
    same: dict[str, str] = {}
    for name, other in combinations(kept, 2):
        if name not in same and kept[name].size and equal(kept[name], kept[other]):
            same[other] = name
    left: dict[str, Any] = {name: array for name, array in kept.items() if name not in same}
    with target.open("wb") as opened:
        np.savez_compressed(opened, **left)
    return same


def restored(path: Path, same: Mapping[str, str]) -> None:
    """Nothing; the predictions have the arrays again that a pack left out for they equal others.

    Not compressed: then the file has the same bytes with every zlib. ValueError where `path` lacks an array.
    """
    import numpy as np

    held: dict[str, Any] = read_npz(path)
    absent = sorted(set(same.values()) - held.keys())
    if absent or held.keys() & same.keys():
        raise ValueError(f"its arrays are not those that the manifest names: {absent or sorted(same)}")
    held |= {name: held[other] for name, other in same.items()}
    with path.open("wb") as opened:
        np.savez(opened, **held)


def equal(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Whether both arrays are of one type and shape and hold the same bytes."""
    return (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())
