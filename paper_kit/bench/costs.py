"""Which costs a study still lacks, and a fresh process for each, alone on the machine."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from paper_kit.bench.executors._worker import environment, write_to
from paper_kit.bench.machine import cores, usable_gpus
from paper_kit.bench.progress import ShouldStop
from paper_kit.core.errors import PaperkitError
from paper_kit.core.files import canonical_json
from paper_kit.core.plan import BASE, Plan
from paper_kit.core.record import COST_KEY_FIELDS, Machine
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store

MEASURE = "paper_kit.bench.cost:measure"  # imported in the fresh process, so that this one never loads torch
MACHINE_FIELDS = ("device", "threads")  # of a CostRecord's key
LOOK_S = 0.5


def costs_to_measure(plans: tuple[Plan, ...], store: Store) -> list[tuple[str, RunSpec]]:
    """(model label, run) of each base whose training is done, or none where the costs are known.

    They are known if one machine has measured all of them, by one protocol: a table must not mix them. An
    older protocol's are known, too: measuring takes a machine at rest, so it waits for `paperkit measure`.
    """
    wanted = base_runs(plans, store)
    measured: dict[Machine, set[str]] = {}
    for cost in store.costs():
        measured.setdefault(cost.machine, set()).add(_what(cost.model_dump(mode="json")))
    needed = {_asked(run, store) for _, run in wanted}
    return [] if any(needed <= known for known in measured.values()) else wanted


def base_runs(plans: tuple[Plan, ...], store: Store) -> list[tuple[str, RunSpec]]:
    """(model label, run) of the bases that are done, one for each thing to measure."""
    found: dict[str, tuple[str, RunSpec]] = {}
    for row in (row for plan in plans for row in plan.rows if row.ablation_key == BASE):
        run = row.reading.run
        if store.state(run) is RunState.DONE:
            found.setdefault(_asked(run, store), (row.model_label, run))
    return list(found.values())


def measure_alone(run: RunSpec, store: Store, resources: Resources, should_stop: ShouldStop) -> str:
    """Why the run's model could not be measured; "" where its CostRecord is in the Store now."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    gpus = usable_gpus(resources)
    settled = resources.model_copy(update={"jobs": 1, "threads": resources.threads or cores()})
    variables = environment(settled.threads, gpus[0] if gpus else "")
    log = (store.root / "logs" / "measure.log").absolute()
    given = (theirs, MEASURE, run, store.root.absolute(), settled, variables, log)
    process = context.Process(target=_measure, args=given, name="paperkit-measure")
    process.start()
    theirs.close()
    try:
        while not ours.poll(LOOK_S):
            if should_stop():
                return "stopped before it was measured"
        return str(ours.recv())
    except EOFError:
        return f"its process ended without a word; see {log}"
    finally:
        process.kill()
        process.join()
        ours.close()


def _measure(
    connection: Connection,
    measure: str,
    run: RunSpec,
    root: Path,
    resources: Resources,
    variables: dict[str, str],
    log: Path,
) -> None:
    """Nothing; runs in the fresh process and says why it failed, or ""."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    write_to(log)
    os.environ.update(variables)
    module, _, function = measure.partition(":")
    store = Store(root)
    try:
        store.write_cost(getattr(importlib.import_module(module), function)(run, store, resources))
        connection.send("")
    except Exception as error:
        traceback.print_exc()
        known = isinstance(error, PaperkitError)
        connection.send(str(error) if known else f"{type(error).__name__}: {error}; see {log}")


def _asked(run: RunSpec, store: Store) -> str:
    """What is to be measured of a finished run, to be compared with `_what` of a CostRecord."""
    return _what({**run.full(), "classes": len(store.record(run.id).classes)})


def _what(value: dict[str, Any]) -> str:
    return canonical_json({name: value[name] for name in COST_KEY_FIELDS if name not in MACHINE_FIELDS})
