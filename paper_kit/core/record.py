"""What runs leave behind: the record of a training and the cost of a model on one machine."""

from __future__ import annotations

from typing import Any, Literal

from paper_kit.core.config import Frozen
from paper_kit.core.files import canonical_json, sha256_text
from paper_kit.core.part import Part


class LayerRow(Frozen):
    """One line of a model's layer table; `output` is without the batch axis."""

    name: str
    operation: str
    output: tuple[int, ...]
    parameters: int
    macs: int
    stage: str = ""


class RunRecord(Frozen):
    """A finished run: its spec, metrics, data, code and environment; logits and history lie beside it."""

    id: str
    spec: dict[str, Any]
    engine: int
    metrics: dict[str, float]
    selected_epoch: int
    epochs_run: int
    parameters: int
    classes: tuple[str, ...]
    card: dict[str, Any]
    data: dict[str, Any]  # fingerprint, counts {split: {class: images}}, dropped, audit
    transforms: tuple[dict[str, Any], ...] = ()
    layers: tuple[LayerRow, ...] = ()
    weights_sha256: str = ""
    seconds: float = 0.0
    environment: dict[str, Any] = {}
    code: dict[str, str] = {}
    amp: dict[str, Any] = {}


class CostRecord(Frozen):
    """What a model costs on one machine, measured alone; times in ms or s, memory in MiB."""

    model: Part
    image_size: int
    channels: int
    classes: int
    batch_size: int
    precision: Literal["fp32", "bf16", "fp16"]
    views: tuple[str, ...]
    device: str
    threads: int
    torch: str
    parameters: int
    file_mb: float
    flops: float
    macs: float
    epoch_images: int
    epoch_seconds: float
    epoch_steps_timed: int
    peak_train_mb: float
    peak_inference_mb: float
    memory_meter: Literal["rss", "cuda"]
    latency_p50_ms: float
    latency_p95_ms: float
    latency_tta_p50_ms: float
    latency_tta_p95_ms: float
    throughput_64: float
    environment: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """12 hex digits that name (model, size, classes, batch, precision, views, machine)."""
        return cost_key(self.model_dump(mode="json"))


COST_KEY_FIELDS = (
    "model", "image_size", "channels", "classes", "batch_size", "precision", "views", "device", "threads",
)  # fmt: skip


def cost_key(value: dict[str, Any]) -> str:
    """12 hex digits of the fields that say what was measured, and where."""
    return sha256_text(canonical_json({name: value[name] for name in COST_KEY_FIELDS}))[:12]
