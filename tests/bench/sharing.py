"""Plug-ins for runs that are shared by devices: what happens on one of them only."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from tests.bench import tiny

ROOM = 4  # images of a pass that the second process can take


class Crowded(tiny.Tiny):
    """A Tiny that finds no memory for many images, on the second device."""

    def forward(self, images_NCHW: Tensor) -> Tensor:
        if self.training and os.environ.get("RANK") == "1" and len(images_NCHW) > ROOM:
            raise torch.OutOfMemoryError("no room")
        return super().forward(images_NCHW)


def crowded(num_classes: int, *, image_size: int = 16, channels: int = 1) -> Crowded:
    """A Crowded for any image size."""
    del image_size
    return Crowded(num_classes, channels, 8, 0.0)


class Idle(tiny.Tiny):
    """A Tiny with a layer that no pass uses."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__(classes, channels, 8, 0.0)
        self.idle = torch.nn.Linear(3, 3)

    def stages(self) -> list[tuple[str, list[torch.nn.Module]]]:
        """Those of a Tiny; the idle layer stands in the body."""
        return [("stem", [self.stem]), ("body", [self.body, self.idle]), ("head", [self.head])]


def idle(num_classes: int, *, image_size: int = 16, channels: int = 1) -> Idle:
    """An Idle for any image size."""
    del image_size
    return Idle(num_classes, channels)
