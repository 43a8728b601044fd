"""What is kept of a study: records of trainings, costs of models on a machine, audits of datasets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

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


class _Shape(BaseModel):
    """What the readers of a record rely on in one of its open tables; other keys may stand beside."""

    model_config = ConfigDict(extra="allow")


class _Spec(_Shape):
    task: str = "emotion"
    dataset: Part = Part(name="synthetic_faces")
    model: Part = Part(name="resemotenet")
    views: tuple[str, ...] = ()
    seed: int = 0
    epochs: int = 1


class _Data(_Shape):
    fingerprint: str = ""
    counts: dict[str, dict[str, int]] = {}
    dropped: int = 0


class _Card(_Shape):
    name: str = ""
    title: str = ""
    classes: tuple[str, ...] = ()
    protocol: str = ""
    licence: str = ""
    redistributable: bool = False
    synthetic: bool = False
    citation: str = ""
    ceiling: float | None = None
    ceiling_source: str = ""
    official_counts: dict[str, dict[str, int]] | None = None
    targets: tuple[str, ...] = ()


class _Environment(_Shape):
    device_name: str = ""
    threads: int = 0
    packages: dict[str, str | None] = {}


class _Transform(_Shape):
    name: str
    probability: float | None = None
    parameters: dict[str, Any] = {}


_SHAPES: dict[str, type[_Shape]] = {
    "spec": _Spec, "data": _Data, "card": _Card, "environment": _Environment, "transforms": _Transform,
}  # fmt: skip


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
    deviations: tuple[str, ...] = ()  # where the training was not as the spec says, and why
    parallel: dict[str, Any] = {}  # how several devices shared the training; empty where one did it

    @field_validator(*_SHAPES)
    @classmethod
    def _shaped(cls, value: Any, info: ValidationInfo) -> Any:
        """The value as it is, where it has the shape that its readers rely on."""
        shape = _SHAPES[str(info.field_name)]
        for table in value if isinstance(value, tuple) else (value,):
            shape.model_validate(table)
        return value


PROTOCOL = 2  # of a cost's measurement; 1 timed predictions in one precision and did not look for neighbours


Machine = tuple[str, int, str, int]  # device, threads, torch, protocol
ENERGY_IMAGES = 1000  # whose prediction is one energy


class Latency(Frozen):
    """How long a prediction of one batch takes in one precision, of the images alone or in all views."""

    batch: int
    precision: Literal["fp32", "bf16", "fp16"]
    tta: bool
    p50_ms: float
    p95_ms: float
    calls: int


class CostRecord(Frozen):
    """What a model costs on one machine; times in ms or s, memory in MiB, energy in J.

    What later versions measure is None in a record that was made before, and its `protocol` is lower.
    """

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
    saved_fp32_mib: float | None = None  # kept from the forward to the backward pass of one batch, counted
    saved_amp_mib: float | None = None  # the same under AMP
    latency_p50_ms: float
    latency_p95_ms: float
    latency_tta_p50_ms: float
    latency_tta_p95_ms: float
    throughput_64: float
    step_fp32_ms: float | None = None  # a training step, timed in turn with one under AMP
    step_amp_ms: float | None = None
    step_amp_format: Literal["bf16", "fp16"] | None = None
    steps_compared: int | None = None
    protocol: int = 1
    warm_up: int | None = None  # calls before each timing, not counted
    latencies: tuple[Latency, ...] = ()
    alone: bool | None = None  # whether nothing else computed meanwhile; None: not known
    busy_share: float | None = None  # of the time of all CPUs, what other processes used meanwhile
    gpu_neighbours: int | None = None  # other processes on the GPU
    energy_meter: Literal["nvml", "rapl"] | None = None  # None: no meter, and nothing is estimated
    energy_inference_j: float | None = None  # of ENERGY_IMAGES in batches of 64, without TTA
    energy_epoch_j: float | None = None
    measured_at: str = ""  # UTC, as ISO 8601
    environment: dict[str, Any] = {}

    @property
    def amp_speedup(self) -> float | None:
        """How many steps under AMP take the time of one in FP32; None where not measured."""
        return self.step_fp32_ms / self.step_amp_ms if self.step_fp32_ms and self.step_amp_ms else None

    @property
    def machine(self) -> Machine:
        """What must be equal for two costs to stand in one column: device, threads, torch, protocol."""
        return self.device, self.threads, self.torch, self.protocol

    def latency(self, batch: int, precision: str, tta: bool) -> Latency | None:
        """The timing of such predictions; None where there is none."""
        wanted = (batch, precision, tta)
        return next((one for one in self.latencies if (one.batch, one.precision, one.tta) == wanted), None)

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


class AuditedImage(Frozen):
    """One image of an audit: its split, its id and the name of its class; never its pixels."""

    split: str
    id: str
    label: str


class NearCopy(Frozen):
    """An image and the one of another split that is nearest to it; `score` is a correlation, 0 to 1."""

    image: AuditedImage
    partner: AuditedImage
    score: float
    mirrored: bool = False


class AuditRecord(Frozen):
    """What an audit found in a dataset: copies across splits, conflicting labels, blank images.

    `copies` are groups of images with the same pixels in more than one split, `conflicts` groups of copies
    with more than one label, `near` the pairs across splits that differ in pixels, best first. `scan` says
    how near ones were looked for. The Store holds it under the fingerprint of the dataset.
    """

    dataset: Part
    fingerprint: str
    counts: dict[str, dict[str, int]]  # split -> class -> images
    blank: tuple[AuditedImage, ...]
    copies: tuple[tuple[AuditedImage, ...], ...]
    conflicts: tuple[tuple[AuditedImage, ...], ...]
    near: tuple[NearCopy, ...]
    scan: dict[str, float | int | str] = {}

    @property
    def test_exact(self) -> frozenset[str]:
        """Ids of the test images that stand in train or validation too."""
        shared = [group for group in self.copies if {image.split for image in group} - {"test"}]
        return frozenset(image.id for group in shared for image in group if image.split == "test")

    @property
    def test_near(self) -> frozenset[str]:
        """Ids of the test images with a near copy, but no exact one, in train or validation."""
        pairs = [(pair.image, pair.partner) for pair in self.near]
        found = [
            one.id
            for left, right in pairs
            for one, other in ((left, right), (right, left))
            if one.split == "test" and other.split != "test"
        ]
        return frozenset(found) - self.test_exact

    @property
    def test_leaked(self) -> frozenset[str]:
        """Ids of the test images that a training may have seen, exactly or nearly."""
        return self.test_exact | self.test_near
