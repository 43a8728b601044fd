"""A stand-in for `bench.run.run_one` that needs no torch; the model's name says what happens to a run."""

import os
import signal
import sys
import time

from paper_kit.bench.progress import Progress
from paper_kit.core.files import write_json
from paper_kit.core.store import RunState


def run_one(spec, store, resources, *, report, should_stop):
    store.begin(spec)
    behaviour = spec.model.name
    with store.lease(spec.id):
        write_json(
            store.file(spec.id, "seen.json"),
            {
                "pid": os.getpid(),
                "threads": os.environ["OMP_NUM_THREADS"],
                "device": resources.device,
                "torch": "torch" in sys.modules,
            },
        )
        if behaviour == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "broken":
            raise ValueError("the loss is not a number")
        for epoch in range(1, spec.epochs + 1):
            report(
                Progress(run_id=spec.id, epoch=epoch, epochs=spec.epochs, accuracy=0.5, epoch_seconds=0.01)
            )
            if behaviour == "slow":
                time.sleep(0.05)
            if should_stop():
                return RunState.PARTIAL
        write_json(store.file(spec.id, "order.json"), time.time())
        write_json(store.file(spec.id, "record.json"), RECORD | {"id": spec.id, "spec": spec.full()})
    return RunState.DONE


RECORD = {
    "engine": 1,
    "metrics": {"accuracy": 0.5},
    "selected_epoch": 1,
    "epochs_run": 1,
    "parameters": 10,
    "classes": ["a", "b"],
    "card": {},
    "data": {"fingerprint": "f"},
}
