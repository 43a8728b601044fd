"""What a model costs on this machine: measured in the process that calls, which must be fresh and alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from paper_kit.bench.amp_speed import amp_speed, wait
from paper_kit.bench.environment import choose_device, device_name, environment
from paper_kit.bench.evaluate import autocast
from paper_kit.bench.examples import Examples
from paper_kit.bench.flops import count
from paper_kit.bench.machine import cores
from paper_kit.bench.memory import METERS, peak_mib, reset_peak
from paper_kit.bench.pixels import Normalisation, Pixels, Preparation
from paper_kit.bench.run import first_model
from paper_kit.bench.saved import Precision, saved_mib
from paper_kit.bench.train import step
from paper_kit.bench.training import Data, Training, setup
from paper_kit.bench.transfer import set_trainable
from paper_kit.bench.tta import view
from paper_kit.core.record import CostRecord
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Store

SECONDS = 0.6  # spent on each timing after its warm-up, unless FEWEST calls take longer
WARM_UP, FEWEST, MOST = 3, 5, 200  # calls
THROUGHPUT_BATCH = 64
MB = 1e6  # of a file


def measure(run: RunSpec, store: Store, resources: Resources, *, seconds: float = SECONDS) -> CostRecord:
    """The cost of a finished run's model; `seconds` are spent on each of its timings.

    Inference comes first, so that its peak of memory is its own where a peak cannot be set back. An epoch is
    the median update (augmentation, forward, backward, optimiser, every stage learning) times its updates;
    validation is not in it. Memory is the whole process's: environment["memory_before_mib"] is what it held
    before there was a model.
    """
    record = store.record(run.id)
    device = choose_device(resources.device)
    torch.set_num_threads(resources.threads or cores())
    torch.backends.cudnn.deterministic = True  # as in training
    before = peak_mib(device)
    model = first_model(run, len(record.classes), device)
    train_images = sum(record.data["counts"]["train"].values())
    facts = {
        **_inference(run, model, device, seconds),
        **_training(run, model, device, train_images, seconds),
        **_size(run, model),
        **_saved(run, model, device),
        **amp_speed(run, model, _drawn_data(run, model, device), device, 2 * seconds),
    }
    return CostRecord(
        model=run.model,
        image_size=run.image_size,
        channels=run.channels,
        classes=len(record.classes),
        batch_size=run.batch_size,
        precision=run.precision,
        views=run.views,
        device=device_name(device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        epoch_images=train_images,
        memory_meter=METERS[device.type],
        measured_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        environment=environment(device, torch.get_num_threads()) | {"memory_before_mib": before},
        **facts,
    )


def _size(run: RunSpec, model: nn.Module) -> dict[str, Any]:
    flops = count(model, run.image_size, run.channels)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "file_mb": len(save(_contiguous(model))) / MB,
        "flops": flops.flops,
        "macs": flops.macs,
    }


def _saved(run: RunSpec, model: nn.Module, device: torch.device) -> dict[str, Any]:
    """What a batch keeps for the backward pass, without AMP and with it (in the run's format, else BF16)."""
    images = _images(run, run.batch_size, device)
    amp: Precision = "bf16" if run.precision == "fp32" else run.precision
    return {
        "saved_fp32_mib": saved_mib(model, images, "fp32"),
        "saved_amp_mib": saved_mib(model, images, amp),
    }


def _contiguous(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}


@torch.no_grad()
def _inference(run: RunSpec, model: nn.Module, device: torch.device, seconds: float) -> dict[str, Any]:
    """Latencies of one image, as it is and in all views; images/s in batches of 64; the peak of memory."""
    model.eval()
    reset_peak(device)
    one, many = (_images(run, number, device) for number in (1, THROUGHPUT_BATCH))

    def seen(images: Tensor, views: tuple[str, ...]) -> Tensor:
        with autocast(device, run.precision):
            chances = [model(view(images, name)).float().softmax(1) for name in views]
        return torch.stack(chances).mean(0)

    single = timed(lambda: seen(one, ("identity",)), device, seconds)
    augmented = timed(lambda: seen(one, run.views), device, seconds)
    batches = timed(lambda: seen(many, ("identity",)), device, seconds)
    return {
        "latency_p50_ms": _percentile_ms(single, 50),
        "latency_p95_ms": _percentile_ms(single, 95),
        "latency_tta_p50_ms": _percentile_ms(augmented, 50),
        "latency_tta_p95_ms": _percentile_ms(augmented, 95),
        "throughput_64": THROUGHPUT_BATCH / statistics.median(batches),
        "peak_inference_mb": peak_mib(device),
    }


def _training(
    run: RunSpec, model: nn.Module, device: torch.device, train_images: int, seconds: float
) -> dict[str, Any]:
    """Seconds an epoch, from the median of so many updates of the engine itself; the peak of memory."""
    reset_peak(device)
    training = setup(run, model, _drawn_data(run, model, device))
    set_trainable(model, training.stages, range(len(training.stages)))
    indices = np.arange(training.update_images)
    totals = torch.zeros(5, device=device)
    targets = training.data.train.targets
    updates = timed(lambda: step(training, indices, targets, 0, totals), device, seconds)
    return {
        "epoch_seconds": statistics.median(updates) * _updates(training, train_images),
        "epoch_steps_timed": len(updates),
        "peak_train_mb": peak_mib(device),
    }


def _updates(training: Training, train_images: int) -> int:
    return max(1, train_images // training.update_images)


def _drawn_data(run: RunSpec, model: nn.Module, device: torch.device) -> Data:
    """One update's worth of noise images: the time that an update takes does not depend on what they show."""
    classes = _outputs(run, model, device)
    number = run.batch_size * run.optim.accumulate
    side = (run.image_size, run.image_size)
    rng = np.random.default_rng(0)
    images = rng.integers(
        0, 256, (number, *side) if run.channels == 1 else (number, *side, 3), dtype=np.uint8
    )
    labels = torch.arange(number, device=device) % classes
    targets = torch.nn.functional.one_hot(labels, classes).float()
    noise = Examples(Pixels(images, device), labels, targets, np.arange(number).astype(str))
    prepare = Preparation(run.image_size, run.channels, Normalisation(0.5, 0.25), run.channels_last)
    return Data(train=noise, validation=noise, prepare=prepare)


@torch.no_grad()
def _outputs(run: RunSpec, model: nn.Module, device: torch.device) -> int:
    logits_NK: Tensor = model.eval()(_images(run, 1, device))
    return logits_NK.shape[1]


def _images(run: RunSpec, number: int, device: torch.device) -> Tensor:
    images = torch.randn(number, run.channels, run.image_size, run.image_size, device=device)
    return images.contiguous(memory_format=torch.channels_last) if run.channels_last else images


def timed(call: Callable[[], Any], device: torch.device, seconds: float) -> list[float]:
    """Seconds of each of 5 to 200 calls, until `seconds` have passed; the first calls are not counted."""
    for _ in range(WARM_UP):
        call()
    found: list[float] = []
    while len(found) < FEWEST or (sum(found) < seconds and len(found) < MOST):
        wait(device)
        start = time.perf_counter()
        call()
        wait(device)
        found.append(time.perf_counter() - start)
    return found


def _percentile_ms(seconds: list[float], percent: float) -> float:
    return float(np.percentile(seconds, percent)) * 1e3
