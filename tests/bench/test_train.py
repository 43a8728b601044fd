import copy
import io
import itertools

import numpy as np
import pytest
import torch
from timm.utils import ModelEmaV3

from paper_kit.bench import train
from paper_kit.bench.checkpoint import load_checkpoint, save_checkpoint
from paper_kit.bench.examples import examples
from paper_kit.bench.loading import load
from paper_kit.bench.pixels import Preparation, normalisation_of
from paper_kit.bench.randomness import seed_everything
from paper_kit.bench.train import Diverged, fit, step, train_epoch, validate
from paper_kit.bench.training import Data, restore, setup, state
from paper_kit.core.spec import ENGINE, Augment, Loss, Mixing, Optim, RunSpec, Schedule, Transfer
from tests.bench import tiny

CPU = torch.device("cpu")
CONSTANT = Schedule(name="constant", warmup_epochs=0)
EVERYTHING = {
    "loss": Loss(gamma=2.0, class_weights="effective", smoothing=0.1, kl_uniform=0.01, r_drop=0.5),
    "mixing": Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, probability=0.8),
    "augment": Augment(flip=0.5, rotate_p=0.5, shift_p=0.5, brightness_p=0.5, erase_p=0.3, randaugment_ops=1),
    "optim": Optim(lr=3e-3, clip_norm=1.0, accumulate=2, ema_decay=0.9, layer_decay=0.8),
    "sampler": "balanced",
}


def data(splits=None, draw_labels=False):
    found = splits or tiny.patterns()
    train, validation = (examples(split, 4, CPU) for split in (found.train, found.validation))
    return Data(train, validation, Preparation(16, 1, normalisation_of(found.train.images)), draw_labels)


def training(network=None, *, of=None, **fields):
    settings = {"image_size": 16, "batch_size": 16, "epochs": 4, "optim": Optim(lr=1e-2), **fields}
    spec = RunSpec(**settings)
    seed_everything(spec.seed, 0)
    return setup(spec, network(4) if network else tiny.build(4), of or data())


def weights(of):
    return torch.cat([value.detach().flatten().float() for value in of.state_dict().values()])


def run(t, folder, **options):
    return fit(t, checkpoint=folder / "checkpoint.pt", history=folder / "history.jsonl", **options)


def test_a_small_network_learns_the_patterns(tmp_path):
    t = training()
    assert run(t, tmp_path)
    assert t.history[-1]["validation_accuracy"] > 0.9
    assert t.history[-1]["train_loss"] < t.history[0]["train_loss"]
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 4


def without_torchs_generator(classes):
    """A Tiny whose weights and passes are the same on every processor."""
    network, rng = tiny.build(classes, dropout=0.0), np.random.default_rng(0)
    for parameter in network.parameters():
        values = rng.uniform(-0.2, 0.2, tuple(parameter.shape)).astype(np.float32)
        parameter.data = torch.from_numpy(values)
    return network


def test_the_engine_gives_the_numbers_that_it_always_gave():
    t = training(without_torchs_generator, **EVERYTHING)
    losses = [train_epoch(t)["train_loss"] for _ in range(3)]
    assert ENGINE == 1, "new numbers: new golden values below"
    assert losses == pytest.approx(GOLDEN, abs=2e-4)


GOLDEN = [0.79758, 0.80783, 0.78366]


def test_accumulated_batches_give_the_update_of_one_big_batch():
    settings = {"schedule": CONSTANT, "transfer": Transfer()}
    big = training(lambda _: tiny.plain(4), batch_size=32, optim=Optim(lr=1e-2), **settings)
    small = training(lambda _: tiny.plain(4), batch_size=8, optim=Optim(lr=1e-2, accumulate=4), **settings)
    assert torch.equal(weights(big.model), weights(small.model))
    rows = [train_epoch(t) for t in (big, small)]
    assert torch.allclose(weights(big.model), weights(small.model), atol=1e-5)
    assert rows[0]["train_loss"] == pytest.approx(rows[1]["train_loss"], abs=1e-5)


def test_micro_batches_give_the_update_of_the_whole_batch():
    mixing = Mixing(mixup_alpha=0.4, cutmix_alpha=1.0, probability=1.0)
    whole, pieces = (training(lambda _: tiny.plain(4), micro_batch=size, mixing=mixing) for size in (0, 5))
    rows = [train_epoch(t) for t in (whole, pieces)]
    assert torch.allclose(weights(whole.model), weights(pieces.model), atol=1e-5)
    assert rows[0]["train_accuracy"] == pytest.approx(rows[1]["train_accuracy"], abs=1e-6)


def test_the_average_of_the_weights_is_that_of_timm_and_is_what_gets_evaluated():
    t = training(optim=Optim(lr=1e-2, ema_decay=0.9))
    reference = ModelEmaV3(copy.deepcopy(t.model), decay=0.9, use_warmup=True)
    t.model.train()
    for number in range(5):
        step(t, load(t, [np.arange(16)], number)[0], t.data.train.targets, number, torch.zeros(5))
        reference.update(t.model, step=number + 1)
    assert torch.equal(weights(t.evaluated), weights(reference.module))
    assert not torch.equal(weights(t.evaluated), weights(t.model))


def test_clipping_bounds_the_norm_of_the_update():
    def moved(clip):
        t = training(optim=Optim(name="sgd", lr=1.0, momentum=0.0, weight_decay=0.0, clip_norm=clip))
        before = torch.cat([p.detach().flatten().clone() for p in t.model.parameters()])
        step(t, load(t, [np.arange(16)], 0)[0], t.data.train.targets, 0, torch.zeros(5))
        return float((torch.cat([p.detach().flatten() for p in t.model.parameters()]) - before).norm())

    assert moved(0.05) <= 0.05 * 1.0001 * training().optimizer.param_groups[0]["lr"] / 1e-2
    assert moved(0.0) > 0.2


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_as_well_and_records_its_scale(precision, tmp_path):
    t = training(precision=precision)
    assert run(t, tmp_path)
    assert t.history[-1]["validation_accuracy"] > 0.9
    assert (t.history[-1]["amp_scale"] > 1) == (precision == "fp16")
    assert all(parameter.dtype == torch.float32 for parameter in t.model.parameters())


def test_an_overflow_in_fp16_is_skipped_and_counted():
    t = training(precision="fp16")
    t.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    before = weights(t.model.head).clone()
    row = train_epoch(t)
    assert row["skipped_steps"] == 6
    assert row["amp_scale"] == 2.0**34
    assert torch.equal(weights(t.model.head), before)


def test_a_loss_that_is_not_finite_fails_with_what_to_change():
    t = training(optim=Optim(name="sgd", lr=1e30, momentum=0.0))
    with pytest.raises(Diverged, match=r"Epoch 1.*lr = 1e\+30.*smaller optim.lr"):
        train_epoch(t)


def test_training_stops_when_validation_has_not_improved_for_patience_epochs(tmp_path):
    t = training(epochs=50, patience=2)
    run(t, tmp_path)
    assert t.epoch < 50
    assert t.epoch - t.best.epoch == 2
    accuracies = [row["validation_accuracy"] for row in t.history]
    assert t.best.epoch == 1 + int(np.argmax(accuracies))


def test_the_best_weights_are_those_of_the_selected_epoch(tmp_path):
    t = training(epochs=3)
    run(t, tmp_path)
    t.model.load_state_dict(t.best.weights)
    again = validate(t)
    assert again == {name: t.history[t.best.epoch - 1][name] for name in again}


def test_frozen_stages_keep_weights_and_batch_norm_statistics():
    transfer = Transfer(source="hub", freeze_epochs=1, stage_epochs=1)
    t = training(transfer=transfer)
    stem, body, head = (weights(part).clone() for part in (t.model.stem, t.model.body, t.model.head))
    rows = [train_epoch(t)]
    assert torch.equal(weights(t.model.stem), stem)
    assert torch.equal(weights(t.model.body), body)
    assert not torch.equal(weights(t.model.head), head)
    rows.append(train_epoch(t))
    assert torch.equal(weights(t.model.stem), stem)
    assert not torch.equal(weights(t.model.body), body)
    rows.append(train_epoch(t))
    assert not torch.equal(weights(t.model.stem), stem)
    learning = [row["trainable_parameters"] for row in rows]
    assert learning[0] < learning[1] < learning[2] == sum(p.numel() for p in t.model.parameters())


def test_r_drop_shows_the_model_each_image_twice():
    t = training(loss=Loss(r_drop=1.0))
    seen = []
    t.model.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    step(t, load(t, [np.arange(16)], 0)[0], t.data.train.targets, 0, torch.zeros(5))
    assert seen[0].shape[0] == 32
    assert torch.equal(seen[0][:16], seen[0][16:])


def test_soft_targets_are_learned_from_and_labels_can_be_drawn_from_them():
    splits = tiny.patterns()
    soft = np.full((96, 4), 0.05, np.float32)
    soft[np.arange(96), splits.train.labels] = 0.85
    train = type(splits.train)(splits.train.images, splits.train.labels, splits.train.ids, soft)
    given = type(splits)(card=splits.card, train=train, validation=splits.validation, test=splits.test)
    plain, drawn = (training(of=data(given, draw)) for draw in (False, True))
    rows = [train_epoch(plain), train_epoch(drawn)]
    assert rows[0]["train_loss"] != rows[1]["train_loss"]
    assert validate(plain)["validation_accuracy"] > 0.5


def test_a_regression_is_trained_on_its_targets_and_chosen_by_its_error(tmp_path):
    found = tiny.brightness()
    train, validation = (examples(split, 2, CPU) for split in (found.train, found.validation))
    prepare = Preparation(16, 1, normalisation_of(found.train.images))
    spec = RunSpec(task="action_units", image_size=16, batch_size=16, epochs=6, optim=Optim(lr=1e-2))
    t = setup(spec, tiny.build(2), Data(train, validation, prepare))
    assert run(t, tmp_path)
    errors = [row["validation_loss"] for row in t.history]
    assert t.best.epoch == 1 + int(np.argmin(errors))
    assert t.history[t.best.epoch - 1]["validation_r2"] > 0.3
    assert "train_accuracy" not in t.history[0]


def test_a_training_restored_from_its_state_goes_on_bit_for_bit(tmp_path):
    fields = EVERYTHING | {"precision": "bf16", "epochs": 4}
    whole = training(**fields)
    run(whole, tmp_path)
    first = training(**fields)
    stops = iter([False, True])
    assert not run(first, tmp_path / "cut", should_stop=lambda: next(stops))
    second = training(**fields)
    saved = load_checkpoint(tmp_path / "cut" / "checkpoint.pt")
    restore(second, saved)
    assert second.epoch == 2
    run(second, tmp_path / "cut")
    assert torch.equal(weights(whole.model), weights(second.model))
    assert torch.equal(weights(whole.evaluated), weights(second.evaluated))
    assert whole.best.epoch == second.best.epoch
    timeless = [
        [{k: v for k, v in r.items() if "second" not in k} for r in t.history] for t in (whole, second)
    ]
    assert timeless[0] == timeless[1]


def test_the_fp16_scaler_is_restored_too(tmp_path):
    t, other = training(precision="fp16"), training(precision="fp16")
    t.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    train_epoch(t)
    save_checkpoint(tmp_path / "c.pt", state(t))
    restore(other, load_checkpoint(tmp_path / "c.pt"))
    assert other.scaler.get_scale() == t.scaler.get_scale()


@pytest.mark.parametrize("damage", ["half", "one bit", "zeros", "empty", "another dict"])
def test_a_damaged_checkpoint_is_set_aside_and_named_and_the_one_before_it_is_used(damage, tmp_path):
    path, t, told = tmp_path / "checkpoint.pt", training(), []
    for _ in range(2):
        train_epoch(t)
        save_checkpoint(path, state(t))
    whole = path.read_bytes()
    middle = whole.index(t.model.head.weight.detach().numpy().tobytes()) + 100  # between are gaps
    other = io.BytesIO()
    torch.save({"epoch": 7}, other)
    path.write_bytes(
        {
            "half": whole[:middle],
            "one bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "zeros": bytes(len(whole)),
            "empty": b"",
            "another dict": other.getvalue(),
        }[damage]
    )
    assert load_checkpoint(path, told.append)["epoch"] == 1
    (line,) = told
    assert "checkpoint.pt: " in line
    assert "set aside as checkpoint.pt.damaged" in line
    assert not path.exists()
    assert load_checkpoint(path, told.append)["epoch"] == 1
    assert load_checkpoint(tmp_path / "none.pt") is None


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_one_before_and_says_so(tmp_path, monkeypatch):
    path, t = tmp_path / "checkpoint.pt", training()
    save_checkpoint(path, state(t))
    train_epoch(t)
    real = open

    def full(file, *arguments, **options):
        return real("/dev/full" if ".part" in str(file) else file, *arguments, **options)

    monkeypatch.setattr("io.open", full)
    with pytest.raises(OSError, match="No space left on device") as raised:
        save_checkpoint(path, state(t))
    assert raised.value.filename == str(path)
    assert load_checkpoint(path)["epoch"] == 0
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_left_in_the_midst_of_an_epoch_goes_on_bit_for_bit(accumulate, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "TICK_S", 0.0)
    optim = EVERYTHING["optim"].model_copy(update={"accumulate": accumulate})
    fields = EVERYTHING | {"epochs": 3, "optim": optim}
    whole, asked = training(**fields), itertools.count()
    assert run(whole, tmp_path / "whole")
    t, places = training(**fields), []
    while not run(t, tmp_path / "cut", should_leave=lambda: next(asked) % 2 == 1):
        saved = load_checkpoint(tmp_path / "cut" / "checkpoint.pt")
        places.append((saved["epoch"], saved["midway"]["updates"]))
        assert len(saved["history"]) == saved["epoch"]
        t = training(**fields)
        restore(t, saved)
    assert len(places) >= 3
    assert len(set(places)) == len(places)
    assert torch.equal(weights(whole.model), weights(t.model))
    assert torch.equal(weights(whole.ema.module), weights(t.ema.module))
    assert [row["train_loss"] for row in t.history] == [row["train_loss"] for row in whole.history]


def test_a_compiled_model_is_asked_for_by_the_spec(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model, **_: compiled.append(model) or model)
    t = training(compile=True)
    assert compiled == [t.model]
