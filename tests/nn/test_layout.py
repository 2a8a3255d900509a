"""The layout of weights is a matter of speed alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT
from genstudio.nn.int8 import quantised
from genstudio.nn.layout import lay_out_for_writing
from genstudio.training import tensors


def made(dtype: torch.dtype, tied: bool = True) -> GPT:
    torch.manual_seed(0)
    values = {"layers": 2, "heads": 2, "d_model": 16, "context": 12, "tied": tied, "activation": "swiglu",
              "positions": "learned"}  # fmt: skip
    return GPT(GPTConfig.parse(values), 40).to(dtype).eval()


@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@torch.no_grad()
def test_a_model_is_the_same_in_another_layout(dtype: torch.dtype, close: float) -> None:
    model = made(dtype)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ids = torch.randint(0, 40, (3, 12), generator=torch.Generator().manual_seed(0))
    logits, cache = model(ids), model.new_cache(3)
    written = tensors.dump(model.state_dict())
    lay_out_for_writing(model)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert tensors.dump(model.state_dict()) == written
    torch.testing.assert_close(model(ids), logits, rtol=0, atol=close)
    steps = torch.cat([model(ids[:, i : i + 1], cache) for i in range(12)], 1)
    torch.testing.assert_close(steps, logits, rtol=0, atol=close)


def test_the_weights_of_one_input_lie_together_where_they_are_many() -> None:
    model = made(torch.float32)
    lay_out_for_writing(model)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            wide = layer.out_features > layer.in_features
            assert layer.weight.stride() == ((1, layer.out_features) if wide else (layer.in_features, 1))
    assert model.head.weight is model.tokens.weight


@torch.no_grad()
def test_int8_is_the_same_from_either_layout() -> None:
    ids = torch.arange(12)[None]
    model = made(torch.float32, tied=False)
    model.head.weight.normal_()
    expected = quantised(model)(ids)
    lay_out_for_writing(model)
    assert torch.equal(quantised(model)(ids), expected)
