"""How many workers share a GPU: one more where memory has room and the measured speed says that it pays."""

from __future__ import annotations

import math
from collections.abc import Mapping

from paper_kit.bench.progress import Ended, Event, Progress
from paper_kit.core.spec import RunSpec

MOST = 8  # workers of one GPU; more take turns on it and on the processor that feeds it
GAIN = 1.1  # one more worker must make the whole at least so much faster
CONTEXT_MIB = 700.0  # about what CUDA, cuBLAS and cuDNN take in a process beside its tensors
SPARE = 1.3  # a run may come to need so much more, when more of its stages learn

Seconds = Mapping[int, Mapping[str, float]]  # workers a GPU -> kind of epoch -> seconds that one took


def most_workers(cores: int, gpus: int) -> int:
    """Workers that one GPU may get: each needs a core."""
    return max(1, min(MOST, cores // max(1, gpus)))


def fits(free_mib: float, run_mib: float) -> bool:
    """Whether a GPU with so much free memory has room for one more run like the largest so far."""
    return run_mib > 0 and free_mib >= SPARE * run_mib + CONTEXT_MIB


def speedup(seconds: Seconds, workers: int) -> float | None:
    """How many times as fast `workers` on a GPU are together as one less; None while no kind saw both.

    All take equal turns, so what those lost that were there before tells what the new one got.
    """
    before, now = seconds.get(workers - 1, {}), seconds.get(workers, {})
    ratios = [math.log(before[kind] / now[kind]) for kind in before.keys() & now.keys()]
    if not ratios:
        return None
    return workers / (workers - 1) * math.exp(sum(ratios) / len(ratios))


class Packing:
    """Workers a GPU, from one upwards, as the epochs of one execution teach it."""

    def __init__(self, most: int) -> None:
        self.workers = 1
        self._most = most
        self._seconds: dict[int, dict[str, float]] = {}
        self._training: dict[str, set[str]] = {}  # GPU -> runs that compute on it
        self._changed: dict[str, float] = {}  # GPU -> when that set last changed
        self._began: dict[str, float] = {}  # run -> when its epoch under way began
        self._run_mib = 0.0  # of the largest run
        self._free_mib: dict[str, float] = {}  # GPU -> as last heard

    def crowded(self, gpu: str) -> bool:
        """Whether more than one run computes on the GPU."""
        return len(self._training.get(gpu, ())) > 1

    def hear(self, gpu: str, spec: RunSpec, event: Event, now: float) -> None:
        """Nothing; what the event says of the run on this GPU counts from here on."""
        here = self._training.setdefault(gpu, set())
        if isinstance(event, Ended):
            here.discard(spec.id)
            self._began.pop(spec.id, None)
            self._changed[gpu] = now
        elif isinstance(event, Progress) and event.stage == "train":
            if spec.id not in here:
                here.add(spec.id)
                self._changed[gpu] = now
            self._run_mib = max(self._run_mib, event.memory_mib)
            self._free_mib[gpu] = event.free_mib
            if event.step == 0:
                undisturbed = self._began.get(spec.id, -math.inf) >= self._changed[gpu]
                self._began[spec.id] = now
                if undisturbed and event.epoch_seconds:
                    self._learn(len(here), _epoch_kind(spec, event.epoch), event.epoch_seconds)

    def had_no_room(self) -> None:
        """Nothing; a run found too little memory beside the others, so there will be fewer of them."""
        self.workers = self._most = max(1, self.workers - 1)

    def _learn(self, workers: int, kind: str, seconds: float) -> None:
        self._seconds.setdefault(workers, {})[kind] = seconds
        if workers != self.workers:
            return
        gained = math.inf if workers == 1 else speedup(self._seconds, workers)
        if gained is None:
            return
        if gained < GAIN:
            self.workers = self._most = workers - 1
        elif workers < self._most and fits(min(self._free_mib.values()), self._run_mib):
            self.workers += 1


def _epoch_kind(spec: RunSpec, epoch: int) -> str:
    """What makes epochs take as long as each other: model, data, and how much of the model learns."""
    progressive = spec.transfer.source != "none" and spec.transfer.unfreezing == "progressive"
    learning = epoch if progressive else 0
    return (
        f"{spec.model!r} {spec.dataset!r} {spec.image_size} {spec.batch_size} {spec.train_fraction} "
        f"{spec.loss.r_drop > 0} {spec.augment.randaugment_ops} {learning}"
    )
