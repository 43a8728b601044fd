"""Trains on this machine: a worker process a CPU job, or as many a GPU as are measured to be fastest."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TypeGuard

from paper_kit.bench import death
from paper_kit.bench.executors._follow import follow
from paper_kit.bench.executors._worker import READY, STOP, Task, died, work
from paper_kit.bench.machine import gpu_groups, share
from paper_kit.bench.packing import Packing
from paper_kit.bench.progress import Ended, Event, Note, Report, ShouldStop
from paper_kit.bench.schedule import Pace, Schedule
from paper_kit.core.damage import whole_records
from paper_kit.core.errors import PaperkitError
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import NO_MEMORY, Busy, Store

RUN = "paper_kit.bench.run:run_one"  # imported in the workers, so that this process never loads torch


def execute(
    specs: Sequence[RunSpec],
    store: Store,
    resources: Resources,
    report: Report,
    should_stop: ShouldStop,
    prepare: Callable[[], None],
    /,
) -> None:
    """Nothing; every run was trained, failed, or was left where it can be resumed. Raises PaperkitError
    where no worker can start, StoreLost where the Store can no longer be written."""
    schedule = Schedule(specs, Pace(whole_records(store)))
    crew = Crew(store, share(resources, len(specs)))
    try:
        crew.gather(schedule)  # torch is loaded there while the datasets are decoded here
        prepare()
        follow(schedule, crew, report, should_stop, partial(_again, schedule, crew, report))
    finally:
        crew.end()


def _again(schedule: Schedule, crew: Crew, report: Report, event: Event) -> bool:
    """Whether the event is the end of a run that had no memory beside others; it waits again."""
    if not crew.had_no_room(event):
        return False
    schedule.again(event.run_id)
    report(Note(text=f"Run {event.run_id} had no room beside others; it is tried again"))
    return True


@dataclass
class Worker:
    """A worker process as its parent sees it."""

    process: SpawnProcess
    connection: Connection
    task: Task
    ready: bool = False
    run: RunSpec | None = None
    since: float = 0.0


class Crew:
    """The worker processes of one execution, started when there is work for them."""

    def __init__(self, store: Store, resources: Resources) -> None:
        self._store = store
        self._resources = resources
        self._gpus = gpu_groups(resources)
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[Worker | None] = [None] * resources.jobs
        self._packing = Packing(-(-resources.jobs // len(self._gpus))) if resources.packing else None
        self._no_room: set[str] = set()  # runs that failed for memory while others were on their GPU
        self.stopping = False

    def gather(self, schedule: Schedule) -> None:
        """Nothing; the workers that the waiting runs will need have started and load their libraries."""
        for seat in self._open_seats()[: len(schedule.waiting)]:
            self._workers[seat] = self._workers[seat] or self._start(seat)

    def employ(self, schedule: Schedule) -> None:
        """Nothing; workers without a run got the next ones."""
        for seat in self._open_seats():
            worker = self._workers[seat]
            if worker is not None and worker.run is not None:
                continue
            spec = schedule.next()
            if spec is None:
                return
            worker = worker or self._start(seat)
            self._workers[seat] = worker
            worker.run, worker.since = spec, time.monotonic()
            _send(worker, spec)

    def _open_seats(self) -> range:
        """The seats that may be taken now; those of one GPU lie as far apart as there are GPUs."""
        seats = len(self._workers)
        return range(min(seats, self._packing.workers * len(self._gpus)) if self._packing else seats)

    def listen(self, seconds: float) -> Iterator[Event]:
        """What the workers say within some seconds; a worker that died has failed its run."""
        crew = [worker for worker in self._workers if worker is not None]
        heard = wait([worker.connection for worker in crew], timeout=seconds)
        for worker in crew:
            if worker.connection in heard:
                yield from self._hear(worker)

    def had_no_room(self, event: Event) -> TypeGuard[Ended]:
        """Whether a run found no memory beside others and so ended; it no longer counts as failed."""
        if not isinstance(event, Ended) or event.run_id not in self._no_room:
            return False
        self._no_room.discard(event.run_id)
        self._store.retry(event.run_id)
        return True

    def ask_to_stop(self, _schedule: Schedule) -> None:
        """Nothing; runs at work are saved and stop."""
        self.stopping = True
        self._tell_all(STOP)

    def end(self) -> None:
        """Nothing; no worker is alive. They have nothing to lose: what a run wrote, it wrote beside first."""
        for each in filter(None, self._workers):
            each.process.kill()
        for worker in self._workers:
            if worker is not None:
                worker.process.join()
                worker.connection.close()
                self._give_back(worker)
        self._workers = []

    def _start(self, seat: int) -> Worker:
        ours, theirs = self._context.Pipe()
        gpu = self._gpus[seat % len(self._gpus)] if self._gpus else ""
        log = self._store.root / "logs" / f"worker-{seat}.log"
        task = Task(self._store.root.absolute(), self._resources, gpu, log.absolute(), RUN)
        process = self._context.Process(target=work, args=(theirs, task), name=f"paperkit-{seat}")
        process.start()
        theirs.close()
        return Worker(process, ours, task)

    def _hear(self, worker: Worker) -> Iterator[Event]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        if message == READY:
            worker.ready = True
            return
        self._learn(worker, message)
        if isinstance(message, Ended):
            worker.run = None
        yield message

    def _learn(self, worker: Worker, event: Event) -> None:
        """Nothing; how many workers share a GPU goes by what they say."""
        if self._packing is None or worker.run is None:
            return
        too_small = isinstance(event, Ended) and event.reason.startswith(NO_MEMORY)
        if too_small and self._packing.crowded(worker.task.gpu):
            self._packing.had_no_room()
            self._no_room.add(worker.run.id)
        self._packing.hear(worker.task.gpu, worker.run, event, time.monotonic())

    def _bury(self, worker: Worker) -> Iterator[Ended]:
        """The end of the run that a dead worker had; its seat is free again."""
        worker.process.join()
        worker.connection.close()
        self._workers[self._workers.index(worker)] = None
        if not worker.ready:
            raise PaperkitError(
                f"A worker could not start: {_last_line(worker.task.log)} (see {worker.task.log})."
            )
        if worker.run is None:
            return
        reason = death.of_a_worker(worker.process.exitcode, self._resources.jobs)
        ended = died(worker.run, self._store, reason, f"The worker's last words are in {worker.task.log}.")
        ended = replace(ended, seconds=time.monotonic() - worker.since)
        self._learn(worker, ended)
        yield ended

    def _give_back(self, worker: Worker) -> None:
        """Nothing; a killed worker's run is free for other machines too, which cannot see that it is dead.

        Where the Store is gone or takes no more, that is told by now, and nothing of it is made anew.
        """
        with suppress(Busy, OSError):
            if worker.run is not None and self._store.owner(worker.run.id) is not None:
                with self._store.lease(worker.run.id):
                    pass

    def _tell_all(self, message: str) -> None:
        for worker in self._workers:
            if worker is not None:
                _send(worker, message)


def _send(worker: Worker, message: RunSpec | str) -> None:
    try:
        worker.connection.send(message)
    except OSError:  # it died; listening finds out
        pass


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")
