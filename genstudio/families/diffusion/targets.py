"""Targets of training with less randomness than the noise that was drawn."""

from __future__ import annotations

import torch
from torch import Tensor

_SHARPEST = 1e3
"""Signal over noise beyond which float32 no longer tells samples apart by their likelihood."""


@torch.no_grad()
def shared(
    clean: Tensor, noise: Tensor, signal: Tensor, spread: Tensor, possible: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The clean sample and the noise to expect in each x = a x0 + s e, where x0 may be any sample of the batch (Xu et al. 2023).

    `clean` and `noise` (B, ...), `signal` a and `spread` s (B, 1, ...); `possible` (B, B) says which samples of the batch
    (columns) each x (rows) may come from. Every sample counts by its likelihood. Its own is drawn from the posterior and the
    others from the data, so over many batches the mean is that of its own alone: it is a draw of conditional importance sampling
    (Andrieu et al. 2010), which leaves the posterior as it is.
    """
    own, drawn = clean.flatten(1), noise.flatten(1)
    ratio = (signal / spread.clamp_min(1e-6)).flatten(1)
    sharp = ratio.clamp_max(_SHARPEST)
    # log N(x; a x_j, s^2) = r (e + r x_i) . x_j - r^2 |x_j|^2 / 2 + what does not depend on j
    logits = (sharp * (drawn + sharp * own)) @ own.T - sharp.square() / 2 * own.square().sum(1)
    if possible is not None:
        logits.masked_fill_(~possible, float("-inf"))
    moved = logits.softmax(1) @ own - own
    return (own + moved).view_as(clean), (drawn - ratio * moved).view_as(noise)
