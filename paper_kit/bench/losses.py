"""The loss of a batch: focal with class weights, smoothing and two KL terms; squared error for regression."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from paper_kit.core.spec import Loss

EFFECTIVE_BETA = 0.999  # Cui et al., CVPR 2019, section 5: their best value lies between 0.99 and 0.9999

Criterion = Callable[[Tensor, Tensor], Tensor]  # (outputs_NK, targets_NK) -> the batch's mean loss


def class_weights(kind: str, counts_K: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weights_K of the classes; 0 for a class without training images.

    "inverse": N / (K n_k), whose mean over the training images is 1.
    "effective": (1 - beta) / (1 - beta^n_k), scaled to sum to K (Cui et al., CVPR 2019, equation 4).
    """
    counts = counts_K.astype(np.float64)
    present = counts > 0
    weights = present.astype(np.float64)
    if kind == "inverse":
        weights[present] = counts.sum() / (present.sum() * counts[present])
    elif kind == "effective":
        weights[present] = (1 - EFFECTIVE_BETA) / (1 - EFFECTIVE_BETA ** counts[present])
        weights *= present.sum() / weights.sum()
    return weights.astype(np.float32)


def focal(logits_NK: Tensor, targets_NK: Tensor, gamma: float, weights_K: Tensor | None = None) -> Tensor:
    """losses_N = sum_k w_k y_k (1 - p_k)^gamma (-log p_k); gamma 0 is cross entropy.

    Source: Lin et al., ICCV 2017, equation 5, summed over the classes of a soft label.
    """
    log_p = F.log_softmax(logits_NK, dim=1)
    terms = -targets_NK * log_p
    if gamma:
        # 1 - p through expm1 keeps its digits, and so its gradient, where p is almost 1.
        terms = terms * (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny) ** gamma
    if weights_K is not None:
        terms = terms * weights_K
    return terms.sum(1)


def smoothed(targets_NK: Tensor, smoothing: float) -> Tensor:
    """targets_NK with `smoothing` of their mass spread evenly over all classes (Szegedy et al., 2016)."""
    return targets_NK.lerp(torch.full_like(targets_NK, 1 / targets_NK.shape[1]), smoothing)


def kl_from_uniform(logits_NK: Tensor) -> Tensor:
    """losses_N = KL(p || uniform) = log K - H(p), the confidence penalty of Pereyra et al. (2017)."""
    log_p = F.log_softmax(logits_NK, dim=1)
    return (log_p.exp() * log_p).sum(1) + float(np.log(logits_NK.shape[1]))


def symmetric_kl(first_NK: Tensor, second_NK: Tensor) -> Tensor:
    """losses_N = (KL(p || q) + KL(q || p)) / 2 of two passes' logits (R-Drop: Liang et al., NeurIPS 2021)."""
    log_p, log_q = F.log_softmax(first_NK, dim=1), F.log_softmax(second_NK, dim=1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(1) / 2


def criterion(loss: Loss, counts_K: NDArray[np.int64], device: torch.device) -> Criterion:
    """The loss that `loss` asks for. With R-Drop, two passes come stacked: 2N logits for N targets."""
    weights_K = None
    if loss.class_weights != "none":
        weights_K = torch.from_numpy(class_weights(loss.class_weights, counts_K)).to(device)

    def mean_loss(logits_NK: Tensor, targets_NK: Tensor) -> Tensor:
        logits = logits_NK.float()
        targets = smoothed(targets_NK, loss.smoothing) if loss.smoothing else targets_NK
        passes = logits.chunk(2) if loss.r_drop else (logits,)
        losses = torch.stack([focal(one, targets, loss.gamma, weights_K) for one in passes]).mean(0)
        if loss.kl_uniform:
            losses = losses + loss.kl_uniform * torch.stack([kl_from_uniform(one) for one in passes]).mean(0)
        if loss.r_drop:
            losses = losses + loss.r_drop * symmetric_kl(*passes)
        return losses.mean()

    return mean_loss


def squared_error(outputs_NT: Tensor, targets_NT: Tensor) -> Tensor:
    """Mean squared error over images and targets; the loss of the source task."""
    return F.mse_loss(outputs_NT.float(), targets_NT)
