"""One run from spec to record: lease, data, resume, train, evaluate, record. A failure is data."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from paper_kit.bench import distributed, machine, transfer
from paper_kit.bench.checkpoint import load_checkpoint
from paper_kit.bench.environment import choose_device
from paper_kit.bench.joining import part_with
from paper_kit.bench.loaded import loaded
from paper_kit.bench.outcome import write_outcome
from paper_kit.bench.pixels import Preparation
from paper_kit.bench.progress import Progress, Report, ShouldStop, never, unheard
from paper_kit.bench.randomness import seed_everything
from paper_kit.bench.ranks import ALONE, Ranks
from paper_kit.bench.shares import check_images
from paper_kit.bench.train import fit
from paper_kit.bench.training import Data, Training, restore, setup
from paper_kit.core import part
from paper_kit.core.checkpoints import CHECKPOINT, clear_checkpoints
from paper_kit.core.damage import check_present, store_lost, sweep
from paper_kit.core.errors import PaperkitError, StoreLost, Superseded
from paper_kit.core.files import place_of
from paper_kit.core.incidents import tell
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import NO_MEMORY, RunState, Store
from paper_kit.data.cache import open_dataset
from paper_kit.data.dataset import Dataset

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
CPU_FULL = "DefaultCPUAllocator: "  # so torch begins to say, in a RuntimeError, that memory is used up
HISTORY = "history.jsonl"


def run_one(
    spec: RunSpec,
    store: Store,
    resources: Resources,
    *,
    report: Report = unheard,
    should_stop: ShouldStop = never,
) -> RunState:
    """The run's state afterwards: done, failed (error.txt says why), partial (asked to stop), or blocked.

    Raises Busy where another process works on the run, or took it over because this one was silent, and
    StoreLost where the Store cannot be written.
    """
    source = spec.transfer.run
    if source and not store.file(source, "record.json").is_file():
        return store.state(spec)
    try:
        with store.lease(spec.id):
            return _leased(spec, store, resources, report, should_stop)
    except OSError as error:  # the disk takes no lease
        if gone := store_lost(error, store.root):
            raise gone from None
        raise


def _leased(
    spec: RunSpec, store: Store, resources: Resources, report: Report, should_stop: ShouldStop
) -> RunState:
    """The run's state afterwards, this process holding its lease."""
    if store.file(spec.id, "record.json").is_file():
        return RunState.DONE
    store.file(spec.id, "error.txt").unlink(missing_ok=True)
    try:
        sweep(store, spec.id)
        store.begin(spec)
        done = _work(spec, store, resources, report, should_stop)
    except Superseded:  # its files are another's now; the lease says so to the caller
        raise
    except Exception as error:
        if gone := error if isinstance(error, StoreLost) else store_lost(error, store.root):
            raise gone from None
        if isinstance(error, FileNotFoundError):
            check_present(store, spec.id)
        store.fail(spec.id, _reason(error, spec), traceback.format_exc())
        return RunState.FAILED
    return RunState.DONE if done else RunState.PARTIAL


class NoMemory(PaperkitError):
    """A batch did not fit into memory; `size` images were passed at once, in this epoch."""

    def __init__(self, size: int, epoch: int) -> None:
        super().__init__(f"{NO_MEMORY} for a batch. Set micro_batch = {max(1, size // 2)}.")
        self.size, self.epoch = size, epoch

    def __reduce__(self) -> tuple[type[NoMemory], tuple[int, int]]:
        """How it comes from another process."""
        return NoMemory, (self.size, self.epoch)


def _work(spec: RunSpec, store: Store, resources: Resources, report: Report, should_stop: ShouldStop) -> bool:
    """Whether the run is done; otherwise its checkpoint waits. Memory too small is met as `oom` says."""
    smaller, told = 0, ""
    while True:
        try:
            if resources.devices == 1:
                return train_here(spec, store, resources, report, should_stop, (smaller, told))
            place = place_of(store.folder(spec.id)).absolute()
            root = store.root.absolute()
            task = distributed.Task(spec, root, store.job, place, resources, (smaller, told))
            return distributed.train(task, report, should_stop)
        except NoMemory as error:
            if resources.oom == "stop" or error.size == 1:
                raise
            smaller = error.size // 2
            meant = spec.micro_batch or spec.batch_size
            told = f"micro_batch {smaller} in place of {meant} from epoch {error.epoch} on: out of memory"
        tell(store, spec.id, told)
        gc.collect()  # the step that failed held its tensors


def train_here(
    spec: RunSpec,
    store: Store,
    resources: Resources,
    report: Report,
    should_stop: ShouldStop,
    deviation: tuple[int, str],
    ranks: Ranks = ALONE,
) -> bool:
    """Whether the run is done, trained with a smaller micro_batch where the deviation has one.

    With others of `ranks`, which each call this, the first one writes.
    """
    with ranks.first_before_others():
        training, dataset = _begin(spec, store, resources, report, ranks)
    if deviation[0]:
        training.micro_batch, training.deviations = deviation[0], (*training.deviations, deviation[1])

    def should_leave() -> bool:
        check_present(store, spec.id)
        return should_stop()

    tick = _reporter(training, report)
    tick(0, 0.0)
    checkpoint, history = store.file(spec.id, CHECKPOINT), store.file(spec.id, HISTORY)
    stops = {"should_stop": should_stop, "should_leave": should_leave}
    try:
        finished = fit(training, checkpoint=checkpoint, history=history, tick=tick, **stops)
    except Exception as error:
        if _out_of_memory(error):
            raise NoMemory(training.micro_batch or spec.batch_size, training.epoch + 1) from None
        raise
    part_with(training)
    if finished and ranks.first:
        check_present(store, spec.id)
        report(Progress(run_id=spec.id, stage="test", epoch=training.epoch, epochs=spec.epochs))
        write_outcome(training, dataset, store)
        clear_checkpoints(checkpoint)
    return finished


def _begin(
    spec: RunSpec, store: Store, resources: Resources, report: Report, ranks: Ranks
) -> tuple[Training, Dataset]:
    """The training as it was left, or before its first epoch; what it learns from is at hand."""
    saved = load_checkpoint(store.file(spec.id, CHECKPOINT), partial(tell, store, spec.id))
    device = choose_device(resources.device)
    settle(device, saved["threads"] if saved else _threads(resources))
    report(Progress(run_id=spec.id, stage="data", epochs=spec.epochs))
    dataset = open_dataset(spec.dataset, resources.data_roots, resources.cache, resources.skip_bad)
    data = load_data(spec, dataset, device)
    check_images(spec, len(data.train), ranks.size)
    model = first_model(spec, data.train.targets.shape[1], device)
    if not saved:
        transfer.start_from(model, spec.transfer, store, resources.weights_folders)
    training = setup(spec, model, data, ranks)
    if saved:
        restore(training, saved)
    return training, dataset


def load_data(spec: RunSpec, dataset: Dataset, device: torch.device) -> Data:
    """Training and validation examples on the device; the normalisation is that of the training images."""
    found = loaded(dataset, float(spec.train_fraction), device)
    return Data(
        train=found.train,
        validation=found.validation,
        prepare=Preparation(spec.image_size, spec.channels, found.normalisation, spec.channels_last),
        draw_labels=dataset.draw_labels,
    )


def first_model(spec: RunSpec, outputs: int, device: torch.device) -> nn.Module:
    """The spec's model on the device; its first weights are drawn on the CPU from the spec's seed."""
    seed_everything(spec.seed, 0)
    build: Callable[..., nn.Module] = part.load("model", spec.model.name)
    model = build(outputs, image_size=spec.image_size, channels=spec.channels, **spec.model.arguments)
    if spec.channels_last:
        model.to(memory_format=torch.channels_last)
    return model.to(device)


def _reason(error: Exception, spec: RunSpec) -> str:
    """One line: what went wrong, and what to change where that is known."""
    if _out_of_memory(error):
        return str(NoMemory(spec.micro_batch or spec.batch_size, 0))
    return str(error) if isinstance(error, PaperkitError) else f"{type(error).__name__}: {error}"


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or CPU_FULL in str(error)


def settle(device: torch.device, threads: int) -> None:
    """Nothing; torch computes with so many threads and, on a GPU, the same way each time."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.cuda.empty_cache()  # what an earlier run of this process held
        torch.cuda.reset_peak_memory_stats(device)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def keep_freed_memory() -> None:
    """Nothing; glibc keeps freed memory for the next step, which saves up to a fifth of the time on a CPU."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if platform.libc_ver()[0] == "glibc" else None
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_MMAP_THRESHOLD, 2**30)


def _threads(resources: Resources) -> int:
    """Of one process; those of a run share the run's."""
    whole = resources.threads or max(1, machine.cores() // max(1, resources.jobs))
    return max(1, whole // resources.devices)


def _reporter(training: Training, report: Report) -> Callable[[int, float], None]:
    """A tick of the loop, told as Progress."""

    def tick(updates: int, speed: float) -> None:
        last: dict[str, Any] = training.history[-1] if training.history else {}
        taken, free = _memory_mib(training.device)
        report(
            Progress(
                run_id=training.spec.id,
                epoch=training.epoch,
                epochs=training.spec.epochs,
                step=updates,
                steps=training.updates,
                accuracy=last.get("validation_accuracy"),
                images_per_second=speed,
                epoch_seconds=last.get("seconds", 0.0),
                memory_mib=taken,
                free_mib=free,
            )
        )

    return tick


def _memory_mib(device: torch.device) -> tuple[float, float]:
    """What this process has taken of its GPU at most, and what is free there; zeros on a CPU."""
    if device.type != "cuda":
        return 0.0, 0.0
    return torch.cuda.max_memory_reserved(device) / 2**20, torch.cuda.mem_get_info(device)[0] / 2**20
