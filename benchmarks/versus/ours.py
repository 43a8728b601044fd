"""paper_kit's own engine, through the door that a study uses: a run from spec to record."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.versus.job import Clock, Flags, Job
from paper_kit.bench.progress import Event, Progress
from paper_kit.bench.run import run_one
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store

LIBRARIES = ("torch", "timm")


class Enough(BaseException):
    """The clock has its time; the run is given up. No Exception, which the engine would record."""


def documented(threads: int) -> Flags:
    """As it comes."""
    return Flags(threads=threads, tuned=True)


def train(job: Job, flags: Flags, clock: Clock) -> NDArray[np.float32] | None:
    """logits_NK of the test images by the last epoch's model; None where the clock came first.

    The engine tells its progress about once a second, after it has waited for the device.
    """
    store = Store(job.scratch / "runs")
    resources = Resources(device=job.device.type, threads=flags.threads, jobs=1, cache=job.cache)

    def report(event: Event) -> None:
        if not isinstance(event, Progress) or event.stage != "train" or not event.step:
            return
        steps, batch = event.epoch * event.steps + event.step, job.spec.batch_size
        before = 0.0 if clock.first else (event.step - 1) * batch / event.images_per_second
        done = clock.enough(steps * batch, steps)
        clock.first -= before  # the first report comes a second after the first step
        if done:
            raise Enough

    try:
        state = run_one(job.spec, store, resources, report=report)
    except Enough:
        return None
    if state is not RunState.DONE:
        raise RuntimeError(store.file(job.spec.id, "error.txt").read_text(encoding="utf-8"))
    with np.load(store.file(job.spec.id, "predictions.npz")) as found:
        logits: NDArray[Any] = found["test_last_VNK"][0]
    return logits
