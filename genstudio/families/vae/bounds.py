"""What a VAE makes larger: the likelihood of a sample, the KL of its code, and bounds of log p(x). All in nats."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


def kl_to_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mu, s^2) || N(0, 1)) = 1/2 (mu^2 + s^2 - 1 - log s^2) of each number (Kingma & Welling 2014, B): (..., k)"""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def log_likelihood(
    kind: Literal["gaussian", "bernoulli"], x: Tensor, made: Tensor, log_deviation: Tensor | None = None
) -> Tensor:
    """log p(x | z) of samples (B, ...): `made` is the mean of a Gaussian of this deviation, or logits of white pixels: (B,)"""
    if kind == "bernoulli":
        return -F.binary_cross_entropy_with_logits(made, x, reduction="none").flatten(1).sum(1)
    assert log_deviation is not None
    away = ((x - made) / log_deviation.exp()).flatten(1)
    return -0.5 * away.square().sum(1) - away.shape[1] * (log_deviation + 0.5 * LOG_2PI)


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; mu, s^2) of codes (..., k): (...)"""
    return -0.5 * ((z - mean).square() / log_variance.exp() + log_variance + LOG_2PI).sum(-1)


def importance_bound(log_weights: Tensor) -> Tensor:
    """log 1/k sum_i p(x, z_i) / q(z_i | x) from the logs of its terms (k, B), a lower bound of log p(x) that rises with k (Burda
    et al. 2016, eq. 8): (B,)"""
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def linear_gaussian(x: Tensor, weight: Tensor, bias: Tensor, log_deviation: Tensor) -> Tensor:
    """The exact log p(x) of samples (B, D) where x = W z + b + s e: that of N(b, W W' + s^2), probabilistic PCA (Tipping & Bishop
    1999, eq. 5), in float64: (B,)"""
    w, variance, (numbers, k) = weight.double(), (2 * log_deviation.double()).exp(), weight.shape
    away = x.double() - bias.double()
    inner = w.T @ w + variance * torch.eye(k, dtype=w.dtype, device=w.device)
    turned = away @ w
    squares = (away.square().sum(1) - (turned @ torch.linalg.inv(inner) * turned).sum(1)) / variance
    volume = torch.logdet(inner) + (numbers - k) * variance.log()
    return -0.5 * (squares + volume + numbers * LOG_2PI)
