"""Gradients that begin in the middle of a model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pulled_back(leaving: Tensor, pull: Tensor, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The gradients of `inputs`, where `pull` is that of `leaving`, of the same shape.

    Of a product, with the same result: where `torch.autograd.grad` is handed a gradient, it first imports a computer algebra
    system, which takes 0.6 s of Python in the first second of a training, while the window waits for the interpreter.
    """
    with torch.enable_grad():
        return torch.autograd.grad((leaving * pull).sum(), inputs)
