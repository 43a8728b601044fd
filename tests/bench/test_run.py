import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from paper_kit.bench.predict import predict
from paper_kit.bench.run import run_one
from paper_kit.core.files import sha256_file
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Augment, Loss, Mixing, Optim, Resources, RunSpec, Transfer
from paper_kit.core.store import Busy, RunState, Store
from tests.bench import tiny

ROOT = Path(__file__).resolve().parents[2]


def spec(**fields):
    dataset = complete("dataset", Part(name="tests.bench.tiny:patterns"))
    model = complete("model", Part(name="tests.bench.tiny:build"))
    settings = {"image_size": 16, "batch_size": 16, "epochs": 2, "optim": Optim(lr=1e-2), **fields}
    return RunSpec(**{"dataset": dataset, "model": model, **settings})


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    return Store(tmp_path / "runs")


@pytest.fixture
def resources(tmp_path):
    return Resources(device="cpu", threads=1, cache=tmp_path / "data")


def test_a_run_leaves_a_whole_record(store, resources):
    asked = spec(views=("identity", "flip", "crop_tl"), augment=Augment(flip=0.5))
    events = []
    assert run_one(asked, store, resources, report=events.append) is RunState.DONE
    assert store.state(asked) is RunState.DONE
    names = {path.name for path in store.folder(asked.id).iterdir()}
    arrays = {
        "weights.safetensors", "predictions.npz", "embeddings.npz", "saliency.npz", "gallery.npz",
    }  # fmt: skip
    assert names == {"spec.json", "history.jsonl", "record.json", *arrays}
    record = store.record(asked.id)
    assert record.parameters == sum(p.numel() for p in tiny.build(4).parameters())
    assert record.classes == tiny.CLASSES
    assert record.data["counts"]["train"] == dict.fromkeys(tiny.CLASSES, 24)
    assert [step["name"] for step in record.transforms] == ["flip", "normalise"]
    assert sum(row.parameters for row in record.layers) == record.parameters
    assert record.epochs_run == len(store.history(asked.id)) == 2
    assert "tests/bench/tiny.py" in record.code
    assert record.environment["threads"] == 1
    assert {event.stage for event in events} == {"data", "train", "test"}
    assert events[-2].accuracy == store.history(asked.id)[-1]["validation_accuracy"]


def test_predictions_hold_the_logits_of_each_view_with_labels_and_ids(store, resources):
    asked = spec(views=("identity", "flip"), epochs=3)
    run_one(asked, store, resources)
    found = np.load(store.file(asked.id, "predictions.npz"))
    test = tiny.patterns().test
    assert found["test_selected_VNK"].shape == found["test_last_VNK"].shape == (2, 32, 4)
    assert found["validation_selected_VNK"].shape == (2, 32, 4)
    assert found["test_selected_VNK"].dtype == np.float32
    assert found["test_ids_N"].tolist() == test.ids.tolist()
    assert found["test_labels_N"].tolist() == test.labels.tolist()
    right = (found["test_selected_VNK"][0].argmax(1) == test.labels).mean()
    assert store.record(asked.id).metrics["test_accuracy_selected_first_view"] == pytest.approx(right)
    embedded = np.load(store.file(asked.id, "embeddings.npz"))
    assert embedded["features_ND"].shape == (32, 128)


def test_a_done_run_is_not_trained_again(store, resources):
    run_one(spec(), store, resources)
    before = store.file(spec().id, "record.json").stat().st_mtime_ns
    assert run_one(spec(), store, resources) is RunState.DONE
    assert store.file(spec().id, "record.json").stat().st_mtime_ns == before


def test_two_runs_of_one_spec_give_the_same_bits(store, resources, tmp_path):
    other = Store(tmp_path / "other")
    for place in (store, other):
        run_one(spec(), place, resources)
    assert predictions(store, spec()) == predictions(other, spec())


def predictions(store, asked):
    found = np.load(store.file(asked.id, "predictions.npz"))
    return {name: found[name].tobytes() for name in found.files}


def test_a_run_that_is_asked_to_stop_is_partial_and_goes_on_to_the_same_numbers(store, resources, tmp_path):
    whole = Store(tmp_path / "whole")
    run_one(spec(epochs=3), whole, resources)
    assert run_one(spec(epochs=3), store, resources, should_stop=lambda: True) is RunState.PARTIAL
    assert store.state(spec(epochs=3)) is RunState.PARTIAL
    assert len(store.history(spec(epochs=3).id)) == 1
    assert run_one(spec(epochs=3), store, resources) is RunState.DONE
    assert predictions(store, spec(epochs=3)) == predictions(whole, spec(epochs=3))
    assert not store.file(spec(epochs=3).id, "checkpoint.pt").exists()


def test_a_resumed_run_takes_the_threads_of_its_checkpoint(store, resources):
    run_one(spec(), store, resources, should_stop=lambda: True)
    run_one(spec(), store, resources.model_copy(update={"threads": 2}))
    assert store.record(spec().id).environment["threads"] == 1


KILLED = """
import sys
from pathlib import Path
import torch
from safetensors.torch import load_file, save_file
from paper_kit.bench import train
from paper_kit.bench.run import run_one
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import Store
train.SAVE_EVERY_S = 0.0
spec = RunSpec.model_validate_json(sys.argv[1])
resources = Resources(device="cpu", threads=1, cache=Path(sys.argv[3]))
print(run_one(spec, Store(Path(sys.argv[2])), resources))
"""


def test_a_killed_run_resumes_to_the_same_numbers(store, resources, tmp_path):
    asked = spec(
        epochs=30,
        mixing=Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.5),
        augment=Augment(flip=0.5, rotate_p=0.5, erase_p=0.2),
        optim=Optim(lr=1e-3, ema_decay=0.9),
    )
    whole = Store(tmp_path / "whole")
    run_one(asked, whole, resources)
    arguments = [asked.model_dump_json(), str(store.root), str(resources.cache)]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], cwd=ROOT)
    deadline = time.monotonic() + 60
    while len(store.history(asked.id)) < 4:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = torch.load(store.file(asked.id, "checkpoint.pt"), weights_only=True)["epoch"]
    assert 3 <= done < 30
    assert run_one(asked, store, resources) is RunState.DONE
    assert len(store.history(asked.id)) == 30
    assert predictions(store, asked) == predictions(whole, asked)


def test_a_run_that_diverges_fails_with_its_reason_and_leaves_no_record(store, resources):
    asked = spec(optim=Optim(name="sgd", lr=1e30, momentum=0.0))
    assert run_one(asked, store, resources) is RunState.FAILED
    assert store.state(asked) is RunState.FAILED
    assert "smaller optim.lr" in store.reason(asked.id)
    assert "Traceback" in store.file(asked.id, "error.txt").read_text()


def test_too_little_memory_is_told_with_the_micro_batch_to_set(store, resources, monkeypatch):
    def too_large(*_arguments, **_options):
        raise torch.OutOfMemoryError("tried to allocate 99 GiB")

    monkeypatch.setattr("paper_kit.bench.run.fit", too_large)
    assert run_one(spec(), store, resources) is RunState.FAILED
    assert "Set micro_batch = 8." in store.reason(spec().id)


@pytest.mark.parametrize("size", [2**62, 0])
def test_too_little_memory_of_the_computer_is_told_too(size, store, resources, monkeypatch):
    def too_large(*_arguments, **_options):
        if size:
            torch.empty(size, dtype=torch.uint8)
        raise MemoryError

    monkeypatch.setattr("paper_kit.bench.run.fit", too_large)
    assert run_one(spec(micro_batch=4), store, resources) is RunState.FAILED
    assert "Set micro_batch = 2." in store.reason(spec(micro_batch=4).id)


def test_a_failed_run_can_be_tried_again(store, resources, tmp_path):
    save_file(tiny.build(4).state_dict(), tmp_path / "net.safetensors")
    found = sha256_file(tmp_path / "net.safetensors")
    asked = spec(transfer=Transfer(source="file", weights_sha256=found, architecture="net"))
    assert run_one(asked, store, resources) is RunState.FAILED
    assert "No weights file of net" in store.reason(asked.id)
    looking = resources.model_copy(update={"weights_folders": (tmp_path,)})
    assert run_one(asked, store, looking) is RunState.DONE


def test_a_run_that_another_process_works_on_is_left_alone(store, resources):
    with store.lease(spec().id), pytest.raises(Busy):
        run_one(spec(), store, resources)


def source_spec():
    dataset = complete("dataset", Part(name="tests.bench.tiny:brightness"))
    return spec(task="action_units", dataset=dataset, views=("identity",))


def test_a_run_starts_from_its_source_run(store, resources):
    source = source_spec()
    asked = spec(transfer=Transfer(source="run", run=source.id, freeze_epochs=5))
    assert run_one(asked, store, resources) is RunState.MISSING
    assert run_one(source, store, resources) is RunState.DONE
    found = np.load(store.file(source.id, "predictions.npz"))
    assert found["test_targets_NK"].shape == found["test_selected_VNK"].shape[1:] == (32, 2)
    assert store.record(source.id).metrics["test_r2_selected"] < 1
    assert run_one(asked, store, resources) is RunState.DONE
    given, kept = (load_file(store.file(run.id, "weights.safetensors")) for run in (source, asked))
    assert torch.equal(given["stem.0.weight"], kept["stem.0.weight"])
    assert torch.equal(given["stem.1.running_mean"], kept["stem.1.running_mean"])


def test_a_run_whose_source_failed_is_blocked(store, resources):
    source = source_spec()
    store.begin(source)
    store.fail(source.id, "diverged", "…")
    asked = spec(transfer=Transfer(source="run", run=source.id))
    assert run_one(asked, store, resources) is RunState.BLOCKED
    assert not store.file(asked.id, "error.txt").exists()


def test_a_fraction_of_the_training_images_is_stratified_and_counted(store, resources):
    asked = spec(train_fraction=0.5)
    run_one(asked, store, resources)
    assert store.record(asked.id).data["counts"]["train"] == dict.fromkeys(tiny.CLASSES, 12)


def test_weights_are_dropped_where_the_spec_says_so(store, resources):
    run_one(spec(keep_weights=False), store, resources)
    assert not store.file(spec(keep_weights=False).id, "weights.safetensors").exists()
    assert store.record(spec(keep_weights=False).id).weights_sha256 == ""


def test_predictions_for_images_agree_with_the_recorded_ones(store, resources, tmp_path, monkeypatch):
    tiny.named_in(tmp_path, monkeypatch)
    run_one(spec(), store, resources)
    found = np.load(store.file(spec().id, "predictions.npz"))["test_selected_VNK"]
    chances = predict(store, spec().id, list(tiny.patterns().test.images))
    expected = torch.from_numpy(found).softmax(2).mean(0).numpy()
    assert chances == pytest.approx(expected, abs=1e-5)


def test_nothing_in_a_record_names_this_machine(store, resources):
    run_one(spec(), store, resources)
    text = json.dumps(store.record(spec().id).model_dump(mode="json"))
    assert os.uname().nodename not in text
    assert str(Path.home()) not in text.replace('"/', '"')
    assert str(resources.cache) not in text


SMALL = {
    "resemotenet": {"width": 8, "depths": (1, 1), "fusion_width": 16},
    "advanced_emotenet": {"backbone": "efficientnet_b0", "drop_path": 0.1},
    "emotion_vit": {"embed_dim": 32, "depth": 2, "num_heads": 2, "drop_path": 0.1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_each_model_goes_on_bit_for_bit_after_a_stop(name, store, resources, tmp_path):
    model = complete("model", Part(name=name, arguments=SMALL[name]))
    asked = spec(model=model, image_size=32, loss=Loss(gamma=2.0, r_drop=0.5), epochs=2)
    whole = Store(tmp_path / "whole")
    assert run_one(asked, whole, resources) is RunState.DONE, whole.reason(asked.id)
    assert run_one(asked, store, resources, should_stop=lambda: True) is RunState.PARTIAL
    assert run_one(asked, store, resources) is RunState.DONE
    assert predictions(store, asked) == predictions(whole, asked)
