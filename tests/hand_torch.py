"""The loss of a network that is computed by hand, and its slopes, from torch's autograd in float64."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from genstudio.nn.by_hand import HandNetwork
from genstudio.nn.mlp import DenseNetwork


def by_torch(hand: HandNetwork, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
    """Mean loss, and its slopes by the weights and biases, from autograd in float64."""
    module = DenseNetwork(hand.sizes, hand.activation).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for layer, weight, bias in zip(module.layers, hand.weights, hand.biases, strict=True):
            assert isinstance(layer, torch.nn.Linear)
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
    z, y = module(torch.from_numpy(inputs)), torch.from_numpy(targets)
    if hand.loss == "squared_error":
        loss = (z.sigmoid() - y).square().sum(1).mean()
    else:
        loss = F.binary_cross_entropy_with_logits(z, y) if z.shape[1] == 1 else F.cross_entropy(z, y)
    loss.backward()
    found = [parameter.grad.numpy() for parameter in module.parameters() if parameter.grad is not None]
    return float(loss.detach()), found[::2], found[1::2]
