"""The contract of an executor: one file here that offers `execute`.

    def execute(specs, store, resources, report, should_stop, prepare, /, *, <options>) -> None

It trains `specs` somewhere, each by `bench.run.run_one`, a source run before those that start from it.
Before the first run it calls `prepare()` once, which decodes the datasets, may take long, and raises
InputError where one is not at hand. Results arrive only in the Store; `report` hears how far the runs are,
and an `Ended` for each run that was worked on or is blocked. One failed run does not stop the others; where
an `Ended` says that the Store is lost, `execute` raises StoreLost. Once `should_stop()` is true no run
starts, those at work are saved within seconds and stop, and `execute` comes back; what is left can be
resumed. The keywords are options of the Part, typed, with a plain default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from paper_kit.bench.progress import Report, ShouldStop
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Store


class Executor(Protocol):
    """The type of `execute`."""

    def __call__(
        self,
        specs: Sequence[RunSpec],
        store: Store,
        resources: Resources,
        report: Report,
        should_stop: ShouldStop,
        prepare: Callable[[], None],
        /,
        **options: Any,
    ) -> None: ...
