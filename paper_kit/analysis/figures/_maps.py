"""Recorded saliency maps: read for each model, averaged by class, and laid over faces as colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from numpy.typing import NDArray

from paper_kit.analysis.images import recorded
from paper_kit.analysis.results import Results
from paper_kit.core.experiment import ModelEntry
from paper_kit.core.store import SALIENCY

COLOURS = "inferno"
FAINTEST, STRONGEST = 0.10, 0.75  # how much of a place the colour covers, at the least and the most seen
SIDE = 96  # pixels of a face with a map over it
WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue in grey: ITU-R BT.601

NOT_TRAINED, NOT_RECORDED = "not trained yet", "not recorded; type paperkit explain"

Target = Literal["predicted", "label"]


@dataclass(frozen=True, eq=False)
class Map:
    """One map: whose, of which class and image, as what it was predicted (-1 for a mean), its values_hw."""

    model: str
    shown: Literal["test", "drawn", "mean"]
    label: int
    id: str
    predicted: int
    values: NDArray[Any]
    images: int = 1


@dataclass(frozen=True, eq=False)
class Recorded:
    """The maps of one model's base run, or why there are none."""

    model: ModelEntry
    run: str
    arrays: dict[str, NDArray[Any]]
    absent: str = ""

    def text(self, name: str) -> str:
        """A recorded word, such as the method."""
        return str(self.arrays[name])

    @property
    def covers(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the maps, in sides of the image."""
        left, top, right, bottom = (float(value) for value in self.arrays["covers_4"])
        return left, top, right, bottom

    def first_id(self, label: int) -> str:
        """The id of the class's first recorded test image; "" where it has none."""
        places = np.flatnonzero(self.arrays.get("labels_N", np.empty(0)) == label)
        return str(self.arrays["ids_N"][places[0]]) if len(places) else ""

    def of_test(self, name: str, label: int, target: Target) -> Map | None:
        """The map of the test image with this id; None where it is not recorded."""
        places = np.flatnonzero(self.arrays["ids_N"] == name)
        return self._map("", int(places[0]), label, name, target) if len(places) else None

    def of_drawn(self, label: int, target: Target, fingerprint: str) -> Map | None:
        """The map of the class's drawn face; None where it was made of other drawings."""
        places = np.flatnonzero(self.arrays.get("drawn_labels_N", np.empty(0)) == label)
        if not len(places) or self.text("drawn_fingerprint") != fingerprint:
            return None
        return self._map("drawn_", int(places[0]), label, "", target)

    def _map(self, prefix: str, place: int, label: int, name: str, target: Target) -> Map:
        values = self.arrays[f"{prefix}maps_NThw"][place, self._axis(target)].astype(np.float64)
        predicted = int(self.arrays[f"{prefix}predicted_N"][place])
        return Map(self.model.key, "drawn" if prefix else "test", label, name, predicted, values)

    def mean(self, label: int, target: Target) -> Map | None:
        """The mean map of the class's recorded test images, in which no face can be seen."""
        chosen = self.arrays["labels_N"] == label
        if not chosen.any():
            return None
        values = self.arrays["maps_NThw"][chosen, self._axis(target)].astype(np.float64).mean(0)
        return Map(self.model.key, "mean", label, "", -1, values, int(chosen.sum()))

    def _axis(self, target: Target) -> int:
        names = self.arrays["targets_T"].tolist()
        return names.index(target) if target in names else 0  # rollout asks for no class


@dataclass(frozen=True, eq=False)
class Content:
    """What a figure shows: classes (label, name), models, one face a class with its id, and for which class.

    `drawn` says why the faces are drawn ones, whose fingerprint is `drawing`; it is empty for test images.
    """

    classes: tuple[tuple[int, str], ...]
    models: tuple[Recorded, ...]
    faces: dict[int, NDArray[Any]]
    ids: dict[int, str]
    drawn: str
    drawing: str
    target: Target

    @property
    def columns(self) -> tuple[tuple[Recorded, bool], ...]:
        """(model, whether its means) from left to right, right of the faces."""
        kinds = (False, True) if self.drawn else (False,)
        return tuple((model, mean) for mean in kinds for model in self.models)

    def found(self, model: Recorded, label: int, mean: bool) -> Map | None:
        """The map of a tile; None where there is none."""
        if model.absent:
            return None
        if mean:
            return model.mean(label, self.target)
        if self.drawn:
            return model.of_drawn(label, self.target, self.drawing)
        return model.of_test(self.ids[label], label, self.target) if label in self.ids else None

    @property
    def maps(self) -> tuple[Map, ...]:
        """All maps that are shown."""
        each = [self.found(model, label, mean) for model, mean in self.columns for label, _ in self.classes]
        return tuple(one for one in each if one is not None)


def read_maps(results: Results, model: ModelEntry, experiment: str) -> Recorded:
    """What the model's base run of the first seed recorded."""
    run = results.spec(model.key, experiment=experiment)
    if not results.done(run):
        return Recorded(model, run.id, {}, NOT_TRAINED)
    arrays = recorded(results, run.id, SALIENCY)
    if arrays is None:
        return Recorded(model, run.id, {}, NOT_RECORDED)
    return Recorded(model, run.id, arrays, str(arrays["reason"]))


def overlaid(
    values_hw: NDArray[Any], covers: tuple[float, float, float, float], face: NDArray[Any] | None
) -> NDArray[np.uint8]:
    """Pixels (SIDE, SIDE, 3): the map, from its least to its most, as colours, over the face where given."""
    low, high = values_hw.min(), values_hw.max()
    even_hw = (values_hw - low) / (high - low) if high > low else np.zeros_like(values_hw)
    strength = _enlarged(even_hw, covers)
    colour = np.asarray(matplotlib.colormaps[COLOURS](strength))[..., :3]
    if face is not None:
        grey = _grey(face)[..., None] / 255
        cover = (FAINTEST + (STRONGEST - FAINTEST) * strength)[..., None]
        colour = grey * (1 - cover) + colour * cover
    pixels: NDArray[np.uint8] = (colour * 255).round().astype(np.uint8)
    return pixels


def _grey(face: NDArray[Any]) -> NDArray[Any]:
    """The face in grey levels at SIDE pixels."""
    grey = face @ np.array(WEIGHTS) if face.ndim == 3 else face.astype(np.float64)
    return _enlarged(grey, (0.0, 0.0, 1.0, 1.0))


def _enlarged(values_hw: NDArray[Any], covers: tuple[float, float, float, float]) -> NDArray[Any]:
    """Values at SIDE x SIDE places of the image, linear between the middles of the map's places."""
    left, top, right, bottom = covers
    at = (np.arange(SIDE) + 0.5) / SIDE
    height, width = values_hw.shape
    rows = (at - top) / (bottom - top) * height - 0.5
    columns = (at - left) / (right - left) * width - 0.5
    down = np.stack([np.interp(rows, np.arange(height), column) for column in values_hw.T], axis=1)
    return np.stack([np.interp(columns, np.arange(width), row) for row in down])
