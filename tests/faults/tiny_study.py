"""A study of three tiny runs, one of them a source run, and what is done to it in processes of its own."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
import torch

from paper_kit.bench import study, train
from paper_kit.bench.run import run_one
from paper_kit.bench.study import run_study
from paper_kit.core.experiment import Experiment
from paper_kit.core.part import Part
from paper_kit.core.plan import all_runs, plan
from paper_kit.core.spec import Resources
from paper_kit.core.status import statuses
from paper_kit.core.store import RunState, Store

EXECUTOR = Part(name="tests.faults.tiny_study:execute")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.utime",
}


def a_plan(epochs=3, train=48):
    """A model with and without transfer; transfer starts from a source run."""
    sizes = {"train": train, "validation": 16, "test": 16}
    return plan(
        Experiment.model_validate(
            {
                "name": "tiny",
                "question": "?",
                "base": {
                    "image_size": 16,
                    "batch_size": 8,
                    "epochs": epochs,
                    "dataset": {"name": "tests.bench.tiny:patterns", **sizes},
                    "optim": {"lr": 0.01, "ema_decay": 0.9},
                    "transfer": {"source": "run"},
                    "mixing": {"mixup_alpha": 0.2, "probability": 0.5},
                },
                "model": [{"key": "net", "label": "Net", "part": {"name": "tests.bench.tiny:build"}}],
                "source": {"dataset": {"name": "tests.bench.tiny:brightness", **sizes}, "set": {"epochs": 2}},
                "ablation": [{"key": "scratch", "label": "scratch", "set": {"transfer.source": "none"}}],
            }
        )
    )


def execute(specs, store, resources, report, should_stop, prepare, /):
    """An executor that trains in the process that calls, so that whoever kills it kills everything."""
    prepare()
    for spec in specs:
        run_one(spec, store, resources, report=report, should_stop=should_stop)


def train_all(planned, root, cache):
    """The Summary of the study; every epoch is saved, and the loop looks around after every step."""
    train.SAVE_EVERY_S = train.TICK_S = 0.0
    study.cores = lambda: 1  # no further process decodes data
    torch.set_num_threads(1)
    resources = Resources(device="cpu", threads=1, cache=cache)
    return run_study(
        (planned,), Store(root), resources, lambda _: None, executor=EXECUTOR, only=("net", "base", "scratch")
    )


def in_child(work, *arguments):
    """The exit status of a forked process that called `work`; negative where a signal ended it."""
    child = os.fork()
    if not child:
        try:
            work(*arguments)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def changes(root, call):
    """Nothing; this process calls `call(number)` before its every change of a file below `root`."""
    count = 0

    def hook(event, arguments):
        nonlocal count
        wanted = event in CHANGES or (event == "open" and len(arguments) > 2 and arguments[2] & WRITING)
        if wanted and str(arguments[0]).startswith(str(root)):
            count += 1
            call(count)

    sys.addaudithook(hook)


def die():
    """Nothing comes after it."""
    os.kill(os.getpid(), signal.SIGKILL)


def predictions(planned, root):
    """Run id -> the bytes of its arrays; every run is done."""
    found = {}
    for run in all_runs((planned,)):
        assert Store(root).state(run) is RunState.DONE, Store(root).reason(run.id)
        with np.load(Store(root).file(run.id, "predictions.npz")) as arrays:
            found[run.id] = {name: arrays[name].tobytes() for name in arrays.files}
    return found


def check_readable(planned, root):
    """Nothing; whatever was cut off, the Store says how far it is, and what it calls done is whole."""
    store = Store(Path(root))
    for status in statuses((planned,), store):
        assert not status.stale, status.stale
        if status.state is RunState.DONE:
            assert store.record(status.run.id).epochs_run == len(store.history(status.run.id))
    for record in store.root.glob("*/record.json"):
        with np.load(record.with_name("predictions.npz")) as arrays:
            assert all(arrays[name].size for name in arrays.files)
