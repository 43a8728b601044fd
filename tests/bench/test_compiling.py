"""Compiled training: the same numbers to float precision, the same names, no storm of compilations."""

import copy
import shutil
import warnings

import numpy as np
import pytest
import torch

from paper_kit.bench.checkpoint import load_checkpoint, save_checkpoint
from paper_kit.bench.compiling import compiled
from paper_kit.bench.examples import examples
from paper_kit.bench.pixels import Preparation, normalisation_of
from paper_kit.bench.randomness import seed_everything
from paper_kit.bench.train import train_epoch, validate
from paper_kit.bench.training import Data, restore, setup, state
from paper_kit.core.spec import Loss, Optim, RunSpec, Transfer
from tests.bench import tiny

CPU = torch.device("cpu")
UNFREEZING = Transfer(source="hub", architecture="any", freeze_epochs=1, stage_epochs=1)  # head, body, stem

needs_a_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler; install g++"
)


@pytest.fixture(autouse=True)
def one_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's compiler about itself
        yield


def training(**fields):
    spec = RunSpec(image_size=16, batch_size=16, epochs=3, optim=Optim(lr=1e-2), **fields)
    seed_everything(spec.seed, 0)
    splits = tiny.patterns()
    train, validation = (examples(split, 4, CPU) for split in (splits.train, splits.validation))
    data = Data(train, validation, Preparation(16, 1, normalisation_of(splits.train.images)))
    return setup(spec, tiny.build(4, dropout=0.0), data)


def epochs(t, count=3):
    for _ in range(count):
        t.history.append(train_epoch(t) | validate(t))
    return [row["train_loss"] for row in t.history]


@pytest.mark.slow
@needs_a_compiler
def test_a_compiled_run_has_the_numbers_of_the_plain_one_and_goes_on_bit_for_bit(tmp_path):
    fields = {"transfer": UNFREEZING, "loss": Loss(gamma=2.0, r_drop=0.5), "micro_batch": 8}
    plain, fast = training(**fields), training(compile=True, **fields)
    assert epochs(fast) == pytest.approx(epochs(plain), rel=1e-4)
    assert list(fast.model.state_dict()) == list(plain.model.state_dict())
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 3, "one for each set of stages"

    cut = training(compile=True, **fields)
    epochs(cut, 1)
    save_checkpoint(tmp_path / "checkpoint.pt", copy.deepcopy(state(cut)))
    again = training(compile=True, **fields)
    restore(again, load_checkpoint(tmp_path / "checkpoint.pt"))
    epochs(again, 2)
    assert [row["train_loss"] for row in again.history] == [row["train_loss"] for row in fast.history]
    for name, value in fast.model.state_dict().items():
        assert np.array_equal(value, again.model.state_dict()[name]), name


@pytest.mark.slow
@needs_a_compiler
def test_parts_of_two_sizes_are_compiled_once_more_and_not_every_time():
    t = training(compile=True, micro_batch=7)  # 16 images: 6, 5, 5
    epochs(t)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 2


def test_with_cuda_graphs_each_pass_is_announced_and_its_outputs_are_copied(monkeypatch):
    kept, asked, begun = torch.zeros(2, 3), [], []

    def compile_it(_model, mode):
        asked.append(mode)
        return lambda images: kept.copy_(images)

    monkeypatch.setattr(torch, "compile", compile_it)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: begun.append(1))
    forward = compiled(torch.nn.Identity(), "reduce-overhead")
    first = forward(torch.ones(2, 3))
    second = forward(torch.full((2, 3), 2.0))
    assert asked == ["reduce-overhead"]
    assert (len(begun), first.sum().item(), second.sum().item()) == (2, 6.0, 12.0)
