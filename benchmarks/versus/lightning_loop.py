"""Lightning: a LightningModule, its Trainer, torch's DataLoader, torchvision's transforms, its EMA callback.

Sources: lightning.ai/docs/pytorch, "Lightning in 15 minutes" (a DataLoader without workers, default Trainer),
"EMAWeightAveraging" and "WeightAveraging" (callbacks), "on_after_batch_transfer" (transforms of batches),
"Speed up model training"; docs.pytorch.org, "Performance tuning guide", for the tuned flags.
"""

from __future__ import annotations

import logging
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, WeightAveraging
from lightning.pytorch.loggers import CSVLogger
from numpy.typing import NDArray
from timm.optim import param_groups_weight_decay
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader
from torchvision import transforms as V1
from torchvision.transforms import v2

from benchmarks.versus.augmentation import erasing, erasing_of_batches, quick, stock
from benchmarks.versus.averaging import warmed_average
from benchmarks.versus.job import Clock, Faces, Flags, Job, candidates, normalised

LIBRARIES = ("lightning", "torch", "torchvision", "timm")
CLIP = "norm"


def documented(threads: int) -> Flags:
    """Lightning in 15 minutes."""
    return Flags(threads=threads)


def best(threads: int, device: str) -> list[Flags]:
    """The workers that may be fastest."""
    return candidates(threads, device)


class Classifier(lightning.LightningModule):
    """The product's model; batches are mixed by timm after their transfer."""

    def __init__(self, job: Job, flags: Flags) -> None:
        super().__init__()
        self.net = job.model()
        self.loss = nn.CrossEntropyLoss()  # it takes soft labels; the mixup has smoothed them
        self._job, self._flags, self._mixup = job, flags, job.mixup()
        self._normalisation = job.normalisation()
        self._erase = erasing_of_batches(job.spec.augment, job.device)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:  # noqa: ARG002
        """The batch, mixed; where it came as bytes, normalised and erased before."""
        images, labels = batch
        if self._flags.tuned:
            images = self._erase(normalised(images, self._normalisation))
            images = images.contiguous(memory_format=torch.channels_last)
        return self._mixup(images, labels)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss, which is logged."""
        images, targets = batch
        loss: Tensor = self.loss(self.net(images), targets)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, a linear warm-up and a cosine, by step."""
        o, s, updates = self._job.spec.optim, self._job.spec.schedule, self._job.updates
        groups = param_groups_weight_decay(self.net, o.weight_decay)
        fused = True if self._flags.tuned else None
        optimizer = torch.optim.AdamW(groups, lr=o.lr, betas=(o.momentum, o.beta2), fused=fused)
        warm = max(1, round(s.warmup_epochs * updates))
        rest = max(1, self._job.spec.epochs * updates - warm)
        parts = [LinearLR(optimizer, 1 / warm, 1.0, warm), CosineAnnealingLR(optimizer, rest, o.lr * s.floor)]
        scheduler = SequentialLR(optimizer, parts, milestones=[warm])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class Watch(Callback):
    """Stops the trainer when the clock has its time."""

    def __init__(self, clock: Clock, images: int) -> None:
        self.clock, self.images, self.stopped = clock, images, False

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """After each step."""
        if not self.stopped and self.clock.step(self.images):
            trainer.should_stop = self.stopped = True


def loader_of(job: Job, flags: Flags) -> DataLoader[Any]:
    """torch's DataLoader as documented; tuned, images stay bytes until they are a batch."""
    augment, norm = job.spec.augment, job.normalisation()
    if flags.tuned:
        steps = [*(quick(augment) if flags.quick else stock(augment, V1)), V1.PILToTensor()]
        faces = Faces(job, V1.Compose(steps))
    else:
        floats = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        tail = [*floats, v2.Normalize([norm.mean], [norm.std]), *erasing(augment)]
        faces = Faces(job, v2.Compose([*stock(augment), *tail]))
    return DataLoader(
        faces,
        batch_size=job.spec.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=flags.workers,
        persistent_workers=flags.tuned and flags.workers > 0,
        pin_memory=flags.tuned and job.device.type == "cuda",
    )


def train(job: Job, flags: Flags, clock: Clock) -> NDArray[np.float32] | None:
    """logits_NK of the test images by the averaged model; None where the clock came first."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(flags.threads)
    lightning.seed_everything(job.spec.seed, verbose=False)
    decay = job.spec.optim.ema_decay
    if flags.tuned:
        averaging: Callback = WeightAveraging(multi_avg_fn=warmed_average(decay))
    else:
        averaging = EMAWeightAveraging(decay=decay)
    watch = Watch(clock, job.spec.batch_size)
    classifier = Classifier(job, flags)
    trainer = lightning.Trainer(
        max_epochs=job.spec.epochs,
        accelerator="gpu" if job.device.type == "cuda" else "cpu",
        devices=1,
        gradient_clip_val=job.spec.optim.clip_norm or None,
        gradient_clip_algorithm=CLIP,
        callbacks=[averaging, watch],
        default_root_dir=job.scratch,
        enable_progress_bar=False,
        enable_model_summary=False,
        benchmark=flags.tuned or None,
        **({"logger": CSVLogger(job.scratch), "enable_checkpointing": False} if flags.tuned else {}),
    )
    trainer.fit(classifier, loader_of(job, flags))
    return None if watch.stopped else job.test_logits(classifier.net.to(job.device))
