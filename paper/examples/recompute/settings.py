"""Settings of a study as the paper prints them: of the model that a row names, or of the first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from results import Value
from study import Study

NAMED = {  # how the manuscript words what a specification writes
    "fp32": "FP32", "bf16": "BF16", "fp16": "FP16", "adamw": "AdamW", "sgd": "SGD", "one_cycle": "one-cycle",
    "macro_f1": "macro F1", "run": "source task", "file": "weights file",
}  # fmt: skip


def setting(study: Study, paper: Mapping[str, Any], fact: Mapping[str, Any], row: str) -> list[Value]:
    """The values that a fact of settings may state; KeyError where nothing is known of its field."""
    fields, key = fact["origin"]["fields"], fact["key"]
    field = fields[0]
    if field.startswith("paper."):
        value = float(paper[field.partition(".")[2]])
        value = value / 100 if "margin" in field else value
        return [1 - value if key.endswith("interval_level") else value]
    if field.startswith("reading."):
        return [_reading(study, field.partition(".")[2], fact)]
    if field == "seeds":
        return [_seeds(study, fact)]
    if field == "record.classes":
        return [len(study.classes)]
    if field.startswith("model.") and fact["rounding"]["kind"] == "text":
        names = [each.partition(".")[2] for each in fields]
        return [_options(study.spec(model)["model"], names) for model in _built_with(study, names, row)]
    keyed = [model for model in study.models if key.endswith(f".{model}.{field}")]
    models = keyed or named_in(study, row) or list(study.models)[:1]
    return [worded(at(study.spec(model), field)) for model in models]


def several(study: Study, fields: Sequence[str], row: str) -> list[float]:
    """The values of several fields of the specification, which one text prints."""
    model = (named_in(study, row) or list(study.models))[0]
    return [float(at(study.spec(model), field)) for field in fields]


def _built_with(study: Study, names: Sequence[str], row: str) -> list[str]:
    """The models that have these options and no others; where several do, the one that the row names."""
    parts = {model: study.spec(model)["model"] for model in study.models}
    found = [model for model, part in parts.items() if list(names) == _in_use(part)]
    return [model for model in named_in(study, row) if model in found] or found


def named_in(study: Study, row: str) -> list[str]:
    """The models whose name ends the name of a row, or is all of it."""
    told = _joined(row)
    whole = [model for model, label in study.models.items() if told == _joined(label)]
    ends = [model for model, label in study.models.items() if told.endswith(_joined(f", {label}"))]
    return whole or ends


def _joined(text: str) -> str:
    return re.sub(r"[\s-]+", "", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def _seeds(study: Study, fact: Mapping[str, Any]) -> Value:
    """How many seeds there are, or which: as a list in words, or with commas."""
    if fact["rounding"]["kind"] == "count":
        return len(study.seeds)
    seeds = [*map(str, study.seeds)]
    return listed(seeds) if fact["rounding"]["kind"] == "list" else ", ".join(seeds)


def _reading(study: Study, name: str, fact: Mapping[str, Any]) -> Value:
    """The views of test images, how many they are, or how they are averaged."""
    value = study.reading()[name]
    if not isinstance(value, list):
        return str(value)
    views, kind = [view.replace("_", " ") for view in value], fact["rounding"]["kind"]
    if fact["key"].endswith(".views") and fact["text"].endswith("views"):
        return f"{len(views)} views"
    return {"list": listed(views), "count": len(views)}.get(kind, ", ".join(views))


def _in_use(part: Mapping[str, Any]) -> list[str]:
    """A model's options but for those of an encoder, its own or a library's, that it has not."""
    own = {"embed_dim", "depth", "num_heads", "mlp_ratio", "stem_convolutions"}
    unused = set()
    if part["name"] == "emotion_vit":
        unused = {"backbone_depth"} if part["backbone"] == "own" else own
    return [name for name in part if name != "name" and name not in unused]


def _options(part: Mapping[str, Any], names: Sequence[str]) -> str:
    """What a model is built with, in one text: "depth 12, taps 2/3"."""
    told = [f"{name.replace('_', ' ')} {_plain(part[name])}" for name in names]
    return ", ".join(told) or "no options"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "/".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def at(spec: Mapping[str, Any], field: str) -> Any:
    """The value of a dotted field."""
    for step in field.split("."):
        spec = spec[step]
    return spec


def worded(value: Any) -> Value:
    """A value as the manuscript words it."""
    if isinstance(value, list):
        return listed([*map(str, value)])
    return NAMED.get(value, value) if isinstance(value, str) else float(value)
