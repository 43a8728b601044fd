"""One run on many devices: what each has, that the numbers stay, and what happens where one of them fails."""

import copy
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn

from paper_kit.bench import distributed, machine, train
from paper_kit.bench.checkpoint import load_checkpoint
from paper_kit.bench.loading import load
from paper_kit.bench.machine import gpu_groups, on_a_node, share
from paper_kit.bench.progress import never
from paper_kit.bench.ranks import Looks, Ranks
from paper_kit.bench.run import run_one
from paper_kit.bench.shares import check_images, check_shares, fewest, places
from paper_kit.bench.study import run_study
from paper_kit.bench.synced_norm import twin
from paper_kit.cli.workplace import Workplace
from paper_kit.core.config import read_toml
from paper_kit.core.errors import InputError
from paper_kit.core.experiment import experiment_from
from paper_kit.core.part import Part, complete
from paper_kit.core.plan import all_runs, plan
from paper_kit.core.spec import Augment, Loss, Mixing, Optim, Resources, RunSpec, Transfer
from paper_kit.core.store import RunState, Store
from tests.bench.test_train import EVERYTHING, training
from tests.faults.tiny_study import a_plan

ROOT = Path(__file__).resolve().parents[2]
# A seventh and three standard errors of 1,200 images; with other dropout masks it is another training.
CHANCE, NOISE = 0.17, 0.1


# What each device has of a batch.


@pytest.mark.parametrize(("count", "size"), [(64, 2), (7, 2), (9, 4), (33, 3), (16, 1), (8, 4)])
def test_devices_share_every_batch_and_mixup_finds_its_partner_on_the_same_one(count, size):
    shares = [places(count, rank, size) for rank in range(size)]
    assert sorted(np.concatenate(shares)) == list(range(count))
    for share_of_one in shares:
        assert np.array_equal(count - 1 - share_of_one[::-1], share_of_one)
        assert len(share_of_one) >= 2 or size == 1


@pytest.mark.parametrize("size", [2, 3, 4])
def test_devices_have_equal_parts_of_each_pass_of_a_batch(size):
    for start, stop in [(0, 22), (22, 43), (43, 64)]:
        pieces = [Ranks(rank, size).local(slice(start, stop), 64) for rank in range(size)]
        counts = [piece.stop - piece.start for piece in pieces]
        assert sum(counts) == stop - start
        assert max(counts) - min(counts) <= 2


def test_the_images_of_all_devices_together_are_those_of_one_bit_for_bit():
    t = training(**EVERYTHING)
    for numbers in (np.arange(32), np.arange(31)):
        (whole,) = load(t, [numbers], 1)
        shared = [load(replace(t, ranks=Ranks(rank, 3)), [numbers], 1)[0] for rank in range(3)]
        for number, batch in enumerate(whole):
            for rank in range(3):
                mine, at = shared[rank][number], places(batch.whole, rank, 3)
                assert torch.equal(mine.images, batch.images[at])
                assert torch.equal(mine.rows, batch.rows[at])
                targets = batch.mix.targets(t.data.train.targets[batch.rows])[at]
                assert torch.equal(mine.mix.targets(t.data.train.targets[mine.rows]), targets)


def test_all_devices_look_around_after_the_same_updates(monkeypatch):
    monkeypatch.setattr(Ranks, "agreed", lambda _self, answer: answer)
    looks = Looks(Ranks(1, 2), 0.02, 5)
    assert [looks.due(done) for done in (5, 6)] == [False, True]
    time.sleep(0.002)
    looks.looked(6)
    assert not looks.due(6)
    assert looks.due(6 + 21)


# Batch norm over all devices, here with one process in the group.


@pytest.fixture
def a_group(tmp_path):
    store = dist.FileStore(str(tmp_path / "meeting"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm2d(5), (6, 5, 3, 4)),
        (nn.BatchNorm1d(5, momentum=None), (6, 5)),
        (nn.BatchNorm2d(5, affine=False), (6, 5, 3, 4)),
    ],
)
@pytest.mark.usefixtures("a_group")
def test_batch_norm_over_processes_is_that_of_torch(norm, shape):
    torch.manual_seed(0)
    reference = nn.Sequential(norm).train()
    own = copy.deepcopy(reference)
    synced = twin(own)
    given = torch.randn(shape) * 3 + 7
    inputs = [given.clone().requires_grad_() for _ in range(2)]
    outputs = [model(images) for model, images in zip((reference, synced), inputs, strict=True)]
    factor = torch.randn(shape)
    for output in outputs:
        (output * factor).sum().backward()
    assert torch.allclose(outputs[0], outputs[1], atol=1e-5)
    assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-5)
    for (name, value), other in zip(reference.state_dict().items(), own.state_dict().values(), strict=True):
        assert torch.allclose(value.float(), other.float(), atol=1e-5), (
            name
        )  # in the model, not the twin alone
    for value, other in zip(reference.parameters(), own.parameters(), strict=True):
        assert torch.allclose(value.grad, other.grad, atol=1e-4)
    own.eval()
    synced.eval()
    assert torch.equal(own(given), synced(given))


# How many devices can share a run.


def test_batches_too_small_to_share_are_named_before_anything_starts():
    runs = [RunSpec(batch_size=64), RunSpec(batch_size=6), RunSpec(batch_size=64, micro_batch=6)]
    check_shares(runs, 1)
    check_shares(runs[:1], 32)
    with pytest.raises(InputError) as told:
        check_shares(runs, 4)
    assert len(told.value.problems) == 2
    assert "--devices 4: a pass of 6 images (batch_size = 6)" in told.value.problems[0]
    assert "Type --devices 3" in told.value.problems[0]
    assert "a pass of 5 images (micro_batch = 6)" in told.value.problems[1]  # 64 are ten of 6 or 5
    assert "set a larger micro_batch" in told.value.problems[1]
    with pytest.raises(InputError, match="no --devices"):
        check_images(RunSpec(), 3, 2)


def test_graphs_that_are_replayed_cannot_be_shared():
    replayed = RunSpec(compile=True, compile_mode="reduce-overhead")
    check_shares([replayed], 1)
    with pytest.raises(InputError, match='set compile_mode = "default"'):
        check_shares([replayed, replayed], 2)


def test_a_job_on_a_cluster_has_as_many_gpus_as_its_run_uses():
    assert on_a_node(Resources(devices=2), "slurm", 4, 2).devices == 2
    assert on_a_node(Resources(), "ray", 4, 0.25).devices == 1
    assert on_a_node(Resources(devices=4, device="cpu"), "slurm", 4, 2).devices == 4
    with pytest.raises(InputError, match=r"--devices 4: \[resources.slurm\] .* gpus = 2 a run. Set gpus = 4"):
        on_a_node(Resources(devices=4), "slurm", 4, 2)


def test_the_smallest_pass_counts_uneven_batches_and_pieces():
    assert fewest(RunSpec(batch_size=64), 1000) == 64
    assert fewest(RunSpec(batch_size=64), 50) == 50
    assert fewest(RunSpec(batch_size=16, optim=Optim(accumulate=3)), 33) == 11
    assert fewest(RunSpec(batch_size=16, micro_batch=5), 1000) == 4


def test_gpus_are_given_to_runs_in_groups(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: ("0", "1", "2", "3", "4"))
    monkeypatch.setattr(machine, "cores", lambda: 16)
    assert gpu_groups(Resources(devices=2)) == ("0,1", "2,3")
    settled = share(Resources(devices=2), 10)
    assert (settled.jobs, settled.threads, settled.packing) == (2, 8, False)
    with pytest.raises(InputError, match=r"--devices 6: there are 5 GPUs here. Type --devices 5"):
        share(Resources(devices=6), 10)
    assert share(Resources(devices=2, device="cpu"), 10).jobs == 8


def test_a_machine_says_how_many_devices_share_a_run_and_the_command_line_wins(tmp_path):
    (tmp_path / "paperkit.local.toml").write_text("devices = 2\n")
    place = Workplace(tmp_path, ())
    assert place.resources(devices=0).devices == 2
    assert place.resources(devices=4).devices == 4
    assert Workplace(tmp_path / "elsewhere", ()).resources().devices == 1


@pytest.mark.parametrize(
    ("launch", "reason"),
    [
        (lambda *_: None, "a process of the run could not start; `paperkit run-all` goes on"),
        (
            lambda crew, *_: crew._theirs[0].send(distributed.Hello(pid=0)),
            "the process of device 1 of 2 was gone; `paperkit run-all` goes on",
        ),
    ],
)
def test_a_run_is_not_done_where_a_process_was_gone_before_its_last_word(
    launch, reason, monkeypatch, tmp_path
):
    monkeypatch.setattr(distributed.Crew, "_launch", launch)
    crew = distributed.Crew(SimpleNamespace(resources=Resources(devices=2)), tmp_path)
    try:
        with pytest.raises(distributed.RankDied, match=reason):
            crew.listen(lambda _: None, never)
    finally:
        crew.end()


# Trainings of two processes, which load torch first: some ten seconds each.

TINY = {
    "dataset": complete("dataset", Part(name="tests.bench.tiny:patterns", arguments={"train": 90})),
    "model": complete("model", Part(name="tests.bench.tiny:build", arguments={"dropout": 0.0})),
    "image_size": 16,
    "batch_size": 16,
    "epochs": 3,
    # AdamW takes whole steps where a gradient is 0 but for rounding, as that of a bias before batch norm.
    "optim": Optim(name="sgd", lr=0.05, clip_norm=1.0, ema_decay=0.9),
}


def spec(**fields):
    return RunSpec(**{**TINY, **fields})


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    """Plug-ins named by a path are found from here, in other processes too."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def on(tmp_path):
    """The Store and the state of a run on so many devices."""

    def run(asked, devices, name="", **options):
        store = Store(tmp_path / (name or f"on-{devices}"))
        resources = Resources(
            device="cpu", threads=1, devices=devices, cache=tmp_path / "data", oom=options.pop("oom", "stop")
        )
        state = run_one(asked, store, resources, **options)
        assert not multiprocessing.active_children()
        return store, state

    return run


def arrays(store, run_id):
    with np.load(store.file(run_id, "predictions.npz")) as found:
        return {name: found[name] for name in found.files}


def differ(first, second, run_id):
    """The largest difference of any two logits."""
    one, other = arrays(first, run_id), arrays(second, run_id)
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one if "VNK" in name)


ALL = {
    "loss": Loss(gamma=2.0, class_weights="effective", smoothing=0.1, kl_uniform=0.01, r_drop=0.5),
    "mixing": Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.8),
    "augment": Augment(flip=0.5, rotate_p=0.5, shift_p=0.5, brightness_p=0.5, erase_p=0.3, randaugment_ops=1),
    "optim": Optim(name="sgd", lr=0.05, clip_norm=1.0, accumulate=2, ema_decay=0.9, layer_decay=0.8),
    "sampler": "balanced",
    "micro_batch": 7,  # 16 are 6, 5 and 5: no two devices have as many
}


@pytest.mark.slow
def test_two_devices_give_the_logits_of_one_with_every_technique(on):
    asked = spec(**ALL, epochs=2)
    (one, _), (two, state) = on(asked, 1), on(asked, 2)
    assert state is RunState.DONE, two.reason(asked.id)
    assert differ(one, two, asked.id) < 2e-4
    alone, shared = one.record(asked.id), two.record(asked.id)
    assert alone.parallel == {}
    assert shared.parallel == {
        "devices": 2, "epochs_on_devices": {"2": 2}, "launcher": "torchrun", "backend": "gloo",
        "global_batch": 32, "device_batch": 16.0, "images_a_pass": 3.5,
        "sampler": "balanced, one order shared out", "batch_norm": "over all devices",
        "dropout": "each device draws its own",
    }  # fmt: skip
    assert shared.layers == alone.layers
    for row, other in zip(one.history(asked.id), two.history(asked.id), strict=True):
        assert other.pop("devices") == 2
        assert row["train_loss"] == pytest.approx(other["train_loss"], abs=1e-5)
        assert row["train_accuracy"] == pytest.approx(other["train_accuracy"], abs=1e-6)
        assert row["trainable_parameters"] == other["trainable_parameters"]


def same_bits(first, second, run_id):
    one, other = arrays(first, run_id), arrays(second, run_id)
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_stages_are_unfrozen_and_unused_layers_left_alone_on_two_devices_as_on_one(on):
    source = spec(model=complete("model", Part(name="tests.bench.sharing:idle")))
    thaw = Transfer(source="run", run=source.id, freeze_epochs=1, stage_epochs=1)
    asked = source.model_copy(update={"transfer": thaw, "seed": 1})
    for devices in (1, 2):
        on(source, 1, f"on-{devices}")
        store, state = on(asked, devices)
        assert state is RunState.DONE, store.reason(asked.id)
    (one, _), (two, _) = on(asked, 1), on(asked, 2)
    assert differ(one, two, asked.id) < 2e-4
    learning = [row["trainable_parameters"] for row in two.history(asked.id)]
    assert learning == [row["trainable_parameters"] for row in one.history(asked.id)]
    assert len(set(learning)) == 3


@pytest.mark.slow
def test_a_run_goes_on_with_as_many_devices_to_the_same_bits_and_with_fewer_to_the_same_numbers(on):
    dropped = spec(model=complete("model", Part(name="tests.bench.tiny:build")))
    whole, _ = on(dropped, 2, "whole")
    cut, state = on(dropped, 2, "cut", should_stop=lambda: True)
    assert state is RunState.PARTIAL
    assert len(cut.history(dropped.id)) < 3
    assert on(dropped, 2, "cut")[1] is RunState.DONE
    assert same_bits(whole, cut, dropped.id)
    asked = spec(epochs=2)
    undisturbed, _ = on(asked, 1)
    fewer, _ = on(asked, 2, "fewer", should_stop=lambda: True)
    assert on(asked, 1, "fewer")[1] is RunState.DONE
    assert differ(undisturbed, fewer, asked.id) < 2e-4


def kill_the_second(event):
    """Nothing; a process of the run that reports is killed once its training has begun."""
    if event.stage == "train" and event.epoch == 1:
        found = sorted(multiprocessing.active_children(), key=lambda process: process.pid)
        if len(found) == 2:
            found[1].kill()


@pytest.mark.slow
def test_a_run_of_which_one_process_was_killed_fails_at_once_and_goes_on_to_the_same_bits(on):
    asked = spec(epochs=40)
    started = time.monotonic()
    store, state = on(asked, 2, "killed", report=kill_the_second)
    assert time.monotonic() - started < 60
    assert state is RunState.FAILED
    assert "of 2 was killed (signal 9)" in store.reason(asked.id)
    assert "`paperkit run-all` goes on" in store.reason(asked.id)
    assert on(asked, 2, "killed")[1] is RunState.DONE
    whole, _ = on(asked, 2)
    assert same_bits(whole, store, asked.id)


@pytest.mark.slow
def test_what_goes_wrong_on_one_device_is_the_reason_of_the_run(on):
    wild = spec(optim=Optim(name="sgd", lr=1e30, momentum=0.0))
    store, state = on(wild, 2)
    assert state is RunState.FAILED
    assert store.reason(wild.id).startswith("Epoch 1: ")
    assert "smaller optim.lr" in store.reason(wild.id)
    few = complete("dataset", Part(name=TINY["dataset"].name, arguments={"train": 7}))
    small = spec(dataset=few, micro_batch=4)
    assert on(small, 2)[1] is RunState.FAILED
    assert "a pass of 3 images (7 training images)" in store.reason(small.id)


@pytest.mark.slow
def test_a_device_without_memory_stops_the_run_or_halves_its_passes_on_all(on):
    crowded = spec(model=complete("model", Part(name="tests.bench.sharing:crowded")), epochs=1)
    store, state = on(crowded, 2)
    assert state is RunState.FAILED
    assert store.reason(crowded.id).endswith("Set micro_batch = 8.")
    store, state = on(crowded, 2, oom="halve")
    assert state is RunState.DONE
    assert store.record(crowded.id).deviations[0].startswith("micro_batch 8 in place of 16 from epoch 1")


STUDY = """
import sys
from pathlib import Path
from paper_kit.bench import study
from paper_kit.bench.study import run_study
from paper_kit.core.spec import Resources
from paper_kit.core.store import Store
from tests.faults.tiny_study import a_plan
if __name__ == "__main__":
    study.cores = lambda: 1
    resources = Resources(device="cpu", threads=2, jobs=1, devices=2, cache=Path(sys.argv[2]))
    planned = a_plan(epochs=2, train=400000)
    print(run_study((planned,), Store(Path(sys.argv[1])), resources, lambda _: None, only=("net",)).stopped)
"""


@pytest.fixture
def a_study(tmp_path):
    """(process, its Store) of a study whose first run is shared by two processes, in its first epoch."""
    script, runs = tmp_path / "study.py", tmp_path / "runs"
    script.write_text(STUDY)
    command = [sys.executable, str(script), str(runs), str(tmp_path / "data")]
    study = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE)
    until = time.monotonic() + 60
    while len(at_work(study.pid)) < 4 and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(10)
    yield study, Store(runs)
    if study.poll() is None:
        os.killpg(study.pid, signal.SIGKILL)
        study.wait()
    study.stdout.close()


def at_work(session):
    """Ids of the living processes of a session: the study, its worker, and those of the run."""
    asked = ["ps", "-s", str(session), "-o", "pid=,stat=,args="]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    return [int(line.split()[0]) for line in found if "tracker" not in line and " Z" not in line]


def gone(session, seconds):
    """Whether nothing of a session is alive within so many seconds."""
    until = time.monotonic() + seconds
    while at_work(session) and time.monotonic() < until:
        time.sleep(0.1)
    return not at_work(session)


@pytest.mark.slow
def test_all_processes_of_a_run_leave_within_seconds_of_sigterm_and_it_is_saved_midway(a_study):
    study, store = a_study
    began = time.monotonic()
    os.killpg(study.pid, signal.SIGTERM)
    said, _ = study.communicate(timeout=60)
    assert time.monotonic() - began < 15
    assert said.split()[-1:] == [b"terminated"]
    assert gone(study.pid, 2)
    (run_id,) = store.ids()
    assert not store.reason(run_id)
    saved = load_checkpoint(store.file(run_id, "checkpoint.pt"))
    assert saved["epoch"] == 0
    assert saved["midway"]["updates"] > 0
    assert saved["midway"]["totals"][train.SEEN] == store.spec(run_id).batch_size * saved["midway"]["updates"]


@pytest.mark.slow
def test_no_process_of_a_run_outlives_the_study_that_was_killed(a_study):
    study, store = a_study
    (worker,) = (store.owner(run_id).pid for run_id in store.ids())
    os.kill(worker, signal.SIGKILL)
    study.kill()
    study.wait()
    assert gone(study.pid, 5)
    assert not any(store.leased(run_id) for run_id in store.ids())


@pytest.mark.slow
def test_a_study_with_a_source_run_is_trained_on_two_devices_by_the_local_executor(tmp_path):
    planned, store = a_plan(epochs=1), Store(tmp_path / "runs")
    resources = Resources(device="cpu", jobs=1, threads=1, devices=2, cache=tmp_path / "data")
    summary = run_study((planned,), store, resources, lambda _: None, only=("net", "base"))
    assert not summary.failed
    done = [store.record(run.id) for run in all_runs((planned,)) if store.state(run) is RunState.DONE]
    assert [record.parallel["devices"] for record in done] == [2, 2]


# The quick study: its three models, made small.


def quick(epochs, source_epochs, images, **base):
    """The plan of the quick study with fewer epochs and training images."""
    tables = read_toml(ROOT / "experiments" / "quick.toml")
    tables["base"] |= {"epochs": epochs, "dataset": {"name": "synthetic_faces", "train": images}} | base
    tables["source"]["dataset"]["train"] = images
    tables["source"]["set"]["epochs"] = source_epochs
    return plan(experiment_from(tables, Path("quick.toml")))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resemotenet", "advanced_emotenet", "emotion_vit"])
def test_two_devices_give_the_logits_of_one_for_each_model_of_the_quick_study(model, on):
    planned = quick(2, 1, 320)
    asked = next(
        row.reading.run for row in planned.rows if (row.model_key, row.ablation_key) == (model, "base")
    )
    still = complete(
        "model", asked.model.model_copy(update={"arguments": {**asked.model.arguments, "dropout": 0.0}})
    )
    rates = asked.optim.model_copy(update={"name": "sgd", "lr": 0.05})
    changed = {"model": still, "optim": rates, "transfer": Transfer(), "sampler": "balanced"}
    asked = asked.model_copy(update=changed)
    (one, _), (two, state) = on(asked, 1), on(asked, 2)
    assert state is RunState.DONE, two.reason(asked.id)
    found = differ(one, two, asked.id)
    print(f"{model}: logits differ by at most {found:.1e}")
    assert found < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resemotenet", "advanced_emotenet", "emotion_vit"])
def test_the_quick_study_on_two_devices_is_as_accurate_as_on_one(model, tmp_path):
    planned, found = quick(8, 1, 1200), {}
    for devices in (1, 2):
        store = Store(tmp_path / f"on-{devices}")
        resources = Resources(device="cpu", jobs=1, threads=1, devices=devices, cache=tmp_path / "data")
        summary = run_study((planned,), store, resources, lambda _: None, only=(model, "no_transfer"))
        assert not summary.failed
        (record,) = (store.record(run_id) for run_id in store.ids())
        found[devices] = record.metrics["test_accuracy_selected_all_views"]
        assert record.parallel.get("devices", 1) == devices
    print(f"{model}: accuracy on one and on two devices {found}")
    assert found[1] > CHANCE
    assert abs(found[1] - found[2]) < NOISE, found
