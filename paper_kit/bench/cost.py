"""What a model costs on this machine: measured in the process that calls, which must be fresh and alone.

The protocol, the same for every model: FP32 and AMP, one image and batches of 64, with TTA and without, each
after a warm-up; then updates of the engine itself. PROTOCOL in core.record numbers it: change both together.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from paper_kit.bench.amp_speed import amp_speed
from paper_kit.bench.energy import SECONDS as ENERGY_SECONDS
from paper_kit.bench.energy import Meter, joules_a_call, meter_of
from paper_kit.bench.environment import choose_device, device_name, environment
from paper_kit.bench.examples import Examples
from paper_kit.bench.flops import count
from paper_kit.bench.loading import load
from paper_kit.bench.machine import cores
from paper_kit.bench.memory import METERS, peak_mib, reset_peak
from paper_kit.bench.neighbours import alone, busy_share, moment
from paper_kit.bench.nvml import Gpu, gpu_of
from paper_kit.bench.pixels import Normalisation, Pixels, Preparation
from paper_kit.bench.prediction import energy_j, images, prediction
from paper_kit.bench.run import first_model
from paper_kit.bench.saved import amp_format, saved_mib
from paper_kit.bench.timing import WARM_UP, timed
from paper_kit.bench.train import step
from paper_kit.bench.training import Data, Training, setup
from paper_kit.bench.transfer import set_trainable
from paper_kit.core.record import PROTOCOL, CostRecord
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Store

SECONDS = 0.3  # spent on each timing after its warm-up, unless the fewest calls take longer
MB = 1e6  # of a file
ASKED = ("model", "image_size", "channels", "batch_size", "precision", "views")  # fields of the run


def measure(run: RunSpec, store: Store, resources: Resources, *, seconds: float = SECONDS) -> CostRecord:
    """The cost of a finished run's model; `seconds` are spent on each of its timings.

    Inference comes first, so that its peak of memory is its own where a peak cannot be set back. An epoch is
    the median update (forward, backward, optimiser, every stage learning) times its updates, no validation.
    """
    record = store.record(run.id)
    device = choose_device(resources.device)
    torch.set_num_threads(resources.threads or cores())
    torch.backends.cudnn.deterministic = True  # as in training
    before = peak_mib(device)  # what the process holds before there is a model
    gpu = gpu_of(device) if device.type == "cuda" else None
    meter = meter_of(device, gpu)
    start = moment()
    model = first_model(run, len(record.classes), device)
    train_images = sum(record.data["counts"]["train"].values())
    facts = {
        **prediction(run, model, device, seconds),
        **_energy_of_predictions(run, model, device, meter, seconds),
        **_training(run, model, device, train_images, meter, seconds),
        **_size(run, model),
        **_saved(run, model, device),
        **amp_speed(run, model, _drawn_data(run, model, device), device, 2 * seconds),
    }
    return CostRecord(
        **{name: getattr(run, name) for name in ASKED},
        classes=len(record.classes),
        device=device_name(device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        protocol=PROTOCOL,
        warm_up=WARM_UP,
        epoch_images=train_images,
        memory_meter=METERS[device.type],
        energy_meter=meter.name if isinstance(meter, Meter) else None,
        measured_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        environment=_environment(device, before, gpu, meter),
        **alone(busy_share(start, moment()), gpu),
        **facts,
    )


def _environment(
    device: torch.device, before_mib: float, gpu: Gpu | str | None, meter: Meter | str
) -> dict[str, Any]:
    """What a run records of its machine, and what the process held first, the GPU's driver, why no energy."""
    driver = {"driver": gpu.driver(), "cuda": torch.version.cuda} if isinstance(gpu, Gpu) else {}
    unmetered = {} if isinstance(meter, Meter) else {"energy": f"not measured: {meter}"}
    held = {"memory_before_mib": before_mib}
    return environment(device, torch.get_num_threads()) | held | driver | unmetered


def _energy_of_predictions(
    run: RunSpec, model: nn.Module, device: torch.device, meter: Meter | str, seconds: float
) -> dict[str, Any]:
    if not isinstance(meter, Meter):
        return {}
    return {"energy_inference_j": energy_j(run, model, device, meter, _long(seconds))}


def _long(seconds: float) -> float:
    """Seconds of work between two readings of a meter; tests ask for less."""
    return ENERGY_SECONDS * min(1.0, seconds / SECONDS)


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
    drawn = images(run, run.batch_size, device)
    return {
        "saved_fp32_mib": saved_mib(model, drawn, "fp32"),
        "saved_amp_mib": saved_mib(model, drawn, amp_format(run.precision)),
    }


def _contiguous(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}


def _training(
    run: RunSpec,
    model: nn.Module,
    device: torch.device,
    train_images: int,
    meter: Meter | str,
    seconds: float,
) -> dict[str, Any]:
    """Seconds an epoch, from the median of so many updates of the engine; the peak of memory; joules."""
    reset_peak(device)
    training = setup(run, model, _drawn_data(run, model, device))
    set_trainable(model, training.stages, range(len(training.stages)))
    indices = np.arange(training.update_images)
    totals = torch.zeros(5, device=device)
    targets = training.data.train.targets

    def update() -> None:
        step(training, load(training, [indices], 0)[0], targets, 0, totals)

    times, number = timed(update, device, seconds), _updates(training, train_images)
    found = {
        "epoch_seconds": statistics.median(times) * number,
        "epoch_steps_timed": len(times),
        "peak_train_mb": peak_mib(device),
    }
    if isinstance(meter, Meter):
        found["energy_epoch_j"] = joules_a_call(meter, update, device, _long(seconds)) * number
    return found


def _updates(training: Training, train_images: int) -> int:
    return max(1, train_images // training.update_images)


def _drawn_data(run: RunSpec, model: nn.Module, device: torch.device) -> Data:
    """One update's worth of noise images: the time that an update takes does not depend on what they show."""
    classes = _outputs(run, model, device)
    number = run.batch_size * run.optim.accumulate
    side = (run.image_size, run.image_size)
    rng = np.random.default_rng(0)
    shape = (number, *side) if run.channels == 1 else (number, *side, 3)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    labels = torch.arange(number, device=device) % classes
    targets = torch.nn.functional.one_hot(labels, classes).float()
    noise = Examples(Pixels(pixels, device), labels, targets, np.arange(number).astype(str))
    prepare = Preparation(run.image_size, run.channels, Normalisation(0.5, 0.25), run.channels_last)
    return Data(train=noise, validation=noise, prepare=prepare)


@torch.no_grad()
def _outputs(run: RunSpec, model: nn.Module, device: torch.device) -> int:
    logits_NK: Tensor = model.eval()(images(run, 1, device))
    return logits_NK.shape[1]
