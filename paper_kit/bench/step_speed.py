"""How long a training step takes with each choice of format, precision and compilation: in this process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from paper_kit.bench import transfer
from paper_kit.bench.environment import choose_device
from paper_kit.bench.examples import order
from paper_kit.bench.loading import load
from paper_kit.bench.run import first_model, load_data, settle
from paper_kit.bench.speed import Choice, Length, Timed
from paper_kit.bench.timing import in_turn, wait
from paper_kit.bench.train import step
from paper_kit.bench.training import Data, setup
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.data.cache import open_dataset

Answer = tuple[tuple[Timed, ...], tuple[Length, ...]]


def time_choices(
    runs: Sequence[RunSpec], choices: Sequence[Choice], resources: Resources, seconds: float
) -> Answer:
    """What each choice takes for the first of a model's runs, timed in turn, and the length of each run.

    A step is a whole update of the engine on the run's own images, every stage learning. `seconds` are spent
    on all choices together, compilation apart. What fails is told and takes no part.
    """
    device = choose_device(resources.device)
    settle(device, resources.threads)
    dataset = open_dataset(runs[0].dataset, resources.data_roots, resources.cache, resources.skip_bad)
    data = load_data(runs[0], dataset, device)
    if any(choice.mode for choice in choices):
        _warm_compiler(device)
    begun = [_begun(choice.of(runs[0]), data, device) for choice in choices]
    working = [(number, found) for number, found in enumerate(begun) if not isinstance(found, str)]
    times = in_turn([call for _, (call, _) in working], device, seconds)
    timed = {
        number: Timed(choices[number], 1e3 * statistics.median(found), first)
        for (number, (_, first)), found in zip(working, times, strict=True)
    }
    found = timed | {n: Timed(choices[n], why=why) for n, why in enumerate(begun) if isinstance(why, str)}
    lengths = tuple(_length(run, len(data.train), first_model(run, 2, torch.device("cpu"))) for run in runs)
    return tuple(found[number] for number in range(len(choices))), lengths


def _warm_compiler(device: torch.device) -> None:
    """Nothing; what a compiler prepares once on a machine, such as its headers, is not counted to a model."""
    values = torch.ones(64, device=device, requires_grad=True)
    try:
        torch.compile(torch.nn.GELU())(values).sum().backward()
    except Exception:
        return


def _begun(spec: RunSpec, data: Data, device: torch.device) -> tuple[Callable[[], None], float] | str:
    """A call that takes one step, and the seconds that its first one took; or why it failed."""
    try:
        call = _stepping(spec, data, device)
        start = time.perf_counter()
        call()
    except Exception as error:  # a compiler that is not there, memory that is too small, an operator unknown
        return f"{type(error).__name__}: {error}".strip().partition("\n")[0]
    wait(device)
    return call, time.perf_counter() - start


def _stepping(spec: RunSpec, data: Data, device: torch.device) -> Callable[[], None]:
    data = replace(data, prepare=replace(data.prepare, channels_last=spec.channels_last))
    training = setup(spec, first_model(spec, data.train.targets.shape[1], device), data)
    transfer.set_trainable(training.model, training.stages, range(len(training.stages)))
    indices = order(data.train.labels.cpu().numpy(), spec.sampler, spec.seed, 1)[: training.update_images]
    totals = torch.zeros(5, device=device)
    return lambda: step(training, load(training, [indices], 0)[0], data.train.targets, 0, totals)


def _length(run: RunSpec, images: int, model: torch.nn.Module) -> Length:
    """Steps of a run that goes on to its last epoch, and how many sets of stages learn in it."""
    count = len(model.stages())  # type: ignore[operator]
    epochs = range(1, run.epochs + 1)
    sets = {transfer.trainable_stages(run.transfer, count, epoch) for epoch in epochs}
    updates = max(1, images // (run.batch_size * run.optim.accumulate))
    return Length(run.epochs * updates, len(sets))
