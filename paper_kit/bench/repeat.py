"""Finished runs trained once more, in a Store of their own: the proof that records can be made again."""

from __future__ import annotations

import random
import shutil

from paper_kit.bench.machine import share
from paper_kit.bench.progress import Report
from paper_kit.bench.stopping import stopping
from paper_kit.bench.study import prepare
from paper_kit.core.errors import InputError
from paper_kit.core.part import Part, load
from paper_kit.core.plan import Plan, Row
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store

EXECUTOR = Part(name="local")


def pick(plans: tuple[Plan, ...], store: Store, number: int, seed: int | None = None) -> tuple[Row, ...]:
    """One row of each of `number` cells with a finished run: drawn with the seed, or the cheapest first.

    Cells that read the same training another way count once. InputError where no run is finished.
    """
    cells: dict[tuple[str, ...], list[Row]] = {}
    seen: set[str] = set()
    for row in (row for plan in plans for row in plan.rows):
        run = row.reading.run
        if store.state(run) is RunState.DONE and run.id not in seen:
            seen.add(run.id)
            cells.setdefault((row.experiment, row.model_key, row.ablation_key), []).append(row)
    if not cells:
        raise InputError(f"{store.root}: no run is finished. Type `paperkit run-all` first.")
    groups = list(cells.values())
    if seed is not None:
        chosen = random.Random(seed)
        return tuple(chosen.choice(rows) for rows in chosen.sample(groups, min(number, len(groups))))
    seconds = {run: store.record(run).seconds for run in seen}
    cheapest = [min(rows, key=lambda row: seconds[row.reading.run.id]) for rows in groups]
    return tuple(sorted(cheapest, key=lambda row: seconds[row.reading.run.id])[:number])


def needed(runs: tuple[RunSpec, ...], store: Store) -> tuple[RunSpec, ...]:
    """The runs to train: these, after the source runs whose weights the Store no longer has."""
    sources = dict.fromkeys(run.transfer.run for run in runs if run.transfer.run)
    absent = [source for source in sources if not store.file(source, "weights.safetensors").is_file()]
    found = tuple(map(store.spec, absent))
    for source, spec in zip(absent, found, strict=True):
        if spec.id != source:
            path = store.file(source, "spec.json")
            raise InputError(f"{path}: this is the spec of another run, {spec.id}. Unpack the records again.")
    return (*found, *runs)


def train_again(
    runs: tuple[RunSpec, ...], store: Store, again: Store, resources: Resources, report: Report
) -> None:
    """Nothing; `again` holds the runs, trained one after the other with the threads of their records.

    Source runs that `needed` does not name are copied. Raises InputError where a dataset is not at hand.
    """
    trained = {run.id for run in runs}
    for source in {run.transfer.run for run in runs if run.transfer.run} - trained:
        shutil.copytree(store.folder(source), again.folder(source))
    prepare(runs, again, resources, report)
    execute = load("executor", EXECUTOR.name)
    with stopping(resources.time_limit_s) as stop:
        for run in runs:
            execute((run,), again, _as_recorded(resources, store, run.id), report, stop, _nothing)


def _nothing() -> None:
    """Nothing; the datasets are at hand."""


def _as_recorded(resources: Resources, store: Store, run_id: str) -> Resources:
    """The resources with as many threads as the record of the run tells: they move its last digits."""
    record: RunRecord | None = None
    if store.file(run_id, "record.json").is_file():
        record = store.record(run_id)
    threads = int(record.environment.get("threads", 0)) if record else 0
    return share(resources.model_copy(update={"jobs": 1, "threads": resources.threads or threads}), 1)
