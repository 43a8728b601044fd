"""timm: its loader, mixup, optimiser factory, schedule, EMA, and a loop in the way of its train.py.

Sources: huggingface.co/docs/timm, "Training script" (train.py and its defaults: -j 4, prefetcher on, log
interval 50, no channels_last), and the API pages of create_loader, Mixup, create_optimizer_v2, ModelEmaV3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from timm.data import FastCollateMixup, create_loader
from timm.data.transforms import ToNumpy
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import AverageMeter, ModelEmaV3, dispatch_clip_grad
from torch import Tensor
from torchvision import transforms as V1

from benchmarks.versus.augmentation import erasing_of_batches, quick, stock
from benchmarks.versus.job import Clock, Faces, Flags, Job, candidates

LIBRARIES = ("timm", "torch", "torchvision")
WORKERS, LOG_INTERVAL = 4, 50  # train.py's defaults


def documented(threads: int) -> Flags:
    """train.py as it starts: its prefetcher, and its four workers as far as there are cores."""
    return Flags(workers=min(WORKERS, threads), threads=threads, collate_mixing=True)


def best(threads: int, device: str) -> list[Flags]:
    """Mixed in the collate function or in the loop, and the workers that may be fastest."""
    return candidates(threads, device, collate_mixing=True)


def loader_of(job: Job, flags: Flags) -> Any:
    """timm's loader; create_transform cannot state these transforms: they are put in the place of its own."""
    spec, norm = job.spec, job.normalisation()
    loader = create_loader(
        Faces(job, None),
        input_size=(spec.channels, spec.image_size, spec.image_size),
        batch_size=spec.batch_size,
        is_training=True,
        mean=(norm.mean,) * spec.channels,
        std=(norm.std,) * spec.channels,
        num_workers=flags.workers,
        collate_fn=job.mixup(FastCollateMixup) if flags.collate_mixing else None,
        pin_memory=job.device.type == "cuda",
        device=job.device,
    )
    transforms = quick(spec.augment) if flags.quick else stock(spec.augment, V1)
    loader.dataset.transform = V1.Compose([*transforms, ToNumpy()])
    loader.random_erasing = erasing_of_batches(spec.augment, job.device)  # its own knows no largest area
    return loader


def train(job: Job, flags: Flags, clock: Clock) -> NDArray[np.float32] | None:
    """logits_NK of the test images by the averaged model; None where the clock came first."""
    torch.set_num_threads(flags.threads)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(job.spec.seed)
    o, spec, model = job.spec.optim, job.spec, job.model()
    optimizer = create_optimizer_v2(
        model, opt="adamw", lr=o.lr, weight_decay=o.weight_decay, betas=(o.momentum, o.beta2), **_fused(flags)
    )
    scheduler, _ = create_scheduler_v2(
        optimizer,
        sched="cosine",
        num_epochs=spec.epochs,
        min_lr=o.lr * spec.schedule.floor,
        warmup_epochs=int(spec.schedule.warmup_epochs),
        warmup_lr=o.lr / job.updates,
        warmup_prefix=False,
        step_on_epochs=False,
        updates_per_epoch=job.updates,
    )
    ema = ModelEmaV3(model, decay=o.ema_decay, use_warmup=True)
    loader, mixup = loader_of(job, flags), None if flags.collate_mixing else job.mixup()
    for epoch in range(spec.epochs):
        steps = _Steps(job, flags, model, optimizer, scheduler, ema)
        if not steps.epoch(epoch, loader, mixup, clock):
            return None
    return job.test_logits(ema.module)


def _fused(flags: Flags) -> dict[str, Any]:
    return {"fused": True} if flags.tuned else {}


class _Steps:
    """One epoch of train.py's loop."""

    def __init__(self, job: Job, flags: Flags, model: Any, optimizer: Any, scheduler: Any, ema: Any) -> None:
        self.job, self.flags, self.model = job, flags, model
        self.optimizer, self.scheduler, self.ema = optimizer, scheduler, ema
        self.loss_fn = SoftTargetCrossEntropy()

    def epoch(self, epoch: int, loader: Any, mixup: Any, clock: Clock) -> bool:
        """Whether the epoch was finished before the clock had its time."""
        self.model.train()
        losses, updates = AverageMeter(), epoch * len(loader)
        for number, (images, targets) in enumerate(loader):
            if mixup is not None:
                images, targets = mixup(images, targets)
            loss = self.update(images, targets)
            updates += 1
            self.ema.update(self.model, step=updates)
            if number % LOG_INTERVAL == 0 or number == len(loader) - 1:
                losses.update(loss.item(), len(images))
            self.scheduler.step_update(num_updates=updates, metric=losses.avg)
            if clock.step(len(images)):
                return False
        return True

    def update(self, images: Tensor, targets: Tensor) -> Tensor:
        """The loss of a step."""
        if self.flags.tuned:
            images = images.contiguous(memory_format=torch.channels_last)
        loss: Tensor = self.loss_fn(self.model(images), targets)
        self.optimizer.zero_grad()
        loss.backward()
        if self.job.spec.optim.clip_norm:
            dispatch_clip_grad(self.model.parameters(), value=self.job.spec.optim.clip_norm, mode="norm")
        self.optimizer.step()
        return loss.detach()
