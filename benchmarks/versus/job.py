"""What every contender is given, what it may set, and the clock that takes its time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from timm.data import Mixup
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from paper_kit.bench.evaluate import outputs
from paper_kit.bench.examples import examples
from paper_kit.bench.pixels import Normalisation, Preparation, normalisation_of
from paper_kit.bench.run import first_model
from paper_kit.core.spec import RunSpec
from paper_kit.data.dataset import Dataset

WARM_STEPS = 3  # at least so many before time counts, however long they take


@dataclass(frozen=True)
class Flags:
    """What a contender sets.

    `tuned`: channels_last, fused AdamW, persistent workers, images as bytes until they are a batch.
    `quick`: the transforms rewritten by hand, too. `collate_mixing`: timm's mixup of bytes, in the workers.
    `threads` are those of the training process; workers have one each.
    """

    workers: int = 0
    threads: int = 1
    tuned: bool = False
    quick: bool = False
    collate_mixing: bool = False


@dataclass(frozen=True, eq=False)
class Job:
    """A training: its spec, its images in memory, where it runs, a folder for whatever a library writes."""

    spec: RunSpec
    dataset: Dataset
    device: torch.device
    threads: int
    cache: Path
    scratch: Path

    @property
    def classes(self) -> int:
        """How many."""
        return len(self.dataset.classes)

    @property
    def updates(self) -> int:
        """Optimiser steps an epoch; the last, smaller batch is left out, as the product does."""
        return len(self.dataset.split("train").labels) // self.spec.batch_size

    def model(self) -> nn.Module:
        """The product's model, with the same first weights for everybody, in the spec's memory format."""
        return first_model(self.spec, self.classes, self.device)

    def normalisation(self) -> Normalisation:
        """Mean and deviation of the training images, in [0, 1]."""
        return normalisation_of(self.dataset.split("train").images)

    def mixup(self, kind: type[Mixup] = Mixup) -> Mixup:
        """timm's mixup and CutMix with the spec's settings; it smooths the labels as well."""
        m = self.spec.mixing
        return kind(
            mixup_alpha=m.mixup_alpha,
            cutmix_alpha=m.cutmix_alpha,
            prob=m.probability,
            switch_prob=m.switch_probability,
            mode="batch",
            label_smoothing=self.spec.loss.smoothing,
            num_classes=self.classes,
        )

    def test_logits(self, model: nn.Module) -> NDArray[np.float32]:
        """logits_NK of the test images, by the product's own evaluation, for everybody's model."""
        test = examples(self.dataset.split("test"), self.classes, self.device)
        prepare = Preparation(self.spec.image_size, self.spec.channels, self.normalisation())
        return outputs(model, test, prepare, "fp32")[0]


class Faces(TorchDataset[Any]):
    """The training images as PIL images, made from an array in memory as torchvision's MNIST does."""

    def __init__(self, job: Job, transform: Any) -> None:
        split = job.dataset.split("train")
        self.images = np.array(split.images)
        self.labels = split.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def normalised(bytes_NCHW: Tensor, normalisation: Normalisation) -> Tensor:
    """Float images_NCHW of a batch of bytes."""
    scale = 1 / (255 * normalisation.std)
    return bytes_NCHW.float().mul_(scale).sub_(normalisation.mean / normalisation.std)


@dataclass
class Clock:
    """Images per second after a warm-up; `enough` is to be asked after each step.

    On a GPU it waits for the device at the two moments between which it counts, and at no other.
    """

    warm_s: float
    seconds: float
    device: torch.device
    first: float = 0.0  # when the first step was done, by time.time(): what lies before is the start-up
    steps: int = 0
    images: int = 0
    rate: float = 0.0
    _begun: float = 0.0
    _mark: tuple[float, int] | None = None

    def step(self, images: int) -> bool:
        """Whether the time is up, after a step of so many images."""
        return self.enough(self.images + images, self.steps + 1)

    def enough(self, images: int, steps: int) -> bool:
        """Whether the time is up, after so many images and steps in all."""
        self.images, self.steps = images, steps
        now = time.perf_counter()
        if not self.first:
            self.first, self._begun = time.time(), now
        if self._mark is None:
            if now - self._begun >= self.warm_s and self.steps >= WARM_STEPS:
                self._mark = (self._settled(), images)
            return False
        if now - self._mark[0] < self.seconds:
            return False
        self.rate = (images - self._mark[1]) / (self._settled() - self._mark[0])
        return True

    def _settled(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def candidates(threads: int, device: str, *, collate_mixing: bool = False) -> list[Flags]:
    """The best flags are among these; a short probe decides. No more workers than cores.

    On a CPU the workers take their time from the same cores as the step; on a GPU all cores can load.
    """
    if device == "cuda":
        shares = [(max(1, threads // 2), threads), (threads, threads)]
    else:
        shares = [(0, threads), (1, threads), (min(2, threads), threads), (1, max(1, threads - 1))]
    kinds = (False, True) if collate_mixing else (False,)
    return [
        Flags(workers=w, threads=t, tuned=True, collate_mixing=kind)
        for w, t in dict.fromkeys(shares)
        for kind in kinds
    ]
