"""A stand-in for bench.run_probe that needs no torch; every kind of run takes as long as any other."""

import os

from paper_kit.bench.probed import Probed
from paper_kit.core.errors import InputError

PROBED = {
    "train": 100, "validation": 20, "test": 30, "stages": 4, "setup_s": 1.0, "first_begin_s": 0.0,
    "first_step_s": 0.1, "all_begin_s": 0.0, "all_step_s": 0.4, "image_s": 0.01, "outcome_s": 2.0,
    "checkpoint_s": 0.5, "cost_s": 7.0, "memory_mib": 500.0, "memory_meter": "rss", "device": "a machine",
    "fixed_bytes": 1000, "epoch_bytes": 100, "image_bytes": 10.0, "embedding_bytes": 5.0,
    "checkpoint_bytes": 4000,
}  # fmt: skip


def probe(run, resources, seconds):
    if run.model.name == "broken":
        raise InputError("too large for this machine")
    assert seconds > 0
    assert os.environ["OMP_NUM_THREADS"] == str(resources.threads)
    return Probed(**PROBED)
