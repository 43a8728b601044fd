"""What a prediction costs: latencies of one image and of a batch, FP32 and AMP, with TTA and without."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from paper_kit.bench.energy import Meter, joules_a_call
from paper_kit.bench.evaluate import autocast
from paper_kit.bench.memory import peak_mib, reset_peak
from paper_kit.bench.saved import Precision, amp_format
from paper_kit.bench.timing import percentile_ms, timed
from paper_kit.bench.tta import view
from paper_kit.core.record import ENERGY_IMAGES, Latency
from paper_kit.core.spec import RunSpec

BATCHES = (1, 64)
PLAIN = ("identity",)


@torch.no_grad()
def prediction(run: RunSpec, model: nn.Module, device: torch.device, seconds: float) -> dict[str, Any]:
    """Fields of a CostRecord: all latencies, those of the run's precision once more, the peak of memory.

    The peak comes first: on a CPU what AMP or several views leave behind would be in it.
    """
    model.eval()
    reset_peak(device)
    plain = [_latency(run, model, device, seconds, batch, run.precision, False) for batch in BATCHES]
    peak = peak_mib(device)
    found = {_key(one): one for one in plain}
    precisions: dict[Precision, None] = dict.fromkeys(("fp32", amp_format(run.precision)))
    for batch, precision, tta in product(BATCHES, precisions, (False, True)):
        if (batch, precision, tta) in found or (tta and run.views == PLAIN):
            continue
        one = _latency(run, model, device, seconds, batch, precision, tta)
        found[_key(one)] = one
    single, augmented = plain[0], found.get((1, run.precision, True), plain[0])
    return {
        "latencies": tuple(found[key] for key in sorted(found)),
        "latency_p50_ms": single.p50_ms,
        "latency_p95_ms": single.p95_ms,
        "latency_tta_p50_ms": augmented.p50_ms,
        "latency_tta_p95_ms": augmented.p95_ms,
        "throughput_64": BATCHES[-1] / plain[-1].p50_ms * 1e3,
        "peak_inference_mb": peak,
    }


@torch.no_grad()
def energy_j(run: RunSpec, model: nn.Module, device: torch.device, meter: Meter, seconds: float) -> float:
    """Joules of ENERGY_IMAGES images in the larger batches, in the run's precision, without TTA."""
    model.eval()
    call = _predicting(run, model, device, BATCHES[-1], run.precision, PLAIN)
    return joules_a_call(meter, call, device, seconds) * ENERGY_IMAGES / BATCHES[-1]


def images(run: RunSpec, number: int, device: torch.device) -> Tensor:
    """Noise images_NCHW of the run's size, in its memory format."""
    drawn = torch.randn(number, run.channels, run.image_size, run.image_size, device=device)
    return drawn.contiguous(memory_format=torch.channels_last) if run.channels_last else drawn


def _key(one: Latency) -> tuple[int, str, bool]:
    return one.batch, one.precision, one.tta


def _latency(
    run: RunSpec,
    model: nn.Module,
    device: torch.device,
    seconds: float,
    batch: int,
    precision: Precision,
    tta: bool,
) -> Latency:
    call = _predicting(run, model, device, batch, precision, run.views if tta else PLAIN)
    times = timed(call, device, seconds)
    ends = (percentile_ms(times, 50), percentile_ms(times, 95))
    return Latency(
        batch=batch, precision=precision, tta=tta, p50_ms=ends[0], p95_ms=ends[1], calls=len(times)
    )


def _predicting(
    run: RunSpec,
    model: nn.Module,
    device: torch.device,
    batch: int,
    precision: Precision,
    views: tuple[str, ...],
) -> Callable[[], Tensor]:
    drawn = images(run, batch, device)

    def predict() -> Tensor:
        with autocast(device, precision):
            chances = [model(view(drawn, name)).float().softmax(1) for name in views]
        return torch.stack(chances).mean(0)

    return predict
