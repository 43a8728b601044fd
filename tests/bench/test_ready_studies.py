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
    "mini_xception": {},
    "resemotenet_paper": {"width": 2},
}
CELLS = (  # a cell of each study that no other test trains
    ("fer2013", "advanced_emotenet", "no_transfer"),
    ("fer2013_small", "emotion_vit", "no_mixing"),
    ("fer2013_ablations", "advanced_emotenet", "r_drop"),
    ("published", "resemotenet_paper", "base"),
    ("published_small", "mini_xception", "base"),
    ("ferplus", "resemotenet", "votes"),
    ("ferplus_small", "emotion_vit", "votes"),
    ("rafdb", "advanced_emotenet", "base"),
    ("affectnet", "emotion_vit", "no_focal"),
    ("ckplus", "resemotenet", "no_mixing"),
)
FAST = {"affectnet", "published"}


def ferplus(root: Path) -> Path:
    root.mkdir()
    (root / "fer2013.csv").write_text(csv_text())
    return ferplus_votes(root, root / "fer2013.csv")


def fer2013(root: Path) -> Path:
    root.mkdir()
    (root / "fer2013.csv").write_text(csv_text())
    return root


DATA: dict[str, Callable[[Path], Path]] = {
    "fer2013": fer2013,
    "ferplus": ferplus,
    "rafdb": rafdb_list,
    "affectnet": affectnet_annotations,
    "ckplus": ckplus_folders,
}


@pytest.mark.parametrize(
    ("study", "model", "ablation"),
    [pytest.param(*cell, marks=() if cell[0] in FAST else pytest.mark.slow, id=cell[0]) for cell in CELLS],
)
def test_a_scaled_copy_of_the_study_trains_and_reads_the_test_set(
    study: str, model: str, ablation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    rows = plan(load_experiment(EXPERIMENTS / f"{study}.toml")).rows
    reading = next(row.reading for row in rows if (row.model_key, row.ablation_key) == (model, ablation))
    asked, dataset = reading.run, reading.run.dataset.name
    arguments = dict(asked.dataset.arguments)
    arguments |= {"size": 32} if "size" in arguments else {"official": False}
    small = {
        "model": Part(name=model, arguments=SMALL[model]),
        "dataset": Part(name=dataset, arguments=arguments),
        "transfer": asked.transfer.model_copy(
            update={"source": "none", "architecture": "", "run": "", "weights_sha256": ""}
        ),
        "image_size": 32,
        "epochs": 1,
        "batch_size": 8,
        "precision": "fp32",
    }
    spec = completed(asked.model_copy(update=small))
    root = DATA[dataset](tmp_path / "data")
    resources = Resources(device="cpu", threads=1, cache=tmp_path / "cache", data_roots={dataset: root})
    store = Store(tmp_path / "runs")
    assert run_one(spec, store, resources) is RunState.DONE
    logits = np.load(store.file(spec.id, "predictions.npz"))["test_selected_VNK"]
    record = store.record(spec.id)
    tests = sum(record.data["counts"]["test"].values())
    assert logits.shape == (len(asked.views), tests, len(record.classes))
    assert record.classes == tuple(record.data["counts"]["train"])


def test_each_study_of_the_repository_has_a_scaled_copy() -> None:
    elsewhere = {"quick", "ablations", "fer2013_cpu"}  # of drawn faces, and one whose records are tested
    assert {path.stem for path in EXPERIMENTS.glob("*.toml")} == {cell[0] for cell in CELLS} | elsewhere
