"""The training loop, read from top to bottom: epoch, step, evaluate, save."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from paper_kit.bench import optim
from paper_kit.bench.checkpoint import copied, save_checkpoint
from paper_kit.bench.evaluate import autocast, outputs, scores
from paper_kit.bench.examples import drawn_labels, order
from paper_kit.bench.joining import join, reducing
from paper_kit.bench.loading import Batch, loaded, parts
from paper_kit.bench.progress import ShouldStop, never
from paper_kit.bench.randomness import generators, seed_everything, set_generators
from paper_kit.bench.ranks import Looks
from paper_kit.bench.training import Best, Midway, Training, state
from paper_kit.bench.transfer import set_trainable, trainable_stages
from paper_kit.core.errors import PaperkitError
from paper_kit.core.files import write_text

SAVE_EVERY_S = 10.0  # a training cut off loses at most so much work, or one epoch
TICK_S = 1.0  # between two looks at the running totals; each waits for the device
LOSS, CORRECT, SEEN, NONFINITE, SKIPPED = range(5)  # places in the running totals of an epoch

Tick = Callable[[int, float], None]  # (updates done in this epoch, images per second)


class Diverged(PaperkitError):
    """The loss left the finite numbers; the run failed."""


def fit(
    t: Training,
    *,
    checkpoint: Path,
    history: Path,
    tick: Tick = lambda _updates, _speed: None,
    should_stop: ShouldStop = never,
    should_leave: ShouldStop = never,
) -> bool:
    """Whether the training finished; if it was stopped before, the checkpoint holds what was done.

    `should_stop` is asked once after an epoch, `should_leave` about once a second in its midst. Where several
    processes train together, the first one's answers count, and it alone writes.
    """
    saved = time.monotonic()
    while not t.finished:
        row = train_epoch(t, tick, should_leave)
        if row is None:
            if t.ranks.first:
                save_checkpoint(checkpoint, state(t))
            return False
        row |= validate(t)
        t.history.append(row)
        if t.ranks.first:
            write_text(history, "".join(json.dumps(line) + "\n" for line in t.history))
        tick(0, row["images_per_second"])
        stopping = not t.finished and t.ranks.agreed(should_stop())
        if t.ranks.first and (stopping or time.monotonic() - saved > SAVE_EVERY_S):
            save_checkpoint(checkpoint, state(t))
            saved = time.monotonic()
        if stopping:
            return False
    return True


def train_epoch(
    t: Training, tick: Tick = lambda _updates, _speed: None, should_leave: ShouldStop = never
) -> dict[str, Any] | None:
    """The history row of one epoch of updates, before validation; None where it was left midway."""
    spec, epoch = t.spec, t.epoch + 1
    seed_everything(spec.seed, epoch)
    learning = set_trainable(t.model, t.stages, trainable_stages(spec.transfer, len(t.stages), epoch))
    indices = order(t.data.train.labels.cpu().numpy(), spec.sampler, spec.seed, epoch)
    targets = t.data.train.targets
    if t.data.draw_labels:
        targets = drawn_labels(targets, spec.seed, epoch)
    join(t)
    first, totals, earlier_s = _begun(t)
    looks = Looks(t.ranks, TICK_S, first)
    for number, batches in enumerate(loaded(t, indices, first), first):
        done = t.epoch * t.updates + number
        rate = optim.lr_at(done, spec.schedule, spec.optim.lr, spec.epochs * t.updates, t.updates)
        optim.set_lr(t.optimizer, rate)
        step(t, batches, targets, number, totals)
        if looks.due(number + 1):
            summed = check(t, totals)
            seconds = looks.looked(number + 1)
            tick(number + 1, (number + 1 - first) * t.update_images / seconds)
            if number + 1 < t.updates and t.ranks.agreed(should_leave()):
                t.midway = Midway(number + 1, summed, earlier_s + seconds, generators(t.device))
                return None
    summed = check(t, totals)
    t.epoch, t.midway = epoch, None
    return _row(t, summed, rate, learning, earlier_s + time.perf_counter() - looks.start)


def _begun(t: Training) -> tuple[int, Tensor, float]:
    """Updates done of the coming epoch, their totals and seconds; the generators stand where they did."""
    if t.midway is None:
        return 0, torch.zeros(5, device=t.device), 0.0
    set_generators(t.midway.generators, t.device)
    totals = t.midway.totals.to(t.device)
    return t.midway.updates, totals if t.ranks.first else torch.zeros_like(totals), t.midway.seconds


def step(t: Training, batches: Sequence[Batch], targets_NK: Tensor, number: int, totals: Tensor) -> None:
    """Nothing; the model has taken the epoch's update `number` from its batches."""
    images_of_update = sum(batch.whole for batch in batches)
    t.ranks.seed(t.spec.seed, t.epoch + 1, number + 1)
    for batch in batches:
        labels, targets = t.data.train.labels[batch.rows], batch.mix.targets(targets_NK[batch.rows])
        predicted: list[Tensor] = []
        pieces = _pieces(t, batch.whole)
        for piece in pieces:
            last = batch is batches[-1] and len(predicted) == len(pieces) - 1
            with reducing(t, last):
                logits, loss = forward(t, batch.images[piece], targets[piece])
                count = len(logits)
                part = count * t.ranks.size / images_of_update  # of the mean that DDP takes of the gradients
                t.scaler.scale(loss * part).backward()  # type: ignore[no-untyped-call]
            predicted.append(logits)
            _add(totals, loss.detach(), count)
        if t.spec.task == "emotion":
            logits = torch.cat(predicted) if len(predicted) > 1 else predicted[0]
            totals[CORRECT].add_(batch.mix.correct(logits.argmax(1), labels).sum())
    _update(t, t.epoch * t.updates + number + 1, totals)


def forward(t: Training, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The detached logits_NK of a pass, and its loss; R-Drop passes the images twice, with other dropout."""
    twice = t.spec.loss.r_drop > 0 and t.spec.task == "emotion"
    with autocast(t.device, t.spec.precision):
        logits = t.forward(torch.cat([images, images]) if twice else images)
    return logits.detach()[: len(images)], t.criterion(logits, targets)


def validate(t: Training) -> dict[str, float]:
    """Validation columns of the epoch's row; the best epoch so far keeps its weights."""
    logits = outputs(t.evaluated, t.data.validation, t.data.prepare, t.spec.precision, ranks=t.ranks)[0]
    if not np.isfinite(logits).all():
        raise Diverged(_advice(t, t.epoch, "an output on the validation images"))
    found = scores(logits, t.data.validation, t.spec.task)
    value = found[t.spec.select] if t.spec.task == "emotion" else -found["loss"]
    if value > t.best.value:
        t.best = Best(t.epoch, value, copied(t.evaluated.state_dict()))
    return {f"validation_{name}": number for name, number in found.items()}


def check(t: Training, totals: Tensor) -> Tensor:
    """The totals over all devices; Diverged where a loss was not finite.

    In fp16 a few are normal, an epoch of them not.
    """
    summed = t.ranks.summed(totals)
    _, _, seen, nonfinite, _ = summed.tolist()
    if nonfinite and (t.spec.precision != "fp16" or not seen):
        raise Diverged(_advice(t, t.epoch + 1, "the training loss"))
    return summed


def _update(t: Training, updates_done: int, totals: Tensor) -> None:
    """Nothing; the optimiser has stepped. Where fp16 gradients overflow it skips, and that is counted."""
    clip = t.spec.optim.clip_norm
    if clip or t.scaler.is_enabled():
        t.scaler.unscale_(t.optimizer)
        norm = optim.clip_gradients(t.parameters, clip or math.inf)
        if t.scaler.is_enabled() and t.ranks.first:  # the others skip the same steps
            totals[SKIPPED].add_(~norm.isfinite())
    t.scaler.step(t.optimizer)
    t.scaler.update()
    t.optimizer.zero_grad(set_to_none=True)
    if t.ema:
        t.ema.update(t.model, step=updates_done)


def _add(totals: Tensor, loss: Tensor, count: int) -> None:
    """Nothing; the totals hold the loss of `count` images more, or one that is not finite more."""
    images_5, finite_5, other_5 = _addends(count, totals.device)
    finite = (loss - loss) == 0
    totals.add_(torch.where(finite, loss * images_5 + finite_5, other_5))


@lru_cache(maxsize=8)
def _addends(count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """What the loss is multiplied by, and what is added besides: where it is finite, and where not."""
    rows = torch.zeros(3, 5)
    rows[0, LOSS], rows[1, SEEN], rows[2, NONFINITE] = count, count, 1
    images_5, finite_5, other_5 = rows.to(device)
    return images_5, finite_5, other_5


def _advice(t: Training, epoch: int, what: str) -> str:
    found = t.spec.optim
    return (
        f"Epoch {epoch}: {what} is no longer a finite number (optim.lr = {found.lr:g}, optim.clip_norm = "
        f"{found.clip_norm:g}, precision {t.spec.precision}). Set a smaller optim.lr or clip_norm = 1.0."
    )


def _row(t: Training, totals: Tensor, rate: float, learning: int, seconds: float) -> dict[str, Any]:
    loss, correct, seen, nonfinite, skipped = totals.tolist()
    row: dict[str, Any] = {"epoch": t.epoch, "lr": rate, "train_loss": loss / max(seen, 1.0)}
    if t.spec.task == "emotion":
        row["train_accuracy"] = correct / max(seen, 1.0)
    images = min(t.updates * t.update_images, len(t.data.train))
    if t.ranks.size > 1:
        row["devices"] = t.ranks.size
    return row | {
        "seconds": round(seconds, 4),
        "images_per_second": round(images / seconds, 2),
        "trainable_parameters": learning,
        "amp_scale": t.scaler.get_scale(),
        "skipped_steps": int(skipped),
        "nonfinite": int(nonfinite),
    }


def _pieces(t: Training, count: int) -> list[slice]:
    """Slices of this device's images of a batch of `count`, as `parts` parts the batch for micro_batch."""
    if not t.micro_batch:
        return [slice(None)]
    found = parts(np.arange(count), t.micro_batch)
    return [t.ranks.local(slice(int(part[0]), int(part[-1]) + 1), count) for part in found]
