import numpy as np
import pytest
import torch

from paper_kit.bench import loading, placing, train
from paper_kit.bench.examples import examples
from paper_kit.bench.pixels import Preparation, normalisation_of
from paper_kit.bench.training import Data, Training, setup
from paper_kit.core.spec import Augment, Loss, Mixing, Optim, RunSpec
from tests.bench import tiny

WAITING = ("item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "__int__", "__float__", "__index__")
STANDARD = Augment(
    flip=0.5, rotate_p=0.5, shift_p=0.5, scale_p=0.5, brightness_p=0.5, contrast_p=0.5, erase_p=0.5
)
CASES = {
    "standard": {},
    "fp16": {"precision": "fp16"},
    "micro batches": {"micro_batch": 5},
    "R-Drop, accumulated": {
        "loss": Loss(gamma=2.0, smoothing=0.1, r_drop=0.5),
        "optim": Optim(clip_norm=1.0, ema_decay=0.9, accumulate=2),
    },
    "RandAugment": {"augment": STANDARD.model_copy(update={"randaugment_ops": 2})},
}


def training(device: str = "cpu", **fields) -> Training:
    settings = {
        "image_size": 16,
        "batch_size": 16,
        "augment": STANDARD,
        "mixing": Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.8),
        "optim": Optim(clip_norm=1.0, ema_decay=0.9),
        **fields,
    }
    found, place = tiny.patterns(), torch.device(device)
    train_part, validation = (examples(split, 4, place) for split in (found.train, found.validation))
    prepare = Preparation(16, 1, normalisation_of(found.train.images))
    return setup(RunSpec(**settings), tiny.build(4).to(place), Data(train_part, validation, prepare))


def take_steps(t: Training, totals: torch.Tensor) -> None:
    for number in range(4):
        indices = np.arange(t.update_images) + number
        train.step(t, loading.load(t, [indices], number)[0], t.data.train.targets, number, totals)


@pytest.mark.parametrize("case", CASES)
def test_no_step_asks_for_a_value_of_a_tensor(case, monkeypatch):
    def refuse(*_given, **_options):
        raise AssertionError("this would wait for the device")

    t, totals = training(**CASES[case]), torch.zeros(5)
    t.model.train()
    with monkeypatch.context() as patched:
        for name in WAITING:
            patched.setattr(torch.Tensor, name, refuse)
        with pytest.raises(AssertionError, match="wait"):
            bool(totals[0] > 0)
        take_steps(t, totals)
    assert totals[train.SEEN] == 4 * t.update_images


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("case", [name for name in CASES if name != "RandAugment"])
def test_no_step_waits_for_the_gpu(case):
    t, totals = training("cuda", **CASES[case]), torch.zeros(5, device="cuda")
    t.model.train()
    take_steps(t, totals)
    torch.cuda.set_sync_debug_mode("error")
    try:
        take_steps(t, totals)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_all_that_chance_decides_of_a_batch_goes_over_in_one_copy(monkeypatch):
    t = training(augment=CASES["RandAugment"]["augment"])
    t.data.train.pixels._resident = torch.from_numpy(tiny.patterns().train.images)
    copied = []

    def only(arrays, device):
        copied.append(sorted(arrays))
        return placing.unpacked(block, arrays) if (block := placing.packed(arrays)).device == device else {}

    monkeypatch.setattr(loading, "placed", only)
    expected = training(augment=CASES["RandAugment"]["augment"])
    with monkeypatch.context() as patched:
        patched.setattr("paper_kit.bench.pixels.placed", None)
        patched.setattr("paper_kit.bench.augment.placed", None)
        ((batch,),) = loading.load(t, [np.arange(3, 19)], 0)
    assert len(copied) == 1
    assert {"rows", "theta_M23", "edges_4E", "order_ON", "brightness_N"} <= set(copied[0])
    monkeypatch.undo()
    assert torch.equal(batch.images, loading.load(expected, [np.arange(3, 19)], 0)[0][0].images)
    assert batch.rows.tolist() == list(range(3, 19))


def test_packed_arrays_come_out_as_they_went_in():
    rng = np.random.default_rng(0)
    arrays = {
        "rows": np.arange(5),
        "none": np.empty((0, 2, 3), dtype=np.float32),
        "bytes": rng.integers(0, 256, 7, dtype=np.uint8),
        "turned": rng.random((3, 4), dtype=np.float32).T,
        "double": rng.random(3),
    }
    found = placing.unpacked(placing.packed(arrays), arrays)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name].numpy(), array)
        assert found[name].numpy().dtype == array.dtype


@pytest.mark.parametrize("case", CASES)
def test_updates_that_are_transformed_together_get_the_images_that_each_would_get_alone(case):
    t = training(**CASES[case])
    indices = np.arange(3 * t.update_images).reshape(3, -1) % len(t.data.train)
    together = loading.load(t, list(indices), 5)
    alone = [loading.load(t, [update], 5 + number)[0] for number, update in enumerate(indices)]
    for batches, expected in zip(together, alone, strict=True):
        assert len(batches) == len(expected) == t.spec.optim.accumulate
        for batch, other in zip(batches, expected, strict=True):
            assert torch.equal(batch.images, other.images)
            assert torch.equal(batch.rows, other.rows)
            assert batch.mix == other.mix


def test_an_epoch_is_transformed_in_groups_that_fit_the_cache(monkeypatch):
    t, asked = training(), []
    monkeypatch.setattr(loading, "VALUES_AT_ONCE", 2 * 16 * 16 * 16 + 1)
    monkeypatch.setattr(
        loading, "load", lambda _t, updates, first: asked.append((first, len(updates))) or [[]] * len(updates)
    )
    assert len(list(loading.loaded(t, np.arange(len(t.data.train))))) == t.updates
    assert [first for first, _ in asked] == list(range(0, t.updates, 2))
    assert sum(count for _, count in asked) == t.updates
