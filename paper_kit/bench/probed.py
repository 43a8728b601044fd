"""What a short probe of a kind of run has measured, and what follows from it for a whole run."""

from __future__ import annotations

from dataclasses import dataclass

from paper_kit.core.files import canonical_json
from paper_kit.core.spec import RunSpec, Transfer

SAVE_EVERY_S = 10.0  # as bench.train saves its checkpoint; a test compares them
EMBEDDED = 2000  # as bench.outcome keeps embeddings; a test compares them
FREE = ("seed", "epochs", "patience", "select", "schedule", "loss", "optim", "transfer", "train_fraction")


@dataclass(frozen=True)
class Probed:
    """Seconds, MiB and bytes of one kind of run on this machine, in the packing in which runs are trained.

    `first_*` are with the stages that learn in the first epoch, `all_*` with all; `begin` is what the first
    step takes above the others, which is compilation where a model is compiled. Evaluation is of one view of
    one image; `outcome_s` is what ends a run apart from evaluation.
    """

    train: int  # images
    validation: int
    test: int
    stages: int
    setup_s: float
    first_begin_s: float
    first_step_s: float
    all_begin_s: float
    all_step_s: float
    image_s: float
    outcome_s: float
    checkpoint_s: float
    cost_s: float  # of the measurement of the model's cost after the runs
    memory_mib: float
    memory_meter: str
    device: str
    fixed_bytes: int  # of a run's folder, weights among them
    epoch_bytes: int
    image_bytes: float  # of predictions, each validation and test image
    embedding_bytes: float  # each embedded image
    checkpoint_bytes: int


def kind(run: RunSpec) -> str:
    """Equal for runs whose steps take as long: all that seeds, losses, rates and lengths do not change."""
    rest = {name: value for name, value in run.short().items() if name not in FREE}
    optim = run.optim
    passes = [run.loss.r_drop > 0, optim.name, optim.accumulate, optim.ema_decay > 0, optim.clip_norm > 0]
    return canonical_json([rest, passes])


def open_stages(transfer: Transfer, stages: int, epoch: int) -> int:
    """How many of a model's stages learn in `epoch` (from 1)."""
    if transfer.source == "none" or transfer.unfreezing == "all":
        return stages
    if epoch <= transfer.freeze_epochs:
        return 1
    return min(stages, 2 + (epoch - transfer.freeze_epochs - 1) // transfer.stage_epochs)


def training_seconds(run: RunSpec, probed: Probed, first: int = 1, last: int = 0) -> float:
    """Seconds of the steps of the epochs `first` to `last` (default: the run's), validation apart.

    A step with some stages learning lies between one with one and one with all of them, in their proportion.
    """
    images = max(1, int(probed.train * run.train_fraction))
    updates = max(1, images // (run.batch_size * run.optim.accumulate))
    total, before = 0.0, 0
    for epoch in range(first, (last or run.epochs) + 1):
        learning = open_stages(run.transfer, probed.stages, epoch)
        share = (learning - 1) / max(1, probed.stages - 1)
        total += updates * (probed.first_step_s + share * (probed.all_step_s - probed.first_step_s))
        if learning != before and (run.compile or not before):
            total += probed.first_begin_s if learning < probed.stages else probed.all_begin_s
        before = learning
    return total


def run_seconds(run: RunSpec, probed: Probed, epochs_done: int = 0, pace: float = 1.0) -> float:
    """Seconds that the rest of the run takes in a worker; the steps take `pace` times what was probed."""
    steps = pace * training_seconds(run, probed, epochs_done + 1)
    epochs = max(0, run.epochs - epochs_done)
    validation = epochs * probed.validation * probed.image_s
    saves = probed.checkpoint_s * int((steps + validation) / SAVE_EVERY_S)
    return (
        probed.setup_s + steps + validation + saves + probed.outcome_s + _seen(run, probed) * probed.image_s
    )


def run_bytes(run: RunSpec, probed: Probed) -> int:
    """Bytes that the run's folder takes when it is done."""
    images = probed.validation + probed.test
    predictions = images * probed.image_bytes
    embedded = min(EMBEDDED, probed.test) * probed.embedding_bytes if run.task == "emotion" else 0.0
    return round(probed.fixed_bytes + run.epochs * probed.epoch_bytes + predictions + embedded)


def _seen(run: RunSpec, probed: Probed) -> int:
    """Images that pass at the end of a run: two epochs on test, one on validation, then features."""
    features = min(EMBEDDED, probed.test) if run.task == "emotion" else 0
    return len(run.views) * (2 * probed.test + probed.validation) + features
