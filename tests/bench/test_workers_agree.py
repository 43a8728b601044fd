"""A fixed seed and thread count give the same bits, whoever trains a run and whatever it trained before."""

import json
from pathlib import Path

import numpy as np
import pytest

from paper_kit.bench.executors import local
from paper_kit.bench.loaded import _loaded
from paper_kit.bench.progress import never
from paper_kit.bench.run import run_one
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Augment, Mixing, Optim, Resources, RunSpec
from paper_kit.core.store import RunState, Store

ROOT = Path(__file__).resolve().parents[2]
TIMES = {"seconds", "images_per_second"}  # of a history row: they are no result


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)


def runs(**fields):
    """Two seeds, and half of the images with their own normalisation: what a worker keeps differs."""
    settings = {
        "dataset": complete("dataset", Part(name="tests.bench.tiny:patterns")),
        "model": complete("model", Part(name="tests.bench.tiny:build")),
        "image_size": 16,
        "batch_size": 16,
        "epochs": 2,
        "optim": Optim(lr=1e-2, ema_decay=0.9),
        "augment": Augment(flip=0.5, rotate_p=0.5, brightness_p=0.5),
        "mixing": Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.5),
    }
    first = RunSpec(**settings | fields)
    return first, first.model_copy(update={"seed": 1}), first.model_copy(update={"train_fraction": 0.5})


def resources(tmp_path, **fields):
    return Resources(**{"device": "cpu", "threads": 1, "cache": tmp_path / "data"} | fields)


def left_by(run, store):
    """All numbers of a run: logits, embeddings and history, without times."""
    assert store.state(run) is RunState.DONE, store.reason(run.id)
    found = {}
    for name in ("predictions.npz", "embeddings.npz", "saliency.npz"):
        arrays = np.load(store.file(run.id, name))
        found |= {f"{name} {key}": arrays[key].tobytes() for key in arrays.files}
    rows = [{k: v for k, v in row.items() if k not in TIMES} for row in store.history(run.id)]
    record = store.record(run.id)
    return found | {
        "history": json.dumps(rows),
        "weights": record.weights_sha256,
        "threads": record.environment["threads"],
    }


def test_a_run_leaves_the_same_bits_in_a_fresh_process_state_and_after_others(tmp_path):
    first, second, third = runs()
    cold, warm = Store(tmp_path / "cold"), Store(tmp_path / "warm")
    for run in (first, second, third):
        _loaded.cache_clear()
        run_one(run, cold, resources(tmp_path))
    _loaded.cache_clear()
    for run in (third, second, first):
        run_one(run, warm, resources(tmp_path))
    assert _loaded.cache_info().hits == 1
    for run in (first, second, third):
        assert left_by(run, cold) == left_by(run, warm)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_workers_and_the_order_of_runs_change_no_bit(tmp_path, threads):
    planned = runs()
    stores = {}
    for jobs, order in ((1, planned), (2, planned[::-1])):
        store = stores.setdefault((jobs, order), Store(tmp_path / f"{jobs}-{order[0].id}"))
        asked = resources(tmp_path, jobs=jobs, threads=threads)
        local.execute(order, store, asked, [].append, never, lambda: None)
    for run in planned:
        found = [left_by(run, store) for store in stores.values()]
        assert found[0]["threads"] == threads
        assert all(each == found[0] for each in found[1:])
