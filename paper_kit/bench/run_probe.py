"""A kind of run in miniature, in the process that calls: its real steps, evaluation and outcome, timed."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from paper_kit.bench import cost, timing
from paper_kit.bench.checkpoint import save_checkpoint
from paper_kit.bench.environment import choose_device, device_name
from paper_kit.bench.examples import examples, order
from paper_kit.bench.loading import load
from paper_kit.bench.memory import METERS, peak_mib, reset_peak
from paper_kit.bench.optim import set_lr
from paper_kit.bench.outcome import EMBEDDED, write_outcome
from paper_kit.bench.probed import Probed
from paper_kit.bench.run import first_model, load_data, settle
from paper_kit.bench.timing import taken
from paper_kit.bench.train import step, validate
from paper_kit.bench.training import Training, setup, state
from paper_kit.bench.transfer import set_trainable, start_from, trainable_stages
from paper_kit.core.checkpoints import CHECKPOINT
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Store
from paper_kit.data.cache import open_dataset
from paper_kit.data.dataset import Dataset
from paper_kit.data.sources import Split
from paper_kit.data.split import stratified_subset

CUT = 192  # validation and test images of the miniature
FEWEST = 4  # steps timed, after one that is not


class Miniature(Dataset):
    """A dataset with some of its validation and test images."""

    def split(self, name: str) -> Split:
        """The split; of validation and test, CUT images of all classes."""
        found = super().split(name)
        if name == "train" or len(found) <= CUT:
            return found
        return found.take(stratified_subset(found.labels, CUT, 0))


def probe(run: RunSpec, resources: Resources, seconds: float) -> Probed:
    """What the run's kind takes here; its steps are timed for about `seconds`."""
    device = choose_device(resources.device)
    settle(device, resources.threads)
    reset_peak(device)
    start = time.perf_counter()
    dataset = open_dataset(run.dataset, resources.data_roots, resources.cache, resources.skip_bad)
    t = _training(run, dataset, resources, device)
    found: dict[str, Any] = {"setup_s": time.perf_counter() - start, "stages": len(t.stages)}
    for name in ("train", "validation", "test"):
        found[name] = len(dataset.split(name))
    found |= _steps(t, seconds)
    small = Miniature(**{one.name: getattr(dataset, one.name) for one in fields(dataset)})
    split = small.split("validation")
    t.data = replace(t.data, validation=examples(split, len(dataset.classes), device))
    with tempfile.TemporaryDirectory() as folder:
        found |= _ending(t, small, Path(folder))
    found["cost_s"] = _cost_seconds(run, found["image_s"], found["all_step_s"])
    found |= {"memory_mib": peak_mib(device), "memory_meter": METERS[device.type]}
    return Probed(**found, device=device_name(device))


def _training(run: RunSpec, dataset: Dataset, resources: Resources, device: torch.device) -> Training:
    """The run's training; what a source run would have learned makes no difference to its seconds."""
    data = load_data(run.model_copy(update={"train_fraction": 1.0}), dataset, device)
    model = first_model(run, data.train.targets.shape[1], device)
    if run.transfer.source in {"hub", "file"}:
        start_from(model, run.transfer, Store(Path()), resources.weights_folders)
    return setup(run, model, data)


def _steps(t: Training, seconds: float) -> dict[str, float]:
    """Seconds of a step, and what the first one takes above it: as the run begins, and with all stages."""
    set_lr(t.optimizer, 0.0)  # nothing is to be learned, or lost
    begins = trainable_stages(t.spec.transfer, len(t.stages), 1)
    everything = range(len(t.stages))
    first = _timed(t, begins, seconds / 2 if begins != everything else 0.0)
    of_all = _timed(t, everything, seconds if begins == everything else seconds / 2)
    if begins == everything:
        first = of_all
    return {
        "first_begin_s": first[0],
        "first_step_s": first[1],
        "all_begin_s": of_all[0],
        "all_step_s": of_all[1],
    }


def _timed(t: Training, learning: range, seconds: float) -> tuple[float, float]:
    """(what the first step takes above the others, mean of the others) in seconds; zeros for no time."""
    if not seconds:
        return 0.0, 0.0
    set_trainable(t.model, t.stages, learning)
    totals = torch.zeros(5, device=t.device)
    indices = order(t.data.train.labels.cpu().numpy(), t.spec.sampler, t.spec.seed, 1)
    times: list[float] = []
    while len(times) <= FEWEST or sum(times[1:]) < seconds:
        number = len(times) % t.updates
        rows = indices[number * t.update_images :][: t.update_images]

        def update(number: int = number, rows: NDArray[np.int64] = rows) -> None:
            step(t, load(t, [rows], number)[0], t.data.train.targets, number, totals)

        times.append(taken(update, t.device))
    typical = float(np.mean(times[1:]))
    return max(0.0, times[0] - typical), typical


def _ending(t: Training, dataset: Dataset, folder: Path) -> dict[str, Any]:
    """Seconds and bytes of evaluation, checkpoint and outcome, made small and really written."""
    row = _row(t) | validate(t)
    t.history = [row]
    image_s = taken(lambda: validate(t), t.device) / len(t.data.validation)
    checkpoint_s = taken(lambda: save_checkpoint(folder / CHECKPOINT, state(t)), t.device)
    checkpoint_bytes = (folder / CHECKPOINT).stat().st_size
    t.best.epoch, t.epoch = 1, 2  # as where the last epoch is not the best one
    store = Store(folder / "runs")
    store.begin(t.spec)
    outcome_s = taken(lambda: write_outcome(t, dataset, store), t.device)
    test, validation = len(dataset.split("test")), len(t.data.validation)
    embedded = min(EMBEDDED, test) if t.spec.task == "emotion" else 0
    seen = len(t.spec.views) * (2 * test + validation) + embedded
    sizes = {file.name: file.stat().st_size for file in store.folder(t.spec.id).iterdir()}
    predictions, embeddings = sizes.pop("predictions.npz"), sizes.pop("embeddings.npz", 0)
    return {
        "image_s": image_s,
        "checkpoint_s": checkpoint_s,
        "checkpoint_bytes": checkpoint_bytes,
        "outcome_s": max(0.0, outcome_s - seen * image_s),
        "fixed_bytes": sum(sizes.values()),
        "epoch_bytes": len(json.dumps(row)) + 1,
        "image_bytes": predictions / (test + validation),
        "embedding_bytes": embeddings / max(1, embedded),
    }


def _row(t: Training) -> dict[str, Any]:
    """A row of history, such as bench.train writes it."""
    learning = sum(parameter.numel() for parameter in t.model.parameters())
    correct = {"train_accuracy": 1 / 3} if t.spec.task == "emotion" else {}
    row = {"epoch": 1, "lr": t.spec.optim.lr / 3, "train_loss": 1 / 3} | correct
    row |= {"seconds": 12.3456, "images_per_second": 1234.56, "trainable_parameters": learning}
    return row | {"amp_scale": t.scaler.get_scale(), "skipped_steps": 0, "nonfinite": 0}


def _cost_seconds(run: RunSpec, image_s: float, step_s: float) -> float:
    """What bench.cost takes for the model by its own protocol, start of its process apart."""
    views = len(run.views)
    formats = 2 * [1, views] if views > 1 else [1, 1]  # FP32 and AMP
    calls = [batch * count * image_s for batch in (1, 64) for count in formats]
    in_turn = max((timing.WARM_UP + timing.FEWEST) * 2 * step_s, 2 * cost.SECONDS)
    return sum(map(_timing_seconds, [*calls, step_s])) + in_turn


def _timing_seconds(call_s: float) -> float:
    """What bench.timing.timed takes for calls that take so long."""
    wanted = min(max(cost.SECONDS, timing.WANTED * call_s), timing.LONGEST * cost.SECONDS)
    return timing.WARM_UP * call_s + max(timing.FEWEST * call_s, min(wanted, timing.MOST * call_s))
