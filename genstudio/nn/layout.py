"""How the weights of a model lie in memory."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def lay_out_for_writing(model: nn.Module) -> None:
    """Store the weights of widening linear layers on the CPU input by input; their shapes and values stay.

    One token's product with a matrix is as fast as the matrix comes from memory, and that is fastest in long runs: where
    there are more outputs than inputs, the weights of one input are the longer run. Other products take as long as before.
    """
    for layer in model.modules():
        if not isinstance(layer, nn.Linear) or layer.weight.device.type != "cpu":
            continue
        if layer.out_features > layer.in_features:
            layer.weight.data = layer.weight.data.t().contiguous().t()
