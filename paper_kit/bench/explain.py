"""Saliency maps and galleries that finished runs lack, from their kept weights, without training.

Torch is imported where something is missing, so that a second call ends at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from paper_kit.core.arrays import damaged_predictions, read_npz
from paper_kit.core.errors import InputError
from paper_kit.core.plan import BASE, Plan
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import GALLERY, SALIENCY, RunState, Store
from paper_kit.data.cache import open_dataset


@dataclass(frozen=True)
class Explained:
    """What `explain` did for a run: the files it wrote, and why another could not be."""

    run: str
    written: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def runs_to_explain(plans: tuple[Plan, ...], *, ablations: bool = False) -> tuple[RunSpec, ...]:
    """The trainings behind the bases of the plans, or behind all their rows."""
    rows = (row for plan in plans for row in plan.rows if ablations or row.ablation_key == BASE)
    return tuple({row.reading.run.id: row.reading.run for row in rows}.values())


def explain(runs: tuple[RunSpec, ...], store: Store, resources: Resources) -> Iterator[Explained]:
    """What was done for each run, one after the other; what is there already is left as it is."""
    for run in runs:
        yield _explained(run, store, resources)


def _explained(run: RunSpec, store: Store, resources: Resources) -> Explained:
    if store.state(run) is not RunState.DONE:
        return Explained(run.id, (), ("not done; type `paperkit run-all` first.",))
    written: list[str] = []
    problems: list[str] = []
    if not store.file(run.id, GALLERY).is_file():
        from paper_kit.bench.explanation import write_gallery
        from paper_kit.bench.predict import normalisation

        write_gallery(store, run, normalisation(store.record(run.id)))
        written.append(GALLERY)
    if not store.file(run.id, SALIENCY).is_file():
        try:
            reason = _saliency(run, store, resources)
            problems += [reason] if reason else []
            written.append(SALIENCY)
        except InputError as error:
            problems += error.problems
    return Explained(run.id, tuple(written), tuple(problems))


def _saliency(run: RunSpec, store: Store, resources: Resources) -> str:
    """Why the model has no maps; "" where saliency.npz holds them. InputError where they cannot be made."""
    from paper_kit.bench.environment import choose_device
    from paper_kit.bench.examples import examples
    from paper_kit.bench.explanation import write_saliency
    from paper_kit.bench.predict import finished_model

    device = choose_device(resources.device)
    model, prepare, spec = finished_model(store, run.id, device)
    record = store.record(run.id)
    dataset = open_dataset(run.dataset, resources.data_roots, resources.cache, skip_bad=True)
    split = dataset.split("test")
    test = examples(split, len(record.classes), device)
    path = store.file(run.id, "predictions.npz")
    try:
        ids_N = read_npz(path, ("test_ids_N",))["test_ids_N"]
    except (OSError, ValueError) as error:
        raise damaged_predictions(path, error) from None
    if not np.array_equal(test.ids, ids_N):
        raise InputError(
            f"{spec.dataset.name}: its test images are not those of run {run.id}. Give the files that the "
            f"run was trained on with --data {spec.dataset.name}=PATH."
        )
    return write_saliency(store, spec, model, prepare, test, record.classes)
