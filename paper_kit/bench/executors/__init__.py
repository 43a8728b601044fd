"""The contract of an executor: one file here that offers `execute`.

    def execute(specs, store, resources, report, should_stop, prepare, /, *, <options>) -> None

It trains `specs` somewhere, each by `bench.run.run_one`, a source run before those that start from it.
Before the first run it calls `prepare()` once, which decodes the datasets, may take long, and raises
InputError where one is not at hand. Results arrive only in the Store; `report` hears how far the runs are,
and an `Ended` for each run that was worked on, is blocked, or is with another process (RUNNING: where it
becomes free, `execute` is called once more with it). One failed run does not stop the others; where an
`Ended` says that the Store is lost, `execute` raises StoreLost. Once `should_stop()` is true no run starts,
those at work are saved within seconds and stop, and `execute` comes back; what is left can be resumed. The
keywords are options of the Part, typed, with a plain default.

A process that a queue started works with `Store(root, job="slurm:1234_5@1000")`, which names its job in the
leases that it takes. Its file offers `unknown_job(job) -> bool` as well, which says of such a job whether the
queue no longer knows it (False for a job of another queue, and where the queue does not answer): the lease
is taken over at once. The runs of such a file share nothing of this machine: each has all the resources, and
those that jobs have already are waited for.
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
