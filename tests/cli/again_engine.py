"""A stand-in for torch's rooms that makes the fabricated runs again; PAPERKIT_TEST_CHANGE changes them."""

import os

import numpy as np

from paper_kit.core.files import write_json, write_npz
from paper_kit.core.spec import RunSpec, Transfer
from paper_kit.core.store import RunState
from tests.analysis.fabricated import write_run

LARGE = 200  # logits: more than any other


def run_one(spec, store, resources, **_watched):
    """The run, done; "images:N" moves N images to another class than before, "fail" fails."""
    change = os.environ.get("PAPERKIT_TEST_CHANGE", "")
    if change == "fail":
        raise ValueError("the loss is not a number")
    with store.lease(spec.id):
        write_run(store, spec, images=60)
        write_json(store.file(spec.id, "seen.json"), {"threads": resources.threads})
        if change:
            wrong(store.file(spec.id, "predictions.npz"), int(change.partition(":")[2]))
    return RunState.DONE


def wrong(path, number):
    """Nothing; the first images that were right, so many, are wrong."""
    with np.load(path) as opened:
        arrays = {name: opened[name] for name in opened.files}
    labels, logits = arrays["test_labels_N"], arrays["test_selected_VNK"]
    right = np.flatnonzero(logits.mean(axis=0).argmax(axis=1) == labels)[:number]
    logits[:, right, (labels[right] + 1) % 7] += LARGE
    write_npz(path, **arrays)


def sourced(store, run_id):
    """A spec like that of a run, but started from a source run."""
    spec: RunSpec = store.spec(run_id)
    return spec.model_copy(update={"transfer": Transfer(source="run", run=run_id)})
