"""What the transforms of a run do, shown on drawn faces: steps in their order, mixup and CutMix."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paper_kit.bench import augment, mixing
from paper_kit.bench.pixels import Normalisation, Preparation
from paper_kit.bench.randaugment import randaugment
from paper_kit.core.spec import Augment, Mixing, RunSpec
from paper_kit.data.drawn import drawn_faces
from paper_kit.data.sources.synthetic_faces import CARD

SEED = 2
SHOWN = ("happy", "surprise")  # one face each is followed through the steps
PAIR = ("happy", "sad")  # the faces that are mixed
SIDE = 48
MIXES = 3  # of each kind
VISIBLE = (0.2, 0.8)  # shares outside of these leave one of the two faces all but unseen
DRAWS = 200  # before a share outside of these is taken after all
FIRST = "original"
PROBABILITIES = {  # step -> the field that says how often it happens
    "rotate": "rotate_p", "shift": "shift_p", "scale": "scale_p", "flip": "flip",
    "brightness": "brightness_p", "contrast": "contrast_p", "erase": "erase_p",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A run's transforms: what its spec and its training images say of them."""

    augment: Augment
    mixing: Mixing
    normalisation: Normalisation

    @property
    def prepare(self) -> Preparation:
        """Normalised drawn faces, at their own size."""
        return Preparation(SIDE, 1, self.normalisation, channels_last=False)

    def pixels(self, images_NCHW: Tensor) -> NDArray[np.uint8]:
        """uint8 images_NHW of normalised ones."""
        grey = (images_NCHW * self.normalisation.std + self.normalisation.mean) * 255
        pixels_NHW: NDArray[np.uint8] = grey[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()
        return pixels_NHW


def gallery(spec: RunSpec, normalisation: Normalisation) -> dict[str, NDArray[Any]]:
    """Arrays of gallery.npz: uint8 pictures of drawn faces with the names and settings of what was done.

    `steps_RSHW` follows R faces through S steps, each done for certain and on top of those before it;
    `mixed_MHW` are mixtures of the faces `pair_2HW`, whose label weights are `weights_MK`.
    """
    look = Look(spec.augment, spec.mixing, normalisation)
    steps = augment.sequence(spec.augment, normalisation)
    names = [FIRST, *(step["name"] for step in steps if step["name"] != "normalise")]
    faces = _faces(SHOWN)
    pair = look.prepare(_faces(PAIR))
    mixed = [_mixed(look, name, number, pair) for name in _kinds(spec.mixing) for number in range(MIXES)]
    return {
        "steps_RSHW": np.stack([_after(look, faces, names[: n + 1]) for n in range(len(names))], axis=1),
        "steps_S": np.array(names),
        "faces_R": np.array(SHOWN),
        "settings": np.array(json.dumps([*steps, *mixing.sequence(spec.mixing)])),
        "pair_2HW": look.pixels(pair),
        "pair_2": np.array(PAIR),
        "mixed_MHW": np.array([image for image, _, _ in mixed], np.uint8).reshape(-1, SIDE, SIDE),
        "weights_MK": np.array([each for _, each, _ in mixed], np.float32).reshape(-1, len(CARD.classes)),
        "mixed_M": np.array([name for _, _, name in mixed], dtype=np.str_),
        "classes_K": np.array(CARD.classes),
        "visible_2": np.array(VISIBLE),
    }  # fmt: skip


def _faces(names: tuple[str, ...]) -> Tensor:
    """uint8 drawn faces_N1HW, one of each name."""
    return torch.from_numpy(np.stack([each[0] for each in drawn_faces(names, 1, SEED)]))[:, None]


def _after(look: Look, faces: Tensor, names: list[str]) -> NDArray[np.uint8]:
    """Pictures_RHW after these steps, through the transforms of training, with the same draws each time."""
    chances = {field: float(name in names) for name, field in PROBABILITIES.items()}
    certain = look.augment.model_copy(update=chances)
    draws = augment.draw(len(faces), np.random.default_rng(SEED))
    if "randaugment" in names:
        ops, magnitude = look.augment.randaugment_ops, look.augment.randaugment_magnitude
        faces = randaugment(faces, ops, magnitude, np.random.default_rng(SEED))
    images = look.prepare(augment.standard(faces, certain, draws))
    return look.pixels(augment.erase(images, certain, draws))


def _kinds(mixes: Mixing) -> list[str]:
    return [step["name"] for step in mixing.sequence(mixes)]


def _mixed(
    look: Look, name: str, number: int, pair: Tensor
) -> tuple[NDArray[np.uint8], NDArray[np.float32], str]:
    """A mixture of the pair with the weights of its label, as training draws and mixes them."""
    other = "cutmix_alpha" if name == "mixup" else "mixup_alpha"
    only = look.mixing.model_copy(update={other: 0.0, "probability": 1.0})
    rng = np.random.default_rng((SEED, number))
    for _ in range(DRAWS):
        mix = mixing.draw(only, SIDE, SIDE, rng)
        if VISIBLE[0] <= mix.share <= VISIBLE[1]:
            break
    places = torch.tensor([CARD.classes.index(name) for name in PAIR])
    targets_2K = torch.nn.functional.one_hot(places, len(CARD.classes)).float()
    return look.pixels(mix.images(pair))[0], mix.targets(targets_2K)[0].numpy(), name
