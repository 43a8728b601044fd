"""Waits for runs in jobs of a cluster: the Store says how far they are, the queue which jobs are left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from paper_kit.bench.executors._worker import died
from paper_kit.bench.progress import Ended, Note, Progress, Report, ShouldStop
from paper_kit.core.slurm import Queue, Queued, ask_queue, log_of, submitted, unknown_job
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import RunState, Store

LOOK_S = 2.0  # between two looks at the Store
QUEUE_S = 10.0  # between two questions to the queue: its controller serves the whole cluster
LOOKS = 2  # so often the queue must not know a job before its run counts as left: files may arrive late
GO_ON = "`paperkit run-all --executor slurm` goes on from its checkpoint"
STAYING = "The jobs stay in the queue: `paperkit status` shows them, `paperkit cancel` ends them"
DEATHS = {
    "OUT_OF_MEMORY": "more memory was used than the job had; set memory_gb, or a smaller micro_batch",
    "TIMEOUT": f"it reached time_min; {GO_ON}",
    "DEADLINE": f"it reached its deadline; {GO_ON}",
    "NODE_FAIL": f"its node failed; {GO_ON}",
    "BOOT_FAIL": f"its node did not start; {GO_ON}",
    "FAILED": f"it left before the run was done; {GO_ON}",
}


def watch(specs: Iterable[RunSpec], store: Store, report: Report, should_stop: ShouldStop) -> None:
    """Nothing, once every run has ended or nobody wants to wait any longer; the jobs go on then."""
    watcher = _Watcher(specs, store, report)
    asked = float("-inf")
    while watcher.open:
        if time.monotonic() - asked >= QUEUE_S:
            asked = time.monotonic()
            watcher.hear(ask_queue())
        watcher.look()
        if watcher.open and should_stop():
            report(Note(text=STAYING))
            return
        if watcher.open:
            time.sleep(LOOK_S)


class _Watcher:
    """The runs that have not ended, and what was last heard of them."""

    def __init__(self, specs: Iterable[RunSpec], store: Store, report: Report) -> None:
        self.open = {spec.id: spec for spec in specs}
        self._store = store
        self._report = report
        self._jobs = submitted(store)
        self._queue: Queue = {}
        self._absent: Counter[str] = Counter()
        self._epochs: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._told = ""

    def hear(self, queue: Queue | None) -> None:
        """Nothing; the queue answered, or did not, and then nothing is judged."""
        if queue is None:
            return
        self._queue = queue
        for run_id in self.open:
            found = self._job(run_id)
            gone = found is None or not found.active
            self._absent[run_id] = self._absent[run_id] + 1 if gone else 0
        states = Counter(
            found.state.lower() for run_id in self.open if (found := self._job(run_id)) and found.active
        )
        told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        if told and told != self._told:
            self._report(Note(text=f"Jobs in the queue: {told}"))
        self._told = told

    def look(self) -> None:
        """Nothing; who watches heard how far the runs are and which have ended."""
        for run_id, spec in tuple(self.open.items()):
            found = self._job(run_id)
            if found is not None and found.state == "RUNNING":
                self._since.setdefault(run_id, time.monotonic())
                self._tell_progress(spec)
            if self._store.file(run_id, "record.json").is_file():
                self._end(spec, RunState.DONE)
            elif self._absent[run_id] >= LOOKS:
                self._bury(spec, found)

    def _job(self, run_id: str) -> Queued | None:
        return self._queue.get(self._jobs.get(run_id, ""))

    def _tell_progress(self, spec: RunSpec) -> None:
        rows = self._store.history(spec.id)
        if len(rows) == self._epochs.get(spec.id):
            return
        self._epochs[spec.id] = len(rows)
        last = rows[-1] if rows else {}
        self._report(
            Progress(
                run_id=spec.id,
                epoch=len(rows),
                epochs=spec.epochs,
                accuracy=last.get("validation_accuracy"),
                epoch_seconds=last.get("seconds", 0.0),
            )
        )

    def _bury(self, spec: RunSpec, found: Queued | None) -> None:
        """Nothing; the run has no job any more and is not done."""
        self._store.sign(spec.id, unknown_job)
        job, state = self._jobs.get(spec.id, "?"), found.state if found is not None else ""
        if self._store.state(spec) not in (RunState.FAILED, RunState.BLOCKED) and state in DEATHS:
            log = log_of(self._store, job).relative_to(self._store.root.absolute())
            died(spec, self._store, f"its job {job} ended ({state}): {DEATHS[state]}", f"See {log}.")
        ended = self._store.state(spec)
        reason = {
            RunState.DONE: "",
            RunState.FAILED: self._store.reason(spec.id),
            RunState.BLOCKED: f"its source run {spec.transfer.run} failed",
        }.get(ended, f"its job {job} left the queue{f' ({state})' if state else ''}")
        self._end(spec, ended, reason)

    def _end(self, spec: RunSpec, state: RunState, reason: str = "") -> None:
        del self.open[spec.id]
        seconds = time.monotonic() - self._since.get(spec.id, time.monotonic())
        self._report(Ended(run_id=spec.id, state=state, reason=reason, seconds=seconds))
