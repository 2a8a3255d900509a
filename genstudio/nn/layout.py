"""How the weights of a model lie in memory, and how threads share them out, to write a token at a time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_ROWS, _PARTS, _WORTH = 8, 8, 2**17
"""Most rows and parts of a product that is shared out, and the least number of weights: sharing itself takes time."""


@torch.no_grad()
def lay_out_for_writing(model: nn.Module) -> None:
    """Store the weights of widening linear layers on the CPU input by input; their shapes and values stay. Large layers
    become SharedLinear.

    One token's product with a matrix is as fast as the matrix comes from memory, and that is fastest in long runs: where
    there are more outputs than inputs, the weights of one input are the longer run. Other products take as long as before.
    """
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if not isinstance(layer, nn.Linear) or layer.weight.device.type != "cpu":
                continue
            if layer.out_features > layer.in_features:
                layer.weight.data = layer.weight.data.t().contiguous().t()
            if layer.weight.numel() >= _WORTH and torch.backends.mkl.is_available():
                setattr(module, name, SharedLinear(layer))


class SharedLinear(nn.Linear):
    """A linear layer with the weights of another, whose product with few rows is shared out among all threads.

    MKL gives the product of a matrix with one row to one thread, which cannot fetch all that the memory has to give; of a
    batch of products each thread takes one. So the weights are cut, without a copy, where they lie in long runs: between
    inputs, when the parts are added up, or between outputs, when they are put side by side.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self._by_input = self.weight.stride(0) == 1
        self._threads, self._cut = 0, torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., in) -> (..., out)"""
        rows = x.numel() // self.in_features
        if torch.is_grad_enabled() or not 1 <= rows <= _ROWS or (parts := len(weights := self._cut_up())) == 1:
            return super().forward(x)
        if self._by_input:
            shares = torch.bmm(x.reshape(rows, parts, -1).transpose(0, 1), weights)
            y = torch.add(*shares) if parts == 2 else shares.sum(0)
        else:
            y = torch.bmm(x.reshape(1, rows, -1).expand(parts, -1, -1), weights).transpose(0, 1)
        y = y.reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_threads": 0, "_cut": torch.empty(0)}  # a copy cuts up its own weights

    def _cut_up(self) -> Tensor:
        """The weights in equal parts, one for each thread where that is possible: (parts, inputs, outputs) of a part."""
        threads = min(torch.get_num_threads(), _PARTS)
        if threads != self._threads:
            length = self.in_features if self._by_input else self.out_features
            parts = next(n for n in range(threads, 0, -1) if length % n == 0)
            if self._by_input:
                self._cut = self.weight.t().view(parts, -1, self.out_features)
            else:
                self._cut = self.weight.view(parts, -1, self.in_features).mT
            self._threads = threads
        return self._cut
