"""A small network and a small dataset, as plug-ins, so that a whole run takes about a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from paper_kit.data.card import Card
from paper_kit.data.sources import Split, Splits

CLASSES = ("angry", "happy", "sad", "neutral")


class Tiny(nn.Module):
    """Two convolutions with batch norm and a linear head."""

    def __init__(self, classes: int, channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(16 * width, classes)

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND."""
        maps = self.body(self.stem(images_NCHW))
        return nn.functional.adaptive_avg_pool2d(maps, 4).flatten(1)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(images_NCHW)))

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """Stem, body, head."""
        return [("stem", [self.stem]), ("body", [self.body]), ("head", [self.head])]


class Plain(nn.Module):
    """A linear layer on pixels: no batch norm, no dropout."""

    def __init__(self, classes: int, pixels: int) -> None:
        super().__init__()
        self.first = nn.Linear(pixels, 16)
        self.head = nn.Linear(16, classes)

    def features(self, images_NCHW: Tensor) -> Tensor:
        """embeddings_ND."""
        return torch.tanh(self.first(images_NCHW.flatten(1)))

    def forward(self, images_NCHW: Tensor) -> Tensor:
        return self.head(self.features(images_NCHW))

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """First layer, head."""
        return [("first", [self.first]), ("head", [self.head])]


def build(
    num_classes: int, *, image_size: int = 16, channels: int = 1, width: int = 8, dropout: float = 0.1
) -> Tiny:
    """A Tiny for any image size."""
    del image_size
    return Tiny(num_classes, channels, width, dropout)


def plain(num_classes: int, *, image_size: int = 16, channels: int = 1) -> Plain:
    """A Plain for this image size."""
    return Plain(num_classes, channels * image_size**2)


def patterns(
    root: Path | None = None, *, train: int = 96, validation: int = 32, test: int = 32, seed: int = 0
) -> Splits:
    """Noise with a bright quarter; which quarter is the class."""
    del root

    def split(name: str, count: int, offset: int) -> Split:
        rng = np.random.default_rng((seed, offset))
        labels = np.arange(count) % len(CLASSES)
        images = rng.integers(0, 160, (count, 16, 16), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = 8 * (label // 2), 8 * (label % 2)
            image[row : row + 8, column : column + 8] += 60
        return Split(images, labels.astype(np.int64), np.array([f"{name}/{i}" for i in range(count)]))

    return Splits(
        card=_card(CLASSES),
        train=split("a", train, 1),
        validation=split("b", validation, 2),
        test=split("c", test, 3),
    )


def brightness(root: Path | None = None, *, train: int = 64, validation: int = 32, test: int = 32) -> Splits:
    """The same images for a regression: how bright the upper and the lower half are."""
    found = patterns(root, train=train, validation=validation, test=test)

    def regression(split: Split) -> Split:
        halves = split.images.reshape(-1, 2, 8, 16).mean((2, 3), dtype=np.float32)
        return Split(split.images, np.zeros(len(split), np.int64), split.ids, (halves - 95) / 15)

    return Splits(
        card=_card(("upper", "lower")),
        train=regression(found.train),
        validation=regression(found.validation),
        test=regression(found.test),
    )


def _card(classes: tuple[str, ...]) -> Card:
    return Card(
        name="tiny", title="Tiny", classes=classes, protocol="for tests", licence="MIT", synthetic=True
    )


def named_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing; the study at work is one in `folder`, of which an experiment file names the network."""
    (folder / "experiments").mkdir(exist_ok=True)
    (folder / "experiments" / "tiny.toml").write_text('plugins = ["tests.bench.tiny:build"]\n')
    monkeypatch.chdir(folder)
