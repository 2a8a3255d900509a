"""What a generator and a discriminator want, written on the discriminator's raw output; and the penalties on its slope.

`kind` is one of the losses that `families.settings.AdversarialLoss` names.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Judge = Callable[[Tensor], Tensor]


def real_loss(kind: str, logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """The discriminator's loss on real samples (n,): to be added to `fake_loss`; a scalar.

    With one-sided smoothing the target of real samples is 1 - smoothing (Salimans et al. 2016).
    """
    if kind in ("nonsaturating", "minimax"):
        loss = F.softplus(-logits).mean()  # -log D(x)
        return loss + smoothing * logits.mean() if smoothing else loss
    if kind == "least_squares":
        return 0.5 * (logits - (1 - smoothing)).square().mean()
    if kind == "hinge":
        return F.relu(1 - logits).mean()
    return -logits.mean()


def fake_loss(kind: str, logits: Tensor) -> Tensor:
    """The discriminator's loss on fakes (n,): a scalar."""
    if kind in ("nonsaturating", "minimax"):
        return F.softplus(logits).mean()  # -log(1 - D(G(z)))
    if kind == "least_squares":
        return 0.5 * logits.square().mean()
    if kind == "hinge":
        return F.relu(1 + logits).mean()
    return logits.mean()


def generator_loss(kind: str, logits: Tensor) -> Tensor:
    """The generator's loss on its fakes (n,): a scalar."""
    if kind == "nonsaturating":
        return F.softplus(-logits).mean()  # -log D(G(z))
    if kind == "minimax":
        return -F.softplus(logits).mean()  # log(1 - D(G(z)))
    if kind == "least_squares":
        return 0.5 * (logits - 1).square().mean()
    return -logits.mean()


def value(real: Tensor, fake: Tensor) -> Tensor:
    """V(D, G) = mean log D(x) + mean log(1 - D(G(z))) of Goodfellow et al. 2014, equation 1, from logits."""
    return -F.softplus(-real).mean() - F.softplus(fake).mean()


def slope(judge: Judge, samples: Tensor) -> Tensor:
    """Squared norm (n,) of the gradient of the judge's output with respect to each sample; can be differentiated."""
    samples = samples.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(samples).sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def zero_centred(judge: Judge, samples: Tensor, gamma: float) -> Tensor:
    """gamma / 2 times the mean squared slope: R1 at real samples, R2 at fakes (Mescheder et al. 2018, 9 and 10)."""
    return gamma / 2 * slope(judge, samples).mean()


def one_centred(judge: Judge, real: Tensor, fake: Tensor, weight: float, shares: Tensor) -> Tensor:
    """weight times the mean of (slope - 1)^2 at `shares` (n,) of the way from fake to real (Gulrajani et al. 2017, 3)."""
    along = shares.view(-1, *[1] * (real.ndim - 1))
    between = along * real + (1 - along) * fake
    return weight * (slope(judge, between).add(1e-12).sqrt() - 1).square().mean()


def weighted(loss: Tensor, weight: float) -> Tensor:
    """The loss times its weight; a weight of 1 costs nothing."""
    return loss if weight == 1 else weight * loss


def lazily(update: int, every: int) -> int:
    """How many times a penalty counts in an update (from 1): in each k-th alone, k times, so that its mean stays (Karras et al.
    2020, lazy regularisation)."""
    return 0 if update % every else every


def opinion(logits: Tensor, bounded: bool) -> Tensor:
    """What a discriminator says: a probability where its raw output is `bounded` by the logistic loss, else a score."""
    return logits.sigmoid() if bounded else logits


def opinions(kind: str, logits: Tensor, bounded: bool) -> dict[str, Tensor]:
    """The mean opinion of real samples and of fakes, and how many of each are told right, of logits (2, n), real ones first."""
    values = (*opinion(logits, bounded).mean(1).unbind(), *accuracy(kind, logits))
    return dict(zip(("d_real", "d_fake", "accuracy_real", "accuracy_fake"), values, strict=True))


def accuracy(kind: str, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of real and of fake samples that the discriminator tells right, of scores (2, n): real ones first.

    The line lies at D = 1/2, or at half way between the mean scores for a critic, whose scores have no zero.
    """
    if kind == "least_squares":
        line: Tensor | float = 0.5
    else:
        line = scores.mean(1).mean() if kind.startswith("wasserstein") else 0.0
    taken = (scores > line).float().mean(1)
    return taken[0], 1 - taken[1]
