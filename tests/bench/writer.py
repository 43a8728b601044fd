"""One of several run-all on one store: python writer.py STORE CACHE."""

import sys
from pathlib import Path

from paper_kit.bench.executors import local
from paper_kit.bench.study import run_study
from paper_kit.core.experiment import Experiment
from paper_kit.core.plan import plan
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store

SEEDS, EPOCHS = 6, 6


def a_plan():
    """A model and its seeds, planned; read from the root of the repository."""
    base = {"epochs": EPOCHS, "image_size": 16, "batch_size": 16, "optim": {"lr": 1e-2}}
    experiment = {
        "name": "many",
        "question": "?",
        "seeds": list(range(SEEDS)),
        "base": base | {"dataset": {"name": "tests.bench.tiny:patterns"}},
        "model": [{"key": "tiny", "label": "Tiny", "part": {"name": "tests.bench.tiny:build"}}],
    }
    return plan(Experiment.model_validate(experiment))


def main(store, cache):
    """Nothing; all is done, or with others."""
    local.RUN = "tests.bench.logged_engine:run_one"
    resources = Resources(device="cpu", jobs=1, threads=1, cache=Path(cache))
    print(run_study((a_plan(),), Store(Path(store)), resources, print, only=("tiny",)))


if __name__ == "__main__":
    main(*sys.argv[1:])
