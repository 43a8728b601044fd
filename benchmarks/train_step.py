"""How near the training loop comes to its bare step: forward, backward and optimiser on one fixed batch.

    python benchmarks/train_step.py [--threads N] [--seconds S] [--precision bf16] [--compile] [--cpu-time]
                                    [--small]

The loop is `train_epoch` itself: batches of 48x48 uint8 images out of as many as FER2013 has for training,
the recipe of experiments/quick.toml (flip, rotation, shift, scale, light, erasing, mixup, CutMix, clipping,
averaged weights, totals, rates). The loop transforms the images of some updates together: as many bare
steps are slipped in before each such group (on a GPU, before each 20 updates or more), on the same model,
optimiser, memory format and threads; medians over these rounds. At 64 px the loop also resizes.
`--cpu-time` counts this process's CPU time: for one thread beside neighbours.

Targets: images/s of the loop at least 0.95 of the bare step's where that takes over 50 ms, else at most
2.5 ms a batch above it; at least 0.90 on a GPU. There, also the share of the GPU's peak: 3 x the forward
FLOPs x images/s over what a large product of matrices reaches in the same precision. The exit code is 1
where a target is missed; `--small` times a few steps of small batches and judges nothing.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch

from paper_kit.bench import train
from paper_kit.bench.environment import choose_device, device_name
from paper_kit.bench.evaluate import DTYPES
from paper_kit.bench.examples import Examples
from paper_kit.bench.flops import count
from paper_kit.bench.loading import updates_at_once
from paper_kit.bench.machine import cores
from paper_kit.bench.pixels import Pixels, Preparation, normalisation_of
from paper_kit.bench.run import first_model, settle
from paper_kit.bench.timing import wait
from paper_kit.bench.training import Data, Training, setup
from paper_kit.core.experiment import load_experiment
from paper_kit.core.spec import RunSpec, Transfer

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
IMAGES, SIDE, CLASSES = 28709, 48, 7  # as FER2013's Training part
VARIANTS = (("quick", 48), ("fer2013_small", 48), ("fer2013_small", 64))
GPU_BLOCK = 20  # steps of a kind in a row, at least: a GPU runs behind its host, as in training
WARM_UP, FEWEST = 3, 5  # rounds
SLOW_MS, RATIO, ABOVE_MS, GPU_RATIO = 50.0, 0.95, 2.5, 0.90
PRODUCT = 8192  # rows and columns of the matrices that tell a GPU's peak
BACKWARD = 3  # a step's operations over its forward pass's: backward has two products for each


class Case(NamedTuple):
    """One line of the table."""

    name: str
    size: int
    bare_ms: float
    loop_ms: float
    gpu: bool
    images: int  # of a batch
    flops: float  # of an image's forward pass

    @property
    def ratio(self) -> float:
        """Images/s of the loop over those of the bare step."""
        return self.bare_ms / self.loop_ms

    @property
    def above_ms(self) -> float:
        """Milliseconds a batch that the loop takes above the bare step."""
        return self.loop_ms - self.bare_ms

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        if self.gpu:
            return self.ratio >= GPU_RATIO
        return self.ratio >= RATIO if self.bare_ms > SLOW_MS else self.above_ms <= ABOVE_MS

    @property
    def target(self) -> str:
        """The target that applies."""
        if self.gpu:
            return f"ratio >= {GPU_RATIO:.2f}"
        return f"ratio >= {RATIO:.2f}" if self.bare_ms > SLOW_MS else f"<= {ABOVE_MS} ms above"

    @property
    def tflops(self) -> float:
        """10^12 operations a second that the loop reaches."""
        return BACKWARD * self.flops * self.images / self.loop_ms / 1e9


class Enough(Exception):
    """Enough rounds are timed."""


def specs(options: argparse.Namespace) -> Iterator[tuple[str, RunSpec]]:
    """Name and spec of each case: the recipe of the quick study, every stage learning."""
    recipe = load_experiment(EXPERIMENTS / "quick.toml")
    for file, size in VARIANTS[:1] if options.small else VARIANTS:
        for model in load_experiment(EXPERIMENTS / f"{file}.toml").model:
            changes = {
                "model": model.part,
                "image_size": size,
                "epochs": 1000,
                "transfer": Transfer(),
                "precision": options.precision,
                "compile": options.compile,
                "batch_size": 8 if options.small else options.batch_size,
            }
            yield f"{file}: {model.key}", recipe.spec(recipe.model[0], 0, {}).model_copy(update=changes)


def prepared(spec: RunSpec, images_NHW: np.ndarray, device: torch.device, updates: int) -> Training:
    """A training on noise: so many updates an epoch, their images drawn from all of `images_NHW`."""
    labels = np.arange(updates * spec.batch_size) % CLASSES
    chosen = np.random.default_rng(0).permutation(len(images_NHW))[: len(labels)]
    data = Examples(
        Pixels(images_NHW, device, chosen),
        torch.from_numpy(labels).to(device),
        torch.eye(CLASSES)[labels].to(device),
        labels.astype(str),
    )
    prepare = Preparation(spec.image_size, spec.channels, normalisation_of(images_NHW), spec.channels_last)
    return setup(spec, first_model(spec, CLASSES, device), Data(data, data, prepare))


def bare_step(t: Training) -> Callable[[], None]:
    """Forward, backward and optimiser on one batch that lies ready."""
    batch = np.arange(t.spec.batch_size)
    images = t.data.prepare(t.data.train.pixels.rows(batch))
    targets = t.data.train.targets[: len(batch)]

    def step() -> None:
        _, loss = train.forward(t, images, targets)
        t.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        t.scaler.step(t.optimizer)
        t.scaler.update()
        t.optimizer.zero_grad(set_to_none=True)

    return step


def block_of(t: Training) -> int:
    """Steps of a kind in a row: whole groups of updates whose images are transformed together."""
    group = min(updates_at_once(t), max(1, t.updates // FEWEST))
    return group * math.ceil((GPU_BLOCK if t.device.type == "cuda" else 1) / group)


def in_turn(
    t: Training, seconds: float, most: int, clock: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Milliseconds of the bare step and of the loop's, round by round."""
    bare, block, real = bare_step(t), block_of(t), train.step
    found: tuple[list[float], list[float]] = ([], [])
    began, ended, done = clock(), 0.0, 0

    def step(*given: object) -> None:
        nonlocal ended, done
        if done % block == 0:
            wait(t.device)
            now = clock()
            if ended:  # since the bare steps: an update of the loop with all that is around it
                found[1].append((now - ended) / block * 1e3)
            if len(found[1]) >= FEWEST + WARM_UP and (now - began > seconds or len(found[1]) >= most):
                raise Enough
            for _ in range(block):
                bare()
            wait(t.device)
            ended = clock()
            found[0].append((ended - now) / block * 1e3)
        done += 1
        real(*given)  # type: ignore[arg-type]

    with patch.object(train, "step", step):
        try:
            while True:
                train.train_epoch(t)
                found[0].pop()  # its loop steps were the epoch's last: what follows them is no step
                ended, done = 0.0, 0
        except Enough:
            return found[0][WARM_UP:], found[1][WARM_UP:]


def measured(name: str, spec: RunSpec, images_NHW: np.ndarray, options: argparse.Namespace) -> Case:
    """One line of the table."""
    device = choose_device(options.device)
    most = FEWEST if options.small else len(images_NHW)
    updates = 2 * FEWEST if options.small else len(images_NHW) // spec.batch_size
    t = prepared(spec, images_NHW, device, updates)
    clock = time.process_time if options.cpu_time else time.perf_counter
    bare, loop = in_turn(t, options.seconds, most, clock)
    flops = count(t.model, spec.image_size, spec.channels).flops
    medians = statistics.median(bare), statistics.median(loop)
    return Case(name, spec.image_size, *medians, device.type == "cuda", spec.batch_size, flops)


def peak_tflops(device: torch.device, precision: str, size: int = PRODUCT) -> float:
    """10^12 operations a second of a product of two large matrices, the median of ten."""
    first, second = (torch.randn(size, size, device=device, dtype=DTYPES[precision]) for _ in range(2))
    found = []
    for _ in range(WARM_UP + 10):
        wait(device)
        start = time.perf_counter()
        first @ second
        wait(device)
        found.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(found[WARM_UP:]) / 1e12


def printed(cases: Iterable[Case], peak: float, small: bool) -> list[Case]:
    """The cases; each line of the table is on stdout as soon as it is measured."""
    done: list[Case] = []
    head = f"{'model':36}{'px':>4}{'bare ms':>9}{'loop ms':>9}{'above ms':>10}{'images/s':>10}{'ratio':>7}"
    print(head + ("  TFLOP/s  of peak" if peak else "") + ("" if small else "  target"))
    for case in cases:
        line = f"{case.name:36}{case.size:4}{case.bare_ms:9.2f}{case.loop_ms:9.2f}{case.above_ms:10.2f}"
        line += f"{case.images / case.loop_ms * 1e3:10.0f}{case.ratio:7.3f}"
        line += f"{case.tflops:9.1f}{case.tflops / peak:8.1%} " if peak else ""
        print(line + ("" if small else f"  {case.target}{'' if case.met else '  MISSED'}"), flush=True)
        done.append(case)
    print(f"geometric mean of the ratios: {statistics.geometric_mean(case.ratio for case in done):.3f}")
    return done


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=0, help="0: one a core")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each case")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--precision", default="fp32", choices=list(DTYPES))
    parser.add_argument("--compile", action="store_true", help="torch.compile, in both")
    parser.add_argument("--cpu-time", action="store_true", help="not the wall's")
    parser.add_argument("--small", action="store_true", help="a few steps of small batches")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """The exit code; prints the table."""
    options = arguments(given)
    device = choose_device(options.device)
    settle(device, options.threads or cores())
    images = 1000 if options.small else IMAGES
    noise = np.random.default_rng(0).integers(0, 256, (images, SIDE, SIDE), dtype=np.uint8)
    asked = [options.precision, "compiled" * options.compile, "CPU time" * options.cpu_time]
    threads = f"threads: {torch.get_num_threads()}"
    print(", ".join([device_name(device), f"torch {torch.__version__}", threads, *filter(None, asked)]))
    peak = peak_tflops(device, options.precision) if device.type == "cuda" else 0.0
    if peak:
        print(f"peak: {peak:.1f} TFLOP/s, a product of {PRODUCT} x {PRODUCT} matrices in {options.precision}")
    measuring = (measured(name, spec, noise, options) for name, spec in specs(options))
    cases = printed(measuring, peak, options.small)
    return 0 if options.small or all(case.met for case in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
