"""Milliseconds that an image's way into the model and one step's bookkeeping take, beside the model itself.

    OMP_NUM_THREADS=1 python benchmarks/batches.py

One thread, batches of 64 grey faces of 48x48 out of as many as FER2013 has for training; CPU time, the best
of five rounds. The target for the standard transforms is at most 3 ms a batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from paper_kit.bench.examples import examples
from paper_kit.bench.loading import load, updates_at_once
from paper_kit.bench.pixels import Preparation, normalisation_of
from paper_kit.bench.train import step
from paper_kit.bench.training import Data, Training, setup
from paper_kit.core.spec import Augment, Mixing, RunSpec
from paper_kit.data.sources import Split

IMAGES, BATCH, ROUNDS = 28709, 64, 60
STANDARD = Augment(
    flip=0.5, rotate_p=0.5, shift_p=0.5, scale_p=0.5, brightness_p=0.5, contrast_p=0.5, erase_p=0.25
)
MIXING = Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.8)
CASES = {
    "no transforms": RunSpec(),
    "standard transforms, mixup, CutMix": RunSpec(augment=STANDARD, mixing=MIXING),
    "the same and RandAugment (2 operations)": RunSpec(
        augment=STANDARD.model_copy(update={"randaugment_ops": 2}), mixing=MIXING
    ),
}


class OneLayer(nn.Module):
    """Next to nothing, so that what remains is the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(48, 7)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        logits_NK: Tensor = self.head(images_NCHW[:, 0, 0])
        return logits_NK

    def stages(self) -> list[tuple[str, list[nn.Module]]]:
        """The head alone."""
        return [("head", [self.head])]


def milliseconds(work: Callable[[int], object], calls: int) -> float:
    """CPU time of one of `calls` calls."""
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for number in range(calls):
            work(number)
        rounds.append((time.process_time() - start) / calls * 1e3)
    return min(rounds)


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 48, 48), dtype=np.uint8)
    split = Split(images, np.arange(IMAGES) % 7, np.arange(IMAGES).astype(str))
    data = examples(split, 7, torch.device("cpu"))
    order = rng.permutation(IMAGES)[: ROUNDS * BATCH].reshape(ROUNDS, BATCH)
    prepare, totals = Preparation(48, 1, normalisation_of(images)), torch.zeros(5)
    for name, spec in CASES.items():
        training = setup(spec, OneLayer(), Data(data, data, prepare))
        together = updates_at_once(training)
        updates = [order[np.arange(together) + first] for first in range(0, ROUNDS - together, together)]

        def one(number: int, t: Training = training) -> None:
            step(t, load(t, [order[number]], number)[0], data.targets, number, totals)

        alone = milliseconds(lambda number, t=training: load(t, [order[number]], number), ROUNDS)
        grouped = milliseconds(lambda number, t=training, u=updates: load(t, u[number], 0), len(updates))
        whole = milliseconds(one, ROUNDS)
        print(
            f"{name}: {grouped / together:.2f} ms to load a batch among {together}, {alone:.2f} ms alone, "
            f"{whole:.2f} ms a step without a model"
        )


if __name__ == "__main__":
    main()
