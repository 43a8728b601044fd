"""The hyperparameter table: each setting that is in use and its value; one line a model where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from paper_kit.analysis.artifacts import Column, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts.settings import flat_fields, setting
from paper_kit.analysis.results import Results
from paper_kit.core.experiment import Experiment
from paper_kit.core.spec import RunSpec

OFF = ("none", 0, "")


@dataclass(frozen=True)
class Shown:
    """A setting: its name and field, the fields that must be on or hold a value, the values that hide it."""

    name: str
    field: str
    needs: tuple[str, ...] = ()
    off: tuple[object, ...] = ()


GROUPS: tuple[tuple[Shown, ...], ...] = (
    (
        Shown("Image size (pixels)", "image_size"),
        Shown("Image channels", "channels"),
        Shown("Part of the training images", "train_fraction", off=(1.0,)),
        Shown("Sampling", "sampler", off=("shuffle",)),
    ),
    (
        Shown("Epochs", "epochs"),
        Shown("Patience (epochs)", "patience", off=(0,)),
        Shown("Epoch selected by", "select"),
        Shown("Batch size", "batch_size"),
        Shown("Accumulated batches", "optim.accumulate", off=(1,)),
        Shown("Optimiser", "optim.name"),
        Shown("Learning rate", "optim.lr"),
        Shown("Momentum", "optim.momentum", needs=("optim.name=sgd",)),
        Shown("Second beta", "optim.beta2", needs=("optim.name=adamw",)),
        Shown("Weight decay", "optim.weight_decay"),
        Shown("Layer-wise decay", "optim.layer_decay", off=(1.0,)),
        Shown("Gradient norm clipped at", "optim.clip_norm", off=(0.0,)),
        Shown("Weight average (EMA) decay", "optim.ema_decay", off=(0.0,)),
        Shown("Schedule", "schedule.name"),
        Shown("Warm-up epochs", "schedule.warmup_epochs", needs=("schedule.name=cosine",)),
        Shown("Rising part of the schedule", "schedule.rise", needs=("schedule.name=one_cycle",)),
        Shown("Last learning rate (of the first)", "schedule.floor", off=(1.0,)),
        Shown("Precision", "precision"),
    ),
    (
        Shown("Transfer from", "transfer.source"),
        Shown("Weights", "transfer.architecture", off=("",)),
        Shown("Unfreezing", "transfer.unfreezing", needs=("transfer.source",)),
        Shown(
            "Epochs frozen",
            "transfer.freeze_epochs",
            needs=("transfer.source", "transfer.unfreezing=progressive"),
        ),
        Shown(
            "Epochs per stage",
            "transfer.stage_epochs",
            needs=("transfer.source", "transfer.unfreezing=progressive"),
        ),
    ),
    (
        Shown("Focal gamma", "loss.gamma"),
        Shown("Class weights", "loss.class_weights"),
        Shown("Label smoothing", "loss.smoothing", off=(0.0,)),
        Shown("KL to uniform", "loss.kl_uniform", off=(0.0,)),
        Shown("R-Drop", "loss.r_drop", off=(0.0,)),
    ),
    (
        Shown("Mixing probability", "mixing.probability"),
        Shown("Mixup alpha", "mixing.mixup_alpha", needs=("mixing.probability",), off=(0.0,)),
        Shown("CutMix alpha", "mixing.cutmix_alpha", needs=("mixing.probability",), off=(0.0,)),
        Shown(
            "CutMix share of mixed batches",
            "mixing.switch_probability",
            needs=("mixing.mixup_alpha", "mixing.cutmix_alpha"),
        ),
    ),
)
TRANSFORMS = (  # name, probability field, strength field, how its strength is written
    ("Flip", "augment.flip", "", ""),
    ("Rotation", "augment.rotate_p", "augment.rotate_degrees", "±{}°"),
    ("Shift", "augment.shift_p", "augment.shift", "±{} of the side"),
    ("Scale", "augment.scale_p", "augment.scale", "1 ± {}"),
    ("Brightness", "augment.brightness_p", "augment.brightness", "±{}"),
    ("Contrast", "augment.contrast_p", "augment.contrast", "±{}"),
    ("Random erasing", "augment.erase_p", "augment.erase_area", "to {} of the area"),
)
UNUSED = "A setting that has lines for some networks alone is not used by the others."
# Options that say nothing of a model with an encoder of its own (True), or with one of a library (False).
UNUSED_OPTIONS: Mapping[tuple[str, bool], tuple[str, ...]] = {
    ("emotion_vit", True): ("backbone_depth",),
    ("emotion_vit", False): ("embed_dim", "depth", "num_heads", "mlp_ratio", "stem_convolutions"),
}
PRINTED = {"run": "source task", "hub": "timm hub", "file": "weights file"}

Fields = Mapping[str, object]
Row = tuple[str, Fact]


def make(results: Results, *, experiment: str = "", options: bool = True) -> Table:
    """Two columns, setting and value; `options` adds the arguments of each model."""
    study = results.plan(experiment).experiment
    specs = {model.label: results.spec(model.key, experiment=experiment) for model in study.model}
    fields = {label: dict(flat_fields(spec.full())) for label, spec in specs.items()}
    rows: list[Row] = []
    rules: set[int] = set()
    for group in GROUPS:
        rules.add(len(rows))
        for line in group:
            rows += _rows(line.name, {label: _shown(line, found) for label, found in fields.items()})
    rules.add(len(rows))
    for transform in TRANSFORMS:
        rows += _rows(transform[0], {label: _transform(transform, found) for label, found in fields.items()})
    rows += _rows("RandAugment", {label: _randaugment(found) for label, found in fields.items()})
    rules.add(len(rows))
    rows += _study(study)
    if options:
        rules.add(len(rows))
        rows += [(label, _options(spec)) for label, spec in specs.items()]
    columns = (Column("Setting", "l"), Column("Value", "l", wrap_in=1.6))
    ruled = frozenset(n for n in rules if 0 < n < len(rows))
    notes = (Note(UNUSED),) if len(specs) > 1 else ()
    if study.name != results.main.name:
        rows = [(name, _of(study.name, fact)) for name, fact in rows]
    return Table("hyperparameters", columns, tuple(rows), ruled, notes)


def _of(experiment: str, fact: Fact) -> Fact:
    """The fact under a key that names the experiment, which that of the main one does not."""
    field = fact.key.removeprefix("settings.") or fact.origin.fields[0]
    return replace(fact, key=f"settings of {experiment}.{field}")


def _rows(name: str, values: Mapping[str, Fact | None]) -> list[Row]:
    """One row where all models agree, else one for each model that uses the setting."""
    texts = {fact.text if fact is not None else "" for fact in values.values()}
    first = next((fact for fact in values.values() if fact is not None), None)
    if first is None:
        return []
    if len(texts) == 1:
        return [(name, first)]
    return [(f"{name}, {label}", fact) for label, fact in values.items() if fact is not None]


def _shown(line: Shown, fields: Fields) -> Fact | None:
    """The setting's fact; None where it is off or needs something that is off."""
    value = fields[line.field]
    if value in line.off or not all(_on(need, fields) for need in line.needs):
        return None
    printed = PRINTED.get(str(value), value) if line.field == "transfer.source" else value
    return _keyed(line.field, setting(line.field, printed))


def _on(need: str, fields: Fields) -> bool:
    field, sign, wanted = need.partition("=")
    return fields[field] == wanted if sign else fields[field] not in OFF


def _keyed(field: str, fact: Fact) -> Fact:
    return Fact(f"settings.{field}", fact.value, fact.kind, fact.digits, items=fact.items, origin=fact.origin)


def _transform(transform: tuple[str, str, str, str], fields: Fields) -> Fact | None:
    """A transform's strength and probability in one value."""
    _, chance, strength, form = transform
    if not fields[chance]:
        return None
    parts = [form.format(setting(strength, fields[strength]))] if strength else []
    text = ", ".join([*parts, f"p = {setting(chance, fields[chance])}"])
    return _text(text, chance, *([strength] if strength else []))


def _randaugment(fields: Fields) -> Fact | None:
    ops, magnitude = "augment.randaugment_ops", "augment.randaugment_magnitude"
    if not fields[ops]:
        return None
    return _text(f"{fields[ops]} operations, magnitude {fields[magnitude]}", ops, magnitude)


def _study(study: Experiment) -> list[Row]:
    views = ", ".join(view.replace("_", " ") for view in study.reading.views)
    seeds = ", ".join(str(seed) for seed in study.seeds)
    average = setting("reading.average", study.reading.average)
    return [
        ("Test-time views", _text(views, "reading.views")),
        ("Views averaged as", average),
        ("Random seeds", _text(seeds, "seeds")),
    ]


def _options(spec: RunSpec) -> Fact:
    """A model's arguments in one value: "depth 12, patch size 6"; not those that it does not use."""
    own = spec.model.arguments.get("backbone") == "own"
    unused = UNUSED_OPTIONS.get((spec.model.name, own), ())
    used = {name: value for name, value in spec.model.arguments.items() if name not in unused}
    told = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in used.items()]
    return _text(", ".join(told) or "no options", *(f"model.{name}" for name in used))


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "/".join(str(item) for item in value)
    return setting("", value).text


def _text(text: str, *fields: str) -> Fact:
    """A value put together from several settings."""
    return Fact("", text, "text", origin=Origin(fields=fields))
