"""Losses and mixing against published formulas and against timm and torch, values and gradients."""

import numpy as np
import pytest
import timm.data.mixup as timm_mixup
import torch
import torch.nn.functional as F
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy

from paper_kit.bench import losses, mixing
from paper_kit.core.spec import Loss

CPU = torch.device("cpu")
COUNTS = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965])  # FER2013's Training part
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def batch(count=32, classes=7):
    generator = torch.Generator().manual_seed(3)
    logits = 4 * torch.randn(count, classes, generator=generator, dtype=torch.float64)
    return logits, torch.randint(classes, (count,), generator=generator)


def gradient(function, logits):
    leaf = logits.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(leaf), leaf)
    return found


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_loss_of_hard_labels_is_minus_alpha_1_minus_p_to_the_gamma_log_p(gamma):
    """Lin et al., ICCV 2017, equation 5: FL(p_t) = -alpha_t (1 - p_t)^gamma log(p_t)."""
    logits, labels = batch()
    alpha = torch.linspace(0.25, 1.75, 7, dtype=torch.float64)
    p_t = logits.softmax(1)[torch.arange(32), labels]
    expected = -alpha[labels] * (1 - p_t) ** gamma * p_t.log()
    found = losses.focal(logits, F.one_hot(labels, 7).double(), gamma, alpha)
    torch.testing.assert_close(found, expected, **EXACT)


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_the_gradient_of_focal_loss_is_that_of_the_papers_appendix(gamma):
    """Lin et al., appendix B, for two classes: dFL/dx = y (1 - p_t)^gamma (gamma p_t log p_t + p_t - 1)."""
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.randn(64, generator=generator, dtype=torch.float64)
    y = torch.where(torch.rand(64, generator=generator) < 0.5, -1.0, 1.0).double()
    p_t = torch.sigmoid(y * x)
    expected = y * (1 - p_t) ** gamma * (gamma * p_t * p_t.log() + p_t - 1)
    targets = F.one_hot((y > 0).long(), 2).double()
    found = gradient(lambda one: losses.focal(torch.stack([0 * one, one], 1), targets, gamma).sum(), x)
    torch.testing.assert_close(found, expected, **EXACT)


@pytest.mark.parametrize(
    "function",
    [
        lambda one: losses.focal(one, torch.full_like(one, 0.2), 2.0).sum(),
        lambda one: losses.kl_from_uniform(one).sum(),
        lambda one: losses.symmetric_kl(one, one.flip(1)).sum(),
    ],
)
def test_each_term_has_the_gradient_of_finite_differences(function):
    assert torch.autograd.gradcheck(function, batch(4, 5)[0].requires_grad_())


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_effective_weights_are_those_of_cuis_code(beta, monkeypatch):
    """Their class_balanced_loss.py: weights = (1 - beta) / (1 - beta^n), divided by their sum, times K."""
    monkeypatch.setattr(losses, "EFFECTIVE_BETA", beta)
    weights = (1.0 - beta) / (1.0 - np.power(beta, COUNTS))
    expected = weights / np.sum(weights) * len(COUNTS)
    np.testing.assert_allclose(losses.class_weights("effective", COUNTS), expected, rtol=1e-6)


def test_an_effective_number_is_the_sum_of_the_powers_of_beta():
    """Cui et al., CVPR 2019, equation 2: E_n = 1 + beta + ... + beta^(n - 1)."""
    each = np.array([losses.EFFECTIVE_BETA**power for power in range(436)]).sum()
    ratio = losses.class_weights("effective", np.array([1, 436]))
    assert ratio[0] / ratio[1] == pytest.approx(each, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.3])
def test_smoothing_agrees_with_timm_and_with_torch_where_classes_are_weighted_too(smoothing):
    logits, labels = batch()
    logits, onehot = logits.float(), F.one_hot(labels, 7).float()
    found = losses.criterion(Loss(smoothing=smoothing), COUNTS, CPU)(logits, onehot)
    torch.testing.assert_close(found, LabelSmoothingCrossEntropy(smoothing)(logits, labels))
    weights = torch.from_numpy(losses.class_weights("inverse", COUNTS))
    weighted = Loss(smoothing=smoothing, class_weights="inverse")
    expected = F.cross_entropy(logits, labels, weights, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(losses.criterion(weighted, COUNTS, CPU)(logits, onehot), expected.mean())


def test_the_kl_to_uniform_is_torchs_divergence_of_two_distributions():
    logits, _ = batch()
    uniform = torch.distributions.Categorical(probs=torch.full((32, 7), 1 / 7, dtype=torch.float64))
    answer = torch.distributions.Categorical(logits=logits)
    expected = torch.distributions.kl_divergence(answer, uniform)
    torch.testing.assert_close(losses.kl_from_uniform(logits), expected, **EXACT)
    torch.testing.assert_close(losses.kl_from_uniform(logits), np.log(7) - answer.entropy(), **EXACT)


def test_r_drop_is_equation_4_of_its_paper_values_and_gradients():
    """Liang et al., NeurIPS 2021: -log P1 - log P2 + alpha/2 [KL(P1 || P2) + KL(P2 || P1)], here halved."""
    logits, labels = batch(64)
    labels, alpha = labels[:32], 0.6

    def reference(stacked):
        first, second = (torch.distributions.Categorical(logits=half) for half in stacked.chunk(2))
        kl = torch.distributions.kl_divergence
        nll = -first.log_prob(labels) - second.log_prob(labels)
        return ((nll + alpha * (kl(first, second) + kl(second, first))) / 2).mean()

    ours = losses.criterion(Loss(r_drop=alpha), COUNTS, CPU)
    onehot = F.one_hot(labels, 7).float()
    logits = logits.float()
    torch.testing.assert_close(ours(logits, onehot), reference(logits))
    torch.testing.assert_close(
        gradient(lambda one: ours(one, onehot), logits), gradient(reference, logits), rtol=1e-4, atol=1e-7
    )


class Scripted:
    """numpy's generator with the given answers, for timm (np.random) and for us."""

    def __init__(self, share, row, column):
        self.share, self.places = share, [row, column]

    def beta(self, _a, _b):
        return self.share

    def rand(self):
        return 0.0

    random = rand

    def integers(self, _high):
        return self.places.pop(0)

    def randint(self, _low, _high=None, size=None):
        del size
        return self.places.pop(0)


@pytest.mark.parametrize("share", [0.01, 0.31, 0.5, 0.77, 0.999])
@pytest.mark.parametrize(
    ("height", "width", "row", "column"), [(48, 48, 0, 0), (33, 47, 16, 46), (7, 5, 3, 2)]
)
def test_a_box_and_its_corrected_lambda_are_timms_on_any_shape(
    share, height, width, row, column, monkeypatch
):
    monkeypatch.setattr(timm_mixup.np, "random", Scripted(share, row, column))
    (top, bottom, left, right), corrected = timm_mixup.cutmix_bbox_and_lam((2, 1, height, width), share)
    mix = mixing.boxed(share, height, width, row, column)
    assert mix.box == (top, bottom, left, right)
    assert mix.share == pytest.approx(corrected, rel=1e-15)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
def test_mixed_smoothed_loss_and_gradient_are_those_of_timms_mixup_and_soft_cross_entropy(
    kind, share, monkeypatch
):
    logits, labels = batch(6)
    logits, images = logits.float(), torch.rand(6, 3, 21, 13)
    monkeypatch.setattr(timm_mixup.np, "random", Scripted(share, 5, 11))
    alphas = {"mixup_alpha": float(kind == "mixup"), "cutmix_alpha": float(kind == "cutmix")}
    reference = timm_mixup.Mixup(**alphas, label_smoothing=0.1, num_classes=7)
    expected_images, expected_targets = reference(images.clone(), labels)
    monkeypatch.undo()
    settings = mixing.Mixing(**alphas, probability=1.0)
    mix = mixing.draw(settings, 21, 13, Scripted(share, 5, 11))
    torch.testing.assert_close(mix.images(images), expected_images)
    ours = losses.criterion(Loss(smoothing=0.1), COUNTS, CPU)
    targets = mix.targets(F.one_hot(labels, 7).float())
    torch.testing.assert_close(losses.smoothed(targets, 0.1), expected_targets)
    timms = SoftTargetCrossEntropy()
    torch.testing.assert_close(
        gradient(lambda one: ours(one, targets), logits),
        gradient(lambda one: timms(one, expected_targets), logits),
    )
