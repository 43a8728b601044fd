"""Runs that tests train here and elsewhere, and what is heard and left of them."""

import numpy as np

from paper_kit.bench.progress import Ended, Note
from paper_kit.core.files import write_json
from paper_kit.core.owner import this_process
from paper_kit.core.spec import Optim, RunSpec, Transfer

LONG = 150  # epochs of some 20 ms: enough to be met at work


def a_run(name="good", **fields):
    """A run of the engine that needs no torch; the name of its model says what happens to it."""
    return RunSpec(model={"name": name}, **{"epochs": 2} | fields)


def after(source, **fields):
    """As `a_run`, but it starts from another run."""
    return a_run(transfer={"source": "run", "run": source.id}, **fields)


def a_small_run(dataset="patterns", **fields):
    """A real run, of the smallest model."""
    settings = {"image_size": 16, "batch_size": 16, "epochs": 3, "optim": Optim(lr=1e-2), **fields}
    model = "tests.bench.tiny:build"
    return RunSpec(dataset=f"tests.bench.tiny:{dataset}", model=model, **settings)


def a_small_study():
    """A long run, two that start from a source run, and that one."""
    source = a_small_run("brightness", task="action_units")
    start = Transfer(source="run", run=source.id, unfreezing="all")
    return (
        a_small_run(seed=5, epochs=LONG),
        a_small_run(seed=1, transfer=start),
        a_small_run(seed=2, transfer=start),
        source,
    )


def held(store, spec, job):
    """Nothing; a process of a job on another machine holds the lease."""
    store.begin(spec)
    owner = this_process(job).model_copy(update={"machine": "another"})
    write_json(store.file(spec.id, "lease.7") / "owner.json", owner.model_dump(mode="json"))


def too_early():
    """Stands for data that are decoded for an hour."""
    raise AssertionError("data are decoded for runs that cannot start")


def ends(events):
    """Run id -> how it ended."""
    return {event.run_id: event.state for event in events if isinstance(event, Ended)}


def notes(events):
    """What was told to who waits."""
    return " / ".join(event.text for event in events if isinstance(event, Note))


def arrays(store, run_id):
    """Name -> what the run predicts."""
    with np.load(store.file(run_id, "predictions.npz")) as opened:
        return {name: opened[name] for name in opened.files}
