"""Linear layers with weights of 8 bits, for the CPU: a quarter of the memory to fetch for every token."""

from __future__ import annotations

import copy
import warnings
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def available() -> bool:
    """Whether this build of torch has the kernels for this processor."""
    return torch.backends.quantized.engine not in ("", "none")


class Int8Linear(nn.Module):
    """A linear layer whose weights are whole numbers from -127 to 127 times a factor for each output, and whose inputs
    are rounded to 128 levels for each call (dynamic quantisation, Jacob et al. 2018). It cannot be trained."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.detach().float().cpu()
        factor = weight.abs().amax(1).clamp_min(1e-12).double() / 127
        zero = torch.zeros(len(weight), dtype=torch.int64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the type of the packed weights is to be replaced in a later torch
            whole = torch.quantize_per_channel(weight, factor, zero, 0, torch.qint8)
            self.bias = None if linear.bias is None else linear.bias.detach().float().cpu()
            self._packed: Any = torch.ops.quantized.linear_prepack(whole, self.bias)

    @property
    def weight(self) -> Tensor:
        """The weights that are computed with, (out, in) float32."""
        whole: Tensor = torch.ops.quantized.linear_unpack(self._packed)[0]
        return whole.dequantize()

    def forward(self, x: Tensor) -> Tensor:
        """x (..., in) float32 -> (..., out)"""
        reduced = True  # to 7 bits: sums of 8 x 8 bits overflow on processors without VNNI
        with torch._C.DisableTorchFunctionSubclass():  # else packed weights are asked for what they lack, twice a call
            y: Tensor = torch.ops.quantized.linear_dynamic.default(x, self._packed, reduced)
        return y


def quantised(model: M) -> M:
    """A copy of a model, on the CPU, with all its linear layers in 8 bits; it cannot be trained."""
    embedded = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    uncopied = {
        id(m.weight): m.weight for m in model.modules() if isinstance(m, nn.Linear) and id(m.weight) not in embedded
    }
    other = copy.deepcopy(model, dict[int, Any](uncopied))
    for module in list(other.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, Int8Linear(child))
    return other.cpu().eval().requires_grad_(False)
