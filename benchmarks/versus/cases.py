"""The cases: a model and a size, with the recipe of experiments/quick.toml, the same for all who train it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from paper_kit.core.experiment import Experiment, completed, load_experiment
from paper_kit.core.part import Part
from paper_kit.core.spec import Loss, RunSpec, Transfer

FACES = "benchmarks.versus.faces:load"
EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
REPEATS = {"cpu": 48, "cuda": 480}  # 600 faces so often: FER2013's 28,709 images, ten times that on a GPU
MODELS = {  # case -> (experiment file and model of it, or timm's name; size in pixels)
    "quick_resemotenet_48": ("quick", "resemotenet", 48),
    "quick_advanced_emotenet_48": ("quick", "advanced_emotenet", 48),
    "quick_emotion_vit_48": ("quick", "emotion_vit", 48),
    "fer_resemotenet_48": ("fer2013_small", "resemotenet", 48),
    "fer_advanced_emotenet_64": ("fer2013_small", "advanced_emotenet", 64),
    "fer_emotion_vit_64": ("fer2013_small", "emotion_vit", 64),
    "efficientnet_b0_48": ("timm", "efficientnet_b0", 48),
    "efficientnet_b0_64": ("timm", "efficientnet_b0", 64),
    "mobilenetv3_small_48": ("timm", "mobilenetv3_small_100", 48),
    "test_efficientnet_64": ("timm", "test_efficientnet", 64),
}
DEFAULT = (
    "quick_resemotenet_48",
    "quick_emotion_vit_48",
    "efficientnet_b0_64",
    "mobilenetv3_small_48",
    "test_efficientnet_64",
)
FOR_ACCURACY = ("quick_resemotenet_48",)
SMALL = ("quick_emotion_vit_48",)


@lru_cache
def _experiment(name: str) -> Experiment:
    return load_experiment(EXPERIMENTS / f"{name}.toml")


def model_part(case: str) -> Part:
    """The model of a case."""
    source, name, _ = MODELS[case]
    if source == "timm":
        return Part(name="timm_model", arguments={"architecture": name})
    return next(entry.part for entry in _experiment(source).model if entry.key == name)


def spec_of(case: str, *, channels_last: bool = True, seed: int = 0) -> RunSpec:
    """The quick study's recipe for a case, from first weights, with cross entropy of soft labels.

    That is the loss that timm's mixup is meant for and that each of the peers can state in its own words.
    """
    quick = _experiment("quick")
    spec = quick.spec(quick.model[0], seed, {})
    changes = {
        "model": model_part(case),
        "image_size": MODELS[case][2],
        "transfer": Transfer(source="none", unfreezing="all"),
        "loss": Loss(smoothing=spec.loss.smoothing),
        "views": ("identity",),
        "keep_weights": False,
        "channels_last": channels_last,
    }
    return completed(spec.model_copy(update=changes))


def long_epochs(spec: RunSpec, repeats: int) -> RunSpec:
    """The spec on repeated faces, of which no epoch ends while time is taken."""
    arguments = {"size": spec.image_size, "repeats": repeats}
    dataset = Part(name=FACES, arguments=arguments)
    return completed(spec.model_copy(update={"dataset": dataset}))


def whole_training(spec: RunSpec, epochs: int, train: int) -> RunSpec:
    """The spec on the drawn faces as they are, for comparing accuracies."""
    arguments = {"size": spec.image_size, "train": train}
    dataset = Part(name="synthetic_faces", arguments=arguments)
    return completed(spec.model_copy(update={"dataset": dataset, "epochs": epochs}))
