"""Schedules, weight averages, layer decay and unfreezing of a training against their references."""

import numpy as np
import pytest
import timm
import torch
from timm.optim import param_groups_layer_decay
from timm.scheduler import CosineLRScheduler
from torch import nn

from paper_kit.bench import optim, train
from paper_kit.bench.examples import examples
from paper_kit.bench.pixels import Preparation, normalisation_of
from paper_kit.bench.randomness import seed_everything
from paper_kit.bench.training import Data, setup
from paper_kit.core.part import load
from paper_kit.core.spec import Optim, RunSpec, Schedule, Transfer
from tests.bench import tiny

CPU = torch.device("cpu")


def training(network=None, size=16, **fields):
    found = tiny.patterns()
    data = Data(
        *(examples(split, 4, CPU) for split in (found.train, found.validation)),
        Preparation(size, 1, normalisation_of(found.train.images)),
    )
    spec = RunSpec(**{"image_size": size, "batch_size": 16, "epochs": 5, "optim": Optim(lr=1e-2), **fields})
    seed_everything(spec.seed, 0)
    return setup(spec, network() if network else tiny.build(4), data)


def rates_used(t):
    """The learning rate of each optimiser step of the head's group, over all epochs."""
    used, own = [], t.optimizer.step

    def step(*arguments, **options):
        used.append([group["lr"] / group["lr_scale"] for group in t.optimizer.param_groups])
        return own(*arguments, **options)

    t.optimizer.step = step
    while not t.finished:
        train.train_epoch(t)
    rates = np.array(used)
    np.testing.assert_allclose(rates, rates[:, -1:].repeat(rates.shape[1], 1), rtol=1e-12)
    return rates[:, -1]


def optimizer_at(lr):
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)


def test_a_training_on_one_cycle_uses_torchs_rates_step_by_step():
    t = training(
        schedule=Schedule(name="one_cycle", rise=0.3, floor=0.02), optim=Optim(lr=0.01, layer_decay=0.7)
    )
    steps = 5 * t.updates
    reference = optimizer_at(0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        reference, 0.01, total_steps=steps, pct_start=0.3, final_div_factor=2, cycle_momentum=False
    )
    expected = []
    for _ in range(steps):
        expected.append(reference.param_groups[0]["lr"])
        reference.step()
        cycle.step()
    np.testing.assert_allclose(rates_used(t), expected, rtol=1e-12)


@pytest.mark.parametrize("warmup", [0, 1, 2])
def test_a_training_on_the_cosine_uses_timms_rates_with_its_warm_up_one_step_ahead(warmup):
    """timm's first step has the rate warmup_lr_init = 0 and learns nothing; ours starts with its second."""
    t = training(schedule=Schedule(name="cosine", warmup_epochs=warmup, floor=0.05))
    steps, first = 5 * t.updates, warmup * t.updates
    timms = CosineLRScheduler(
        optimizer_at(0.01),
        t_initial=steps - 1 - first,
        lr_min=0.01 * 0.05,
        warmup_t=first,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    expected = [timms._get_lr(step + (step < first))[0] for step in range(steps - 1)]
    found = rates_used(t)
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-12)
    assert found[-1] == pytest.approx(0.01 * 0.05)


def test_a_constant_training_warms_up_linearly_and_stays():
    t = training(schedule=Schedule(name="constant", warmup_epochs=1))
    warm = [0.01 * (step + 1) / t.updates for step in range(t.updates)]
    np.testing.assert_allclose(rates_used(t), warm + [0.01] * 4 * t.updates, rtol=1e-12)


def test_the_averaged_weights_and_statistics_follow_the_recursion():
    """e_t = d_t e_(t-1) + (1 - d_t) w_t with d_t = min(decay, 1 - t^(-2/3)), of statistics too."""
    t = training(optim=Optim(lr=1e-2, ema_decay=0.7, accumulate=2))
    average, done = None, 0
    own = train._update

    def update(t, updates_done, totals):
        nonlocal average, done
        own(t, updates_done, totals)
        done += 1
        now = {name: value.double() for name, value in t.model.state_dict().items()}
        decay = min(0.7, 1 - done ** (-2 / 3))
        average = {name: decay * average[name] + (1 - decay) * now[name] for name in now} if average else now
        assert updates_done == done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_update", update)
        for _ in range(3):
            train.train_epoch(t)
    assert done == 9
    for name, value in t.evaluated.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), average[name], rtol=1e-5, atol=1e-7)
        else:
            assert torch.equal(value, t.model.state_dict()[name])


@pytest.mark.parametrize(
    "architecture", ["test_vit", "vit_tiny_patch16_224", "test_convnext", "test_efficientnet", "test_resnet"]
)
def test_layer_decay_and_weight_decay_are_timms_with_its_coarse_layers(architecture):
    """A ViT's coarse layers are its blocks, timm's own choice; a CNN's are its stages."""
    model = load("model", "timm_model")(7, image_size=32, channels=3, architecture=architecture)
    settings = Optim(layer_decay=0.6, weight_decay=0.03)
    ours = scales(model.net, optim.parameter_groups(model, model.stages(), settings))
    published = timm.create_model(architecture, num_classes=7)
    exempt = published.no_weight_decay() if hasattr(published, "no_weight_decay") else ()
    if "vit" not in architecture:
        fine = published.group_matcher
        published.group_matcher = lambda coarse: fine(coarse=not coarse)
    theirs = scales(published, param_groups_layer_decay(published, 0.03, exempt, layer_decay=0.6))
    assert ours == {name: pytest.approx(pair, rel=1e-12) for name, pair in theirs.items()}


def scales(network, groups):
    """Parameter name -> (scale of the rate, weight decay)."""
    names = {id(value): name for name, value in network.named_parameters()}
    return {
        names[id(value)]: (group["lr_scale"], group["weight_decay"])
        for group in groups
        for value in group["params"]
    }


NETWORKS = {
    "resemotenet": {"width": 4, "depths": (1, 1, 1), "fusion_width": 8},
    "advanced_emotenet": {"backbone": "test_efficientnet", "fusion_width": 8, "hidden": 8},
    "emotion_vit": {"embed_dim": 16, "depth": 4, "num_heads": 2, "patch_size": 8},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_of_each_model_learn_from_their_epoch_on_and_not_a_bit_before(name):
    """freeze_epochs = 1, stage_epochs = 1: the head learns at once, one more stage in each later epoch."""
    build = load("model", name)
    t = training(
        lambda: build(4, image_size=32, channels=1, **NETWORKS[name]),
        size=32,
        epochs=len(build(4, image_size=32, channels=1, **NETWORKS[name]).stages()) + 1,
        transfer=Transfer(source="hub", architecture="any", freeze_epochs=1, stage_epochs=1),
        optim=Optim(lr=1e-2, weight_decay=0.5, ema_decay=0.9),
        schedule=Schedule(name="constant", warmup_epochs=0),
    )
    stages = [stage for stage, _ in t.stages]
    for epoch in range(1, len(stages) + 1):
        before, averaged = (entries(model) for model in (t.model, t.evaluated))
        train.train_epoch(t)
        learns = set(stages[max(0, len(stages) - epoch) :])
        assert changed(before, entries(t.model)) == learns
        assert changed(averaged, entries(t.evaluated)) == learns
    assert len(t.optimizer.state) == len(list(t.model.parameters()))


def entries(model):
    """Stage -> copies of all that its modules hold: weights, and statistics of batch norms."""
    return {
        stage: [value.clone() for module in modules for value in held(module)]
        for stage, modules in model.stages()
    }


def held(module):
    """A module's parameters and buffers."""
    return [*module.parameters(), *module.buffers()]


def changed(before, after):
    return {
        stage
        for stage in before
        if any(not torch.equal(old, new) for old, new in zip(before[stage], after[stage], strict=True))
    }


def test_a_frozen_batch_norm_normalises_by_its_running_statistics_and_keeps_them():
    t = training(transfer=Transfer(source="hub", architecture="any", freeze_epochs=5))
    norm = t.model.stem[1]
    with torch.no_grad():
        norm.running_mean.fill_(0.3)
        norm.running_var.fill_(2.0)
    seen = []
    norm.register_forward_hook(lambda module, inputs, out: seen.append((module, inputs[0], out)))
    train.train_epoch(t)
    _, given, found = seen[0]
    expected = (given - 0.3) / (2.0 + norm.eps) ** 0.5
    torch.testing.assert_close(found, expected)
    assert norm.num_batches_tracked == 0
    assert norm.running_mean.eq(0.3).all()
    assert not any(value.requires_grad for value in t.model.stem.parameters())
