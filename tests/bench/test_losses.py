import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torchvision.ops import sigmoid_focal_loss

from paper_kit.bench import losses
from paper_kit.core.spec import Loss

CPU = torch.device("cpu")
COUNTS = np.array([10, 40, 400, 50])


def batch(count=16, classes=4):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(count, classes, generator=generator)
    return logits, torch.randint(classes, (count,), generator=generator)


def soft(count=16, classes=4):
    return torch.rand(count, classes, generator=torch.Generator().manual_seed(1)).softmax(1)


def test_focal_loss_with_gamma_zero_is_cross_entropy_on_hard_and_on_soft_labels():
    logits, labels = batch()
    hard = losses.focal(logits, F.one_hot(labels, 4).float(), 0.0).mean()
    assert torch.allclose(hard, F.cross_entropy(logits, labels))
    assert torch.allclose(losses.focal(logits, soft(), 0.0).mean(), F.cross_entropy(logits, soft()))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_on_mixed_labels_is_the_sum_over_the_classes(gamma):
    logits, _ = batch()
    p = logits.double().softmax(1)
    expected = (soft().double() * (1 - p) ** gamma * -p.log()).sum(1)
    assert torch.allclose(losses.focal(logits.double(), soft().double(), gamma), expected)


def test_focal_loss_agrees_with_torchvisions_for_two_classes():
    logits, labels = batch(classes=2)
    margin = logits[:, 1] - logits[:, 0]
    expected = sigmoid_focal_loss(margin, labels.float(), alpha=-1, gamma=2.0)
    assert torch.allclose(losses.focal(logits, F.one_hot(labels, 2).float(), 2.0), expected, atol=1e-6)


def test_focal_loss_has_finite_gradients_where_the_model_is_sure():
    logits = torch.tensor([[60.0, -60.0], [-200.0, 200.0]], requires_grad=True)
    losses.focal(logits, torch.eye(2), 0.5).sum().backward()
    assert logits.grad.isfinite().all()


def test_weights_multiply_the_loss_of_each_class():
    logits, labels = batch()
    weights = torch.tensor([0.1, 1.0, 2.0, 3.0])
    found = losses.focal(logits, F.one_hot(labels, 4).float(), 0.0, weights)
    assert torch.allclose(found, F.cross_entropy(logits, labels, weights, reduction="none"))


def test_inverse_weights_are_those_of_scikit_learn():
    labels = np.repeat(np.arange(4), COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert losses.class_weights("inverse", COUNTS) == pytest.approx(expected)


def test_effective_number_weights_follow_cui_and_sum_to_the_number_of_classes():
    found = losses.class_weights("effective", COUNTS)
    expected = (1 - 0.999) / (1 - 0.999**COUNTS)
    assert found == pytest.approx(expected / expected.sum() * 4, rel=1e-5)
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("kind", ["none", "inverse", "effective"])
def test_a_class_without_images_has_weight_zero(kind):
    assert losses.class_weights(kind, np.array([5, 0, 5]))[1] == 0


def test_smoothing_agrees_with_torch():
    logits, labels = batch()
    found = losses.criterion(Loss(smoothing=0.1), COUNTS, CPU)(logits, F.one_hot(labels, 4).float())
    assert torch.allclose(found, F.cross_entropy(logits, labels, label_smoothing=0.1))


def test_the_kl_to_uniform_is_zero_for_a_uniform_answer_and_log_k_for_a_sure_one():
    found = losses.kl_from_uniform(torch.tensor([[0.0, 0, 0, 0], [100.0, 0, 0, 0]]))
    assert found.tolist() == pytest.approx([0.0, np.log(4)], abs=1e-6)
    logits, _ = batch()
    log_uniform = torch.full_like(logits, 0.25).log()
    expected = F.kl_div(log_uniform, logits.log_softmax(1), reduction="none", log_target=True).sum(1)
    assert torch.allclose(losses.kl_from_uniform(logits), expected, atol=1e-5)


def test_r_drop_is_the_mean_cross_entropy_of_two_passes_and_their_symmetric_kl():
    (first, labels), second = batch(), batch()[0].flip(1)
    targets = F.one_hot(labels, 4).float()
    found = losses.criterion(Loss(r_drop=0.7), COUNTS, CPU)(torch.cat([first, second]), targets)
    p, q = first.log_softmax(1), second.log_softmax(1)
    kl = F.kl_div(p, q, reduction="batchmean", log_target=True) + F.kl_div(
        q, p, reduction="batchmean", log_target=True
    )
    ce = F.cross_entropy(first, labels) + F.cross_entropy(second, labels)
    assert torch.allclose(found, ce / 2 + 0.7 * kl / 2, atol=1e-6)
    same = losses.criterion(Loss(r_drop=0.7), COUNTS, CPU)(torch.cat([first, first]), targets)
    assert torch.allclose(same, F.cross_entropy(first, labels))


def test_the_terms_of_the_loss_add_up():
    logits, labels = batch()
    targets = F.one_hot(labels, 4).float()
    plain = losses.criterion(Loss(gamma=2.0), COUNTS, CPU)(logits, targets)
    regularised = losses.criterion(Loss(gamma=2.0, kl_uniform=0.3), COUNTS, CPU)(logits, targets)
    assert torch.allclose(regularised, plain + 0.3 * losses.kl_from_uniform(logits).mean())
