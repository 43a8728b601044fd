"""Faces by number: picture i of a stream is the same whatever else is drawn with it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paper_kit.data.faces.ranges import PERSON, PICTURE, Values, spread
from paper_kit.data.faces.render import render
from paper_kit.data.faces.shapes import Array, column
from paper_kit.data.faces.units import NAMES

PICTURES_PER_PERSON = 4
BATCH = 32  # faces drawn together: small enough for the processor's cache
PERSON_KEY, PICTURE_KEY = 0, 1

# Unit intensities (N, U) of the pictures with the given numbers, from the uniform draws (N, D) of each.
Expression = Callable[[npt.NDArray[np.int64], Array], Array]


@dataclass(frozen=True)
class Stream:
    """A seed and a number that no other set of pictures uses: its persons appear in no other stream."""

    seed: int
    number: int

    def generator(self, kind: int, index: int) -> np.random.Generator:
        """The random numbers of one person or one picture."""
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence((self.seed, self.number, kind, index)))
        )


@dataclass(frozen=True)
class Drawn:
    """Pictures (N, H, W) uint8, the units (N, U) they show, and how each is seen: values (N,) by name."""

    images: npt.NDArray[np.uint8]
    units: Array
    view: dict[str, Array]
    ids: list[str]


def draw(
    stream: Stream, count: int, size: int, expression: Expression, draws: int, occlusion: float
) -> Drawn:
    """The first `count` pictures of a stream; `expression` gets `draws` uniform numbers for each."""
    batches = [
        _draw_batch(stream, np.arange(start, start + BATCH), size, expression, draws, occlusion)
        for start in range(0, max(count, 1), BATCH)
    ]
    return Drawn(
        np.concatenate([b.images for b in batches])[:count],
        np.concatenate([b.units for b in batches])[:count],
        {name: np.concatenate([b.view[name] for b in batches])[:count] for name in PICTURE},
        [name for b in batches for name in b.ids][:count],
    )


def _draw_batch(
    stream: Stream,
    indices: npt.NDArray[np.int64],
    size: int,
    expression: Expression,
    draws: int,
    occlusion: float,
) -> Drawn:
    """Always a full batch, so that rounding cannot depend on how many pictures are asked for."""
    persons = indices // PICTURES_PER_PERSON
    traits = {p: stream.generator(PERSON_KEY, p).random(len(PERSON), np.float32) for p in np.unique(persons)}
    generators = [stream.generator(PICTURE_KEY, i) for i in indices]
    uniform_ND = np.stack([g.random(len(PICTURE) + draws, np.float32) for g in generators])
    noise_NHW = np.stack([g.standard_normal((size, size), np.float32) for g in generators])
    person = spread(np.stack([traits[p] for p in persons]), PERSON)
    view = spread(uniform_ND[:, : len(PICTURE)], PICTURE)
    units_NU = expression(indices, uniform_ND[:, len(PICTURE) :])
    images_NHW = render(person, by_name(units_NU), view, noise_NHW, occlusion)
    ids = [
        f"p{stream.number}.{p:05d}-{i % PICTURES_PER_PERSON}" for p, i in zip(persons, indices, strict=True)
    ]
    return Drawn(images_NHW, units_NU, {name: value.reshape(-1) for name, value in view.items()}, ids)


def by_name(units_NU: Array) -> Values:
    """The units as (N, 1, 1) values by name."""
    return {name: column(units_NU[:, u]) for u, name in enumerate(NAMES)}
