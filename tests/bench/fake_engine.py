"""A stand-in for torch's rooms; the model's name says what happens to a run."""

import os
import signal
import sys
import time
from datetime import UTC, datetime

from paper_kit.bench.progress import Progress
from paper_kit.core.files import write_json
from paper_kit.core.record import CostRecord
from paper_kit.core.spec import ENGINE
from paper_kit.core.store import NO_MEMORY, RunState

TRIED = "tried"  # a file of a run that failed
RECORD = {
    "engine": ENGINE,
    "metrics": {"accuracy": 0.5},
    "selected_epoch": 1,
    "epochs_run": 1,
    "parameters": 10,
    "classes": ["a", "b"],
    "card": {},
    "data": {},
}


def run_one(spec, store, resources, *, report, should_stop):
    store.begin(spec)
    with store.lease(spec.id):
        seen = {"pid": os.getpid(), "threads": os.environ["OMP_NUM_THREADS"], "device": resources.device}
        seen["gpu"] = os.environ.get("CUDA_VISIBLE_DEVICES")
        write_json(store.file(spec.id, "seen.json"), seen | {"torch": "torch" in sys.modules})
        if spec.model.name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if spec.model.name == "broken":
            raise ValueError("the loss is not a number")
        for epoch in range(1, spec.epochs + 1):
            report(progress(spec, epoch))
            if spec.model.name == "large" and epoch == 3 and not (tried(store, spec) and spec.seed == 0):
                store.fail(spec.id, f"{NO_MEMORY} for a batch.", "")
                store.file(spec.id, TRIED).touch()
                return RunState.FAILED
            time.sleep(0.05 if spec.model.name == "slow" else 0)
            if should_stop():
                return RunState.PARTIAL
        while spec.model.name == "patient" and not failed_beside(store) and not should_stop():
            time.sleep(0.05)
        write_json(store.file(spec.id, "order.json"), time.time())
        write_json(store.file(spec.id, "record.json"), RECORD | {"id": spec.id, "spec": spec.full()})
    return RunState.DONE


def progress(spec, epoch):
    """As a small run on a large GPU says it."""
    memory = {"memory_mib": 100.0, "free_mib": 10_000.0}
    return Progress(
        run_id=spec.id, epoch=epoch, epochs=spec.epochs, accuracy=0.5, epoch_seconds=0.01, **memory
    )


def tried(store, spec):
    """Whether the run failed before."""
    return store.file(spec.id, TRIED).is_file()


def failed_beside(store):
    """Whether another run failed, and was heard: it no longer counts as failed."""
    return any(not store.reason(mark.parent.name) for mark in store.root.glob(f"*/{TRIED}"))


def measure(run, store, resources):
    if run.model.name == "costly":
        raise MemoryError("too large to measure")
    numbers = {
        name: 1
        for name, field in CostRecord.model_fields.items()
        if field.annotation in (int, float) and name not in {"threads", "classes"}
    }
    return CostRecord.model_validate(
        numbers
        | {name: getattr(run, name) for name in ("model", "image_size", "channels", "batch_size", "views")}
        | {"precision": run.precision, "memory_meter": "rss", "device": "a machine", "torch": "none"}
        | {"threads": resources.threads, "classes": len(store.record(run.id).classes)}
        | {"measured_at": datetime.now(UTC).isoformat(), "alone": run.model.name == "good", "busy_share": 0.2}
    )
