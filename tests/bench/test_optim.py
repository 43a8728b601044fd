import pytest
import torch
from torch import nn

from paper_kit.bench import optim
from paper_kit.core.spec import Optim, Schedule
from tests.bench.tiny import Tiny


def names_by_group(model, settings):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = optim.parameter_groups(model, optim.stages_of(model), settings)
    return [({names[id(p)] for p in group["params"]}, group) for group in groups]


def test_norms_biases_and_what_the_model_names_go_without_weight_decay():
    model = Tiny(4, 1, 8, 0.0)
    model.no_weight_decay = lambda: {"body.0.*"}
    kept = {
        name for names, group in names_by_group(model, Optim()) if group["weight_decay"] for name in names
    }
    assert kept == {"stem.0.weight", "head.weight"}


def test_every_parameter_is_in_one_group():
    model = Tiny(4, 1, 8, 0.0)
    found = [name for names, _ in names_by_group(model, Optim(layer_decay=0.5)) for name in names]
    assert sorted(found) == sorted(name for name, _ in model.named_parameters())


def test_layer_decay_shrinks_the_rate_from_head_to_input():
    scales = {}
    for names, group in names_by_group(Tiny(4, 1, 8, 0.0), Optim(layer_decay=0.5)):
        scales |= {name.split(".")[0]: group["lr_scale"] for name in names}
    assert scales == {"stem": 0.25, "body": 0.5, "head": 1.0}


def test_a_parameter_outside_all_stages_counts_as_the_first():
    model = Tiny(4, 1, 8, 0.0)
    model.token = nn.Parameter(torch.zeros(1, 1, 8))
    assert optim.stage_of(model, optim.stages_of(model))["token"] == 0


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_optimiser_steps_as_torchs_own_with_the_rate_scaled(name):
    model, twin = Tiny(4, 1, 8, 0.0), Tiny(4, 1, 8, 0.0)
    twin.load_state_dict(model.state_dict())
    settings = Optim(name=name, lr=0.1, weight_decay=0.0, layer_decay=0.5)
    optimizer = optim.optimiser(model, optim.stages_of(model), settings)
    optim.set_lr(optimizer, 0.02)
    kind = torch.optim.AdamW if name == "adamw" else torch.optim.SGD
    extra = {} if name == "adamw" else {"momentum": 0.9}
    groups = [{"params": twin.stem.parameters(), "lr": 0.005}, {"params": twin.body.parameters(), "lr": 0.01}]
    reference = kind([*groups, {"params": twin.head.parameters(), "lr": 0.02}], weight_decay=0.0, **extra)
    for network, steps in ((model, optimizer), (twin, reference)):
        network.eval()(torch.ones(2, 1, 16, 16)).square().mean().backward()
        steps.step()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def rates(schedule, steps=100, an_epoch=10, lr=0.4):
    return [optim.lr_at(step, schedule, lr, steps, an_epoch) for step in range(steps)]


def torch_rates(scheduler_of, steps=100, lr=0.4):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = scheduler_of(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("rise", [0.3, 0.45])
def test_one_cycle_agrees_with_torch(rise):
    def reference(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            0.4,
            total_steps=101,
            pct_start=rise,
            div_factor=25,
            final_div_factor=4,
            cycle_momentum=False,
        )

    schedule = Schedule(name="one_cycle", rise=rise, floor=0.01)
    assert rates(schedule, steps=101) == pytest.approx(torch_rates(reference, 101)[:101], rel=1e-6)


def test_cosine_agrees_with_torch_after_a_linear_warm_up():
    found = rates(Schedule(warmup_epochs=2, floor=0.05))
    assert found[:20] == pytest.approx([0.4 * (step + 1) / 20 for step in range(20)])

    def reference(optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=79, eta_min=0.02)

    assert found[20:] == pytest.approx(torch_rates(reference, 80), rel=1e-6)


def test_constant_stays_after_its_warm_up():
    assert set(rates(Schedule(name="constant", warmup_epochs=0))) == {0.4}


@pytest.mark.parametrize("name", ["cosine", "one_cycle", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_schedule_of_a_few_steps_stays_between_zero_and_the_rate(name, steps):
    found = rates(Schedule(name=name), steps=steps, an_epoch=1)
    assert all(0 < rate <= 0.4 for rate in found)


@pytest.mark.parametrize("most", [0.1, 1e6, float("inf")])
def test_gradients_are_clipped_as_torch_does_to_the_bit(most):
    torch.manual_seed(0)
    ours, theirs = ([nn.Parameter(torch.ones(3, n)) for n in (1, 5, 70)] for _ in range(2))
    for mine, other in zip(ours[:2], theirs[:2], strict=True):  # the third has no gradient: it is frozen
        mine.grad = torch.randn(mine.shape)
        other.grad = mine.grad.clone()
    assert torch.equal(optim.clip_gradients(ours, most), nn.utils.clip_grad_norm_(theirs, most))
    assert all(torch.equal(mine.grad, other.grad) for mine, other in zip(ours[:2], theirs[:2], strict=True))
    assert ours[2].grad is None
