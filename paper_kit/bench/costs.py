"""Which costs a study still lacks, and a fresh process for each, alone on the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from paper_kit.bench.executors._worker import environment
from paper_kit.bench.fresh import Team
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
TOGETHER = 4  # processes that load their libraries at once, some 400 MB each


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


def measure_each(
    wanted: Sequence[tuple[str, RunSpec]],
    store: Store,
    resources: Resources,
    should_stop: ShouldStop,
    tell: Callable[[str], None],
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[tuple[str, str]]:
    """(model label, why it could not be measured, or "" where its CostRecord is in the Store now) of each.

    Each model has a fresh process, which is alone: those of the next ones have loaded their libraries and
    sleep. `tell` hears each label before; `meanwhile` is called once, while the first processes load.
    """
    if not wanted:
        meanwhile()
    gpus = usable_gpus(resources)
    settled = resources.model_copy(update={"jobs": 1, "threads": resources.threads or cores()})
    variables = environment(settled.threads, gpus[0] if gpus else "")
    log = (store.root / "logs" / "measure.log").absolute()
    for first in takewhile(lambda _: not should_stop(), range(0, len(wanted), TOGETHER)):
        group = wanted[first : first + TOGETHER]
        with Team(MEASURE, [variables] * len(group), log) as team:
            if not first:
                meanwhile()
            team.ready()
            for number, (label, run) in takewhile(lambda _: not should_stop(), enumerate(group)):
                tell(label)
                yield label, _reason(team, number, (run, store, settled), should_stop, log)


def _reason(
    team: Team, number: int, question: tuple[RunSpec, Store, Resources], should_stop: ShouldStop, log: Path
) -> str:
    """Why a model could not be measured, or ""."""
    try:
        answer = team.ask_one(number, question, should_stop)
    except PaperkitError as died:
        return str(died)
    finally:
        team.dismiss(number)
    if answer is None:
        return "stopped before it was measured"
    if isinstance(answer, PaperkitError):
        return f"{answer}; see {log}"
    question[1].write_cost(answer)
    return ""


def _asked(run: RunSpec, store: Store) -> str:
    """What is to be measured of a finished run, to be compared with `_what` of a CostRecord."""
    return _what({**run.full(), "classes": len(store.record(run.id).classes)})


def _what(value: dict[str, Any]) -> str:
    return canonical_json({name: value[name] for name in COST_KEY_FIELDS if name not in MACHINE_FIELDS})
