"""The layout of weights is a matter of speed alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT
from genstudio.nn.int8 import quantised
from genstudio.nn.layout import SharedLinear, lay_out_for_writing
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


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(384, 512), (512, 384), (385, 511)])
@pytest.mark.parametrize("bias", [False, True])
@torch.no_grad()
def test_a_shared_product_is_the_product(shape: tuple[int, int], bias: bool, threads: Callable[[int], None]) -> None:
    inside = nn.Sequential(nn.Linear(*shape, bias=bias).double())
    plain = copy.deepcopy(inside[0])
    lay_out_for_writing(inside)
    shared = inside[0]
    assert isinstance(shared, SharedLinear) == torch.backends.mkl.is_available()
    assert shared.state_dict().keys() == plain.state_dict().keys()
    for count in (2, 3, 1):
        threads(count)
        for rows in ((1,), (1, 1), (3, 1), (2, 4), (9,), (0,), ()):
            x = torch.randn(*rows, shape[0], dtype=torch.float64)
            torch.testing.assert_close(shared(x), plain(x), rtol=0, atol=1e-12)


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="products are shared out with MKL only")
@torch.no_grad()
def test_the_weights_are_cut_for_the_threads_there_are_and_not_copied(threads: Callable[[int], None]) -> None:
    inside = nn.Sequential(nn.Linear(384, 512), nn.Linear(512, 384))
    lay_out_for_writing(inside)
    for layer in inside:
        for count in (2, 4):
            threads(count)
            layer(torch.randn(1, layer.in_features))
            assert len(layer._cut) == count
            assert copy.deepcopy(layer)._cut.numel() == 0
            assert layer._cut.untyped_storage().data_ptr() == layer.weight.untyped_storage().data_ptr()


def test_a_shared_layer_still_has_gradients(threads: Callable[[int], None]) -> None:
    threads(2)
    inside = nn.Sequential(nn.Linear(384, 512))
    lay_out_for_writing(inside)
    x = torch.randn(1, 384)
    inside(x).sum().backward()
    torch.testing.assert_close(inside[0].weight.grad, x.expand(512, -1))
