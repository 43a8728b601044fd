"""The ready studies need only the data's path: one training of each, scaled down, on tiny data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paper_kit.bench.run import run_one
from paper_kit.core.experiment import completed, load_experiment
from paper_kit.core.part import Part
from paper_kit.core.plan import plan
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
from tests.data.conftest import csv_text
from tests.data.trees import affectnet_annotations, ckplus_folders, ferplus_votes, rafdb_list

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SMALL = {
    "resemotenet": {"width": 8, "depths": (1, 1, 1), "fusion_width": 16},
    "advanced_emotenet": {"backbone": "test_efficientnet", "fusion_width": 16, "hidden": 8},
    "emotion_vit": {"embed_dim": 16, "depth": 2, "num_heads": 2, "patch_size": 8},
}
CELLS = {  # study -> the model and the ablation that is trained
    "ferplus": ("resemotenet", "votes"),
    "rafdb": ("advanced_emotenet", "base"),
    "affectnet": ("emotion_vit", "no_focal"),
    "ckplus": ("resemotenet", "no_mixing"),
}
SLOW = dict.fromkeys(("ferplus", "rafdb", "ckplus"), pytest.mark.slow)


def ferplus(root: Path) -> Path:
    root.mkdir()
    (root / "fer2013.csv").write_text(csv_text())
    return ferplus_votes(root, root / "fer2013.csv")


DATA: dict[str, Callable[[Path], Path]] = {
    "ferplus": ferplus,
    "rafdb": rafdb_list,
    "affectnet": affectnet_annotations,
    "ckplus": ckplus_folders,
}


@pytest.mark.parametrize("study", [pytest.param(name, marks=SLOW.get(name, ())) for name in CELLS])
def test_a_scaled_copy_of_the_study_trains_and_reads_the_test_set(
    study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    model, ablation = CELLS[study]
    rows = plan(load_experiment(EXPERIMENTS / f"{study}.toml")).rows
    asked = next(row.reading.run for row in rows if (row.model_key, row.ablation_key) == (model, ablation))
    arguments = dict(asked.dataset.arguments)
    arguments |= {"size": 32} if "size" in arguments else {"official": False}
    small = {
        "model": Part(name=model, arguments=SMALL[model]),
        "dataset": Part(name=study, arguments=arguments),
        "transfer": asked.transfer.model_copy(update={"source": "none", "architecture": "", "run": ""}),
        "image_size": 32,
        "epochs": 1,
        "batch_size": 8,
        "precision": "fp32",
    }
    spec = completed(asked.model_copy(update=small))
    root = DATA[study](tmp_path / "data")
    resources = Resources(device="cpu", threads=1, cache=tmp_path / "cache", data_roots={study: root})
    store = Store(tmp_path / "runs")
    assert run_one(spec, store, resources) is RunState.DONE
    logits = np.load(store.file(spec.id, "predictions.npz"))["test_selected_VNK"]
    record = store.record(spec.id)
    tests = sum(record.data["counts"]["test"].values())
    assert logits.shape == (4, tests, len(record.classes))
    assert record.classes == tuple(record.data["counts"]["train"])
