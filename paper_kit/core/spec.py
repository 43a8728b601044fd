"""What can change the numbers of one training, and how a finished training is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from paper_kit.core.config import Frozen, validate
from paper_kit.core.files import canonical_json
from paper_kit.core.part import Part, without_defaults

ENGINE = 1  # raised when the same spec gives other numbers; a golden test of a few training steps guards it

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
View = Literal[
    "identity",
    "flip",
    "crop_center",
    "crop_tl",
    "crop_tr",
    "crop_bl",
    "crop_br",
    "crop_center_flip",
    "crop_tl_flip",
    "crop_tr_flip",
    "crop_bl_flip",
    "crop_br_flip",
]


class Transfer(Frozen):
    """Where the first weights come from, and when the pretrained stages start to learn."""

    source: Literal["none", "hub", "file", "run"] = "none"
    weights_sha256: str = ""
    architecture: str = ""
    run: str = ""
    unfreezing: Literal["progressive", "all"] = "progressive"
    freeze_epochs: CountOrNone = 3
    stage_epochs: Count = 1


class Loss(Frozen):
    """Focal loss (gamma 0 is cross entropy) with class weights, smoothing and two KL terms."""

    gamma: NotNegative = 0.0
    class_weights: Literal["none", "inverse", "effective"] = "none"
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    kl_uniform: NotNegative = 0.0
    r_drop: NotNegative = 0.0


class Mixing(Frozen):
    """Mixup and CutMix: Beta parameters, how often a batch is mixed, how often by CutMix."""

    mixup_alpha: NotNegative = 0.0
    cutmix_alpha: NotNegative = 0.0
    probability: Fraction = 0.0
    switch_probability: Fraction = 0.5


class Augment(Frozen):
    """Standard transforms: the probability of each and its strength."""

    flip: Fraction = 0.0
    rotate_p: Fraction = 0.0
    rotate_degrees: NotNegative = 10.0
    shift_p: Fraction = 0.0
    shift: Fraction = 0.08
    scale_p: Fraction = 0.0
    scale: Fraction = 0.1
    brightness_p: Fraction = 0.0
    brightness: Fraction = 0.2
    contrast_p: Fraction = 0.0
    contrast: Fraction = 0.2
    randaugment_ops: CountOrNone = 0
    randaugment_magnitude: Annotated[int, Field(ge=0, le=30)] = 9
    erase_p: Fraction = 0.0
    erase_area: Fraction = 0.2


class Optim(Frozen):
    """Optimiser; weight decay leaves out norms and biases."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = 1e-3
    momentum: Fraction = 0.9
    beta2: Fraction = 0.999
    weight_decay: NotNegative = 0.05
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    clip_norm: NotNegative = 0.0
    accumulate: Count = 1
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Schedule(Frozen):
    """Learning rate over the steps."""

    name: Literal["cosine", "one_cycle", "constant"] = "cosine"
    warmup_epochs: NotNegative = 1.0
    floor: Fraction = 0.01
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3


class RunSpec(Frozen):
    """Everything that can change the numbers of one training; `id` is its hash."""

    task: Literal["emotion", "action_units"] = "emotion"
    dataset: Part = Part(name="synthetic_faces")
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    image_size: Annotated[int, Field(ge=8, le=1024)] = 48
    channels: Literal[1, 3] = 1
    model: Part = Part(name="resemotenet")
    seed: CountOrNone = 0
    epochs: Count = 30
    patience: CountOrNone = 0
    select: Literal["accuracy", "macro_f1"] = "accuracy"
    batch_size: Count = 64
    micro_batch: CountOrNone = 0
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    channels_last: bool = True
    compile: bool = False
    compile_mode: Literal["default", "reduce-overhead"] = "default"  # the latter: with CUDA graphs
    sampler: Literal["shuffle", "balanced"] = "shuffle"
    keep_weights: bool = True
    views: tuple[View, ...] = ("identity", "flip")
    transfer: Transfer = Transfer()
    loss: Loss = Loss()
    mixing: Mixing = Mixing()
    augment: Augment = Augment()
    optim: Optim = Optim()
    schedule: Schedule = Schedule()

    @cached_property
    def id(self) -> str:
        """12 hex digits of the SHA-256 of the fields that differ from their defaults."""
        return _hash(self._short)

    def full(self) -> dict[str, Any]:
        """Every field, for spec.json."""
        return self.model_dump(mode="json")

    def short(self) -> dict[str, Any]:
        """The fields, and the arguments of parts, that differ from their defaults."""
        return dict(self._short)

    def seeded(self, seed: int, source: str = "") -> RunSpec:
        """The same training with another seed, from the source run of this id if `source` is not empty.

        Its id is known at once: of a study of many seeds each cell is compared with the defaults once.
        """
        changed: dict[str, Any] = {"seed": seed}
        if source:
            changed["transfer"] = self.transfer.model_copy(update={"run": source})
        seeded = self.model_copy(update=changed)
        short = {**self._short, "seed": seed}
        if seed == DEFAULTS["seed"]:
            del short["seed"]
        if source:
            short["transfer"] = {**short.get("transfer", {}), "run": source}
        seeded.__dict__["id"] = _hash(short)
        return seeded

    @cached_property
    def _short(self) -> dict[str, Any]:
        return _differing(self.full(), DEFAULTS)

    def __copy__(self) -> Self:
        """A copy that finds out its own id: it may be made to differ, as by `model_copy`."""
        copied = super().__copy__()
        for found in ("id", "_short"):
            copied.__dict__.pop(found, None)
        return copied


def _hash(short: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(short).encode()).hexdigest()[:12]


def _differing(value: dict[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if name in {"dataset", "model"}:
            kept[name] = without_defaults(name, item)
        elif isinstance(item, dict):
            inner = _differing(item, default[name])
            if inner:
                kept[name] = inner
        elif item != default[name]:
            kept[name] = item
    return kept


DEFAULTS: dict[str, Any] = RunSpec().full()


def spec_from(value: Mapping[str, Any], where: str) -> RunSpec:
    """A RunSpec from nested tables; InputError lists every problem after `where`."""
    return validate(RunSpec, value, where)


class Reading(Frozen):
    """A run read one way: which views, how averaged, which split, which epoch."""

    run: RunSpec
    views: tuple[View, ...] = ("identity",)
    average: Literal["probability", "logit"] = "probability"
    split: Literal["test", "validation"] = "test"
    epoch: Literal["selected", "last"] = "selected"


class Resources(Frozen):
    """Where runs happen; nothing here may change their numbers beyond float order, `oom` apart.

    With several `devices` batches, order, transforms, mixing, batch norm and the mean loss are those of one.
    Dropout and drop path draw other masks, as they do on a GPU in place of a CPU: runs say how they ran.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    jobs: CountOrNone = 0  # 0: one a core, or as many a GPU as is fastest
    packing: bool = False  # jobs is a limit: one a GPU at first, and more where that is measured to be faster
    threads: CountOrNone = 0  # 0: cores divided by jobs
    devices: Count = 1  # that share each batch of a run: GPUs, or processes on a CPU
    skip_bad: bool = False
    oom: Literal["stop", "halve"] = "stop"  # halve: a batch too large goes on in halves; the record names it
    time_limit_s: NotNegative = 0.0  # 0: none
    data_roots: dict[str, Path] = {}
    weights_folders: tuple[Path, ...] = ()
    cache: Path = Path("experiments/data")
