"""Attention against independent computations, and what the mask promises."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from genstudio.nn.attention import EXPLICIT, SelfAttention, attention_weights, look_ahead
from genstudio.nn.cache import Cache, KeyValues
from genstudio.nn.positions import rotary


def loops(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool) -> np.ndarray:
    """Attention of one head, (T, D) each, as written in the paper."""
    out = np.zeros_like(v)
    for i in range(len(q)):
        seen = range(i + 1 if causal else len(k))
        scores = [sum(q[i, d] * k[j, d] for d in range(q.shape[1])) / math.sqrt(q.shape[1]) for j in seen]
        shares = np.exp(np.array(scores) - max(scores))
        shares /= shares.sum()
        out[i] = sum(share * v[j] for share, j in zip(shares, seen, strict=True))
    return out


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_weights_mix_like_torch_and_like_three_loops(causal: bool, dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 9, 5, dtype=dtype).unbind()
    mixed = attention_weights(q, k, look_ahead(9, 9) if causal else None) @ v
    torch.testing.assert_close(mixed, F.scaled_dot_product_attention(q, k, v, is_causal=causal), atol=tolerance, rtol=0)
    expected = np.array(
        [[loops(*(t[b, h].double().numpy() for t in (q, k, v)), causal) for h in range(3)] for b in range(2)]
    )
    assert np.abs(mixed.double().numpy() - expected).max() < max(tolerance, 1e-12)


def test_rows_sum_to_one_and_the_future_is_exactly_zero() -> None:
    torch.manual_seed(0)
    weights = attention_weights(torch.randn(4, 2, 12, 8) * 30, torch.randn(4, 2, 12, 8) * 30, look_ahead(12, 12))
    assert (weights.sum(-1) - 1).abs().max() < 1e-6
    assert torch.equal(weights.triu(1), torch.zeros_like(weights))


def test_a_row_that_may_see_nothing_gives_zeros_and_no_gradient() -> None:
    q, k = (torch.randn(1, 4, 3, requires_grad=True) for _ in range(2))
    allowed = look_ahead(4, 4).clone()
    allowed[2] = False
    weights = attention_weights(q, k, allowed)
    weights.square().sum().backward()
    assert torch.equal(weights[0, 2], torch.zeros(4))
    assert q.grad is not None and torch.isfinite(q.grad).all() and torch.equal(q.grad[0, 2], torch.zeros(3))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("qk_norm", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_explicit_fused_and_watched_paths_agree(causal: bool, qk_norm: bool, turned: bool) -> None:
    torch.manual_seed(0)
    layer = SelfAttention(16, 3, 6, 40, causal=causal, qk_norm=qk_norm, bias=True)
    x, turn = torch.randn(2, 40, 16), rotary(40, 6) if turned else None
    explicit = layer(x, turn)
    q, k, v = layer.project(x, turn)
    fused = layer.out(layer._fused(q, k, v).transpose(1, 2).flatten(-2))
    layer.watched = []
    watched = layer(x, turn)
    assert [tuple(w.shape) for w in layer.watched] == [(2, 3, 40, 40)]
    torch.testing.assert_close(explicit, fused, atol=1e-6, rtol=0)
    torch.testing.assert_close(explicit, watched, atol=1e-6, rtol=0)


@pytest.mark.parametrize("context", [EXPLICIT, EXPLICIT + 1])
def test_gradients_of_both_paths_agree_with_the_fused_kernel(context: int) -> None:
    torch.manual_seed(0)
    layer = SelfAttention(8, 2, 4, context)
    x = torch.randn(1, context, 8, requires_grad=True)
    (ours,) = torch.autograd.grad(layer(x).square().sum(), x)
    q, k, v = layer.project(x, None)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    (theirs,) = torch.autograd.grad(layer.out(mixed.transpose(1, 2).flatten(-2)).square().sum(), x)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("causal", [True, False])
def test_equals_torch_multihead_attention(causal: bool) -> None:
    torch.manual_seed(0)
    ours = SelfAttention(12, 3, 4, 10, causal=causal, bias=True).double()
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.in_proj_bias.copy_(ours.qkv.bias)
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    x = torch.randn(2, 10, 12, dtype=torch.float64)
    expected, weights = theirs(x, x, x, attn_mask=~look_ahead(10, 10) if causal else None, average_attn_weights=False)
    torch.testing.assert_close(ours(x), expected, atol=1e-12, rtol=0)
    ours.watched = []
    ours(x)
    torch.testing.assert_close(ours.watched[0], weights, atol=1e-12, rtol=0)


@pytest.mark.parametrize("qk_norm", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_gradients_are_those_of_finite_differences(qk_norm: bool, turned: bool) -> None:
    torch.manual_seed(0)
    layer = SelfAttention(6, 2, 4, 5, qk_norm=qk_norm, bias=True).double()
    turn = rotary(5, 4).to(torch.complex128) if turned else None
    names = [name for name, _ in layer.named_parameters()]

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x, turn))

    x = torch.randn(2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (x, *(p.detach().requires_grad_() for p in layer.parameters())))


@pytest.mark.parametrize("pieces", [[1] * 9, [4, 1, 1, 3], [9]])
def test_reading_in_pieces_equals_reading_at_once(pieces: list[int]) -> None:
    torch.manual_seed(0)
    layer, turn = SelfAttention(8, 2, 4, 9, qk_norm=True).double(), rotary(9, 4)
    x, cache, read, parts = (
        torch.randn(1, 9, 8, dtype=torch.float64),
        KeyValues(1, 2, 9, 4, torch.zeros(1).double()),
        0,
        [],
    )
    with torch.no_grad():
        for piece in pieces:
            parts.append(layer(x[:, read : read + piece], turn[read : read + piece], cache))
            read += piece
        torch.testing.assert_close(torch.cat(parts, 1), layer(x, turn), atol=1e-12, rtol=0)


def test_long_pieces_after_a_cache_see_no_future() -> None:
    torch.manual_seed(0)
    length = EXPLICIT + 20
    layer = SelfAttention(8, 2, 4, length).double()
    x, cache = torch.randn(1, length, 8, dtype=torch.float64), KeyValues(1, 2, length, 4, torch.zeros(1).double())
    with torch.no_grad():
        parts = [layer(x[:, :50], None, cache), layer(x[:, 50:], None, cache)]
        torch.testing.assert_close(torch.cat(parts, 1), layer(x), atol=1e-12, rtol=0)


def test_a_full_cache_refuses_more_and_can_be_cleared() -> None:
    layer = KeyValues(1, 2, 3, 4, torch.zeros(1))
    cache = Cache([layer])
    layer.append(torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 4))
    assert cache.length == 3
    with pytest.raises(ValueError, match="room for 3 tokens"):
        layer.append(torch.ones(1, 2, 1, 4), torch.ones(1, 2, 1, 4))
    cache.clear()
    keys, _ = layer.append(torch.full((1, 2, 1, 4), 7.0), torch.ones(1, 2, 1, 4))
    assert keys.shape == (1, 2, 1, 4) and keys.eq(7).all()


def test_the_head_size_is_free_of_the_model_size() -> None:
    layer = SelfAttention(10, 3, 7, 5, bias=True)
    assert layer.qkv.weight.shape == (63, 10) and layer.out.weight.shape == (10, 21)
    assert layer(torch.randn(2, 5, 10)).shape == (2, 5, 10)
