"""The yardstick: forward, backward and optimiser on one fixed batch, in the product's layout and threads."""

from __future__ import annotations

import torch

from benchmarks.versus.job import Clock, Flags, Job
from paper_kit.bench import losses, optim
from paper_kit.bench.run import keep_freed_memory, load_data

LIBRARIES = ("torch",)


def documented(threads: int) -> Flags:
    """Nothing to set but the threads."""
    return Flags(threads=threads, tuned=True)


def train(job: Job, flags: Flags, clock: Clock) -> None:
    """Nothing; the clock has its time."""
    torch.set_num_threads(flags.threads)
    keep_freed_memory()
    spec, model = job.spec, job.model()
    optimizer = optim.optimiser(model, optim.stages_of(model), spec.optim)
    data = load_data(spec, job.dataset, job.device)
    rows = torch.arange(spec.batch_size).numpy()
    images, targets = data.prepare(data.train.pixels.rows(rows)), data.train.targets[: spec.batch_size]
    criterion = losses.criterion(spec.loss, rows, job.device)
    model.train()
    while True:
        criterion(model(images), targets).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if clock.step(len(images)):
            return
