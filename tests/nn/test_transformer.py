"""Norms, feed-forward layers and blocks: values by hand, gradients by finite differences."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.nn.norm import EPSILON, LayerNorm, RMSNorm, norm, rms_norm
from genstudio.nn.positions import rotary
from genstudio.nn.transformer import Block, FeedForward
from helpers import usually


def test_rms_norm_is_its_formula_and_torchs_with_and_without_gradients() -> None:
    torch.manual_seed(0)
    x, layer = torch.randn(3, 5, 8, dtype=torch.float64) * 7, RMSNorm(8).double()
    torch.nn.init.normal_(layer.weight)
    expected = x / (x.square().mean(-1, keepdim=True) + EPSILON).sqrt() * layer.weight
    torch.testing.assert_close(layer(x), expected, atol=1e-12, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected, atol=1e-12, rtol=0)
        torch.testing.assert_close(rms_norm(x), F.rms_norm(x, (8,), eps=EPSILON), atol=1e-12, rtol=0)
    assert torch.isfinite(layer(torch.zeros(2, 8, dtype=torch.float64))).all()


def test_gradients_of_a_norm_are_those_of_finite_differences_and_second_ones_are_refused() -> None:
    torch.manual_seed(0)
    x, weight = (torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((3, 5, 8), (8,)))
    assert torch.autograd.gradcheck(rms_norm, (x, weight)) and torch.autograd.gradcheck(rms_norm, (x,))
    (gradient,) = torch.autograd.grad(rms_norm(x, weight).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_layer_norm_has_a_bias_only_when_asked() -> None:
    assert isinstance(norm("layernorm", 4, True), LayerNorm) and isinstance(norm("rmsnorm", 4, True), RMSNorm)
    assert [name for name, _ in LayerNorm(4, False).named_parameters()] == ["weight"]
    x = torch.randn(2, 4)
    torch.testing.assert_close(LayerNorm(4)(x), torch.nn.LayerNorm(4)(x))


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu", "relu2"])
def test_feed_forward_is_its_formula(activation: str) -> None:
    torch.manual_seed(0)
    layer, x = FeedForward(6, 10, activation, bias=True).double(), torch.randn(4, 6, dtype=torch.float64)  # type: ignore[arg-type]
    hidden = F.linear(x, layer.up.weight, layer.up.bias)
    middle = {
        "relu": lambda h: h * (h > 0),
        "gelu": lambda h: h * torch.special.ndtr(h),
        "swiglu": lambda h: h[:, :10] * torch.sigmoid(h[:, :10]) * h[:, 10:],
        "relu2": lambda h: (h * (h > 0)) ** 2,
    }[activation](hidden)
    expected = F.linear(middle, layer.down.weight, layer.down.bias)
    torch.testing.assert_close(layer(x), expected, atol=1e-12, rtol=0)


@usually(
    ("activation", "kind", "place"),
    list(itertools.product(["relu2", "swiglu", "gelu", "relu"], ["rmsnorm", "layernorm"], ["pre", "post"])),
    4,
)
def test_gradients_of_a_block_are_those_of_finite_differences(activation: str, kind: str, place: str) -> None:
    torch.manual_seed(0)
    block = Block(
        4,
        2,
        2,
        3,
        5,
        activation=activation,
        norm_kind=kind,
        norm_place=place,
        qk_norm=True,
        bias=True,  # type: ignore[arg-type]
    ).double()
    names, turn = [name for name, _ in block.named_parameters()], rotary(3, 2).to(torch.complex128)

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(block, dict(zip(names, weights, strict=True)), (x, turn))

    x = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (x, *(p.detach().requires_grad_() for p in block.parameters())))


def test_pre_and_post_place_the_norm_where_they_say() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 5, 8) * 10
    for place in ("pre", "post"):
        block = Block(8, 2, 4, 5, 16, norm_place=place, norm_kind="rmsnorm")  # type: ignore[arg-type]
        a, f = block.attention, block.feed_forward
        n, m = block.attention_norm, block.feed_forward_norm
        if place == "pre":
            y = x + a(n(x))
            expected = y + f(m(y))
        else:
            y = n(x + a(x))
            expected = m(y + f(y))
        torch.testing.assert_close(block(x), expected)


def test_dropout_acts_in_training_alone() -> None:
    torch.manual_seed(0)
    block, x = Block(8, 2, 4, 5, 16, dropout=0.5), torch.randn(2, 5, 8)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))
