"""Exponential moving averages."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def update_ema(average: Sequence[Tensor], newest: Sequence[Tensor], decay: float, step: int) -> None:
    """Move each average towards its newest value by 1 - decay, and by more in the first steps: (1 + s) / (10 + s)."""
    share = 1 - min(decay, (1 + step) / (10 + step)) if decay else 1.0
    torch._foreach_lerp_(list(average), list(newest), share)
