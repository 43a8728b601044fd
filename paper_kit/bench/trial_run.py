"""One trial of a search: a training that is judged on validation after every epoch, and never tested."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

from paper_kit.bench import run, transfer
from paper_kit.bench.checkpoint import load_checkpoint
from paper_kit.bench.environment import choose_device, environment
from paper_kit.bench.progress import Progress
from paper_kit.bench.train import Diverged, fit
from paper_kit.bench.training import Training, restore, setup
from paper_kit.bench.trial import Judge, Outcome, Task, Verdict, Watch
from paper_kit.core.checkpoints import CHECKPOINT
from paper_kit.core.errors import PaperkitError
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store
from paper_kit.data.cache import open_dataset


def run_trial(task: Task, store: Store, resources: Resources, judge: Judge, watch: Watch) -> Outcome:
    """The Outcome of training the task's spec without a look at the test images.

    A trial that is stopped leaves its checkpoint in its folder and goes on from it when it is run again.
    """
    started = time.monotonic()
    try:
        outcome = _train(task, store, resources, judge, watch)
    except Diverged as error:
        outcome = Outcome(state="diverged", reason=str(error), seconds=time.monotonic() - started)
    except PaperkitError as error:
        outcome = Outcome(state="failed", reason=str(error), seconds=time.monotonic() - started)
    if outcome.state != "stopped":
        shutil.rmtree(task.folder, ignore_errors=True)
    return outcome


def _train(task: Task, store: Store, resources: Resources, judge: Judge, watch: Watch) -> Outcome:
    started = time.monotonic()
    training, fingerprint = _begin(task, store, resources)
    earlier_s = sum(row["seconds"] for row in training.history)
    told: list[Verdict] = ["go"]

    def stop() -> bool:
        row = training.history[-1]
        told.append(judge(row["epoch"], _value(row, training)))
        return told[-1] != "go"

    for row in training.history:  # of a trial that goes on: whether to prune it is asked at its next epoch
        judge(row["epoch"], _value(row, training))
    finished = fit(
        training,
        checkpoint=task.folder / CHECKPOINT,
        history=task.folder / run.HISTORY,
        tick=_watched(training, watch),
        should_stop=stop,
    )
    best = next((row for row in training.history if row["epoch"] == training.best.epoch), {})
    return Outcome(
        state="complete" if finished else "pruned" if told[-1] == "prune" else "stopped",
        value=training.best.value,
        accuracy=best.get("validation_accuracy"),
        epochs=training.epoch,
        seconds=earlier_s + time.monotonic() - started,
        parameters=sum(weights.numel() for weights in training.model.parameters()),
        validation_images=len(training.data.validation),
        fingerprint=fingerprint,
        environment=environment(training.device, resources.threads),
    )


def _begin(task: Task, store: Store, resources: Resources) -> tuple[Training, str]:
    """The training as it is before its next epoch, and the fingerprint of its dataset."""
    spec = task.spec
    task.folder.mkdir(parents=True, exist_ok=True)
    saved = load_checkpoint(task.folder / CHECKPOINT)
    device = choose_device(resources.device)
    run.settle(device, saved["threads"] if saved else resources.threads)
    dataset = open_dataset(spec.dataset, resources.data_roots, resources.cache, resources.skip_bad)
    data = run.load_data(spec, dataset, device)
    model = run.first_model(spec, data.train.targets.shape[1], device)
    if not saved:
        transfer.start_from(model, spec.transfer, store, resources.weights_folders)
    training = setup(spec, model, data)
    if saved:
        restore(training, saved)
    return training, dataset.fingerprint


def _value(row: dict[str, Any], training: Training) -> float:
    return float(row[f"validation_{training.spec.select}"])


def _watched(training: Training, watch: Watch) -> Callable[[int, float], None]:
    """A tick of the loop, told as Progress."""

    def tick(updates: int, speed: float) -> None:
        last: dict[str, Any] = training.history[-1] if training.history else {}
        watch(
            Progress(
                run_id=training.spec.id,
                epoch=training.epoch,
                epochs=training.spec.epochs,
                step=updates,
                steps=training.updates,
                accuracy=last.get("validation_accuracy"),
                images_per_second=speed,
                epoch_seconds=last.get("seconds", 0.0),
            )
        )

    return tick
