"""Padding and cross-attention: against torch's own, and each sentence of a ragged batch against itself alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genstudio.nn.attention import EXPLICIT, CrossAttention, SelfAttention
from genstudio.nn.transformer import Architecture, Block, Encoder, Transformer


def padded(lengths: list[int], size: int) -> Tensor:
    """(B, size) True behind the end of each."""
    return torch.arange(size) >= torch.tensor(lengths)[:, None]


@pytest.mark.parametrize("size", [12, EXPLICIT + 3])
@pytest.mark.parametrize("causal", [True, False])
def test_explicit_fused_and_watched_paths_agree_on_padding(causal: bool, size: int) -> None:
    """In the last row everything is padding: zeros, no NaN, and no gradient. In the third the first key is."""
    torch.manual_seed(0)
    layer, padding = SelfAttention(16, 2, 8, size, causal=causal), padded([size, 5, size, 0], size)
    padding[2, 0] = True
    x = torch.randn(4, size, 16, requires_grad=True)
    q, k, v = layer.project(x, None)
    explicit = layer.mix(q, k, v, padding)
    torch.testing.assert_close(layer._fused(q, k, v, padding), explicit, atol=1e-6, rtol=0)
    (gradient,) = torch.autograd.grad(explicit.square().sum(), x)
    assert torch.isfinite(gradient).all() and not gradient[3].any()
    layer.watched = []
    torch.testing.assert_close(layer.mix(q, k, v, padding), explicit, atol=1e-6, rtol=0)
    (weights,) = layer.watched
    assert not weights.masked_select(padding[:, None, None]).any() and not explicit[3].any()
    sums = weights.sum(-1)
    assert ((sums - 1).abs().lt(1e-6) | sums.eq(0)).all()


def test_equals_torch_multihead_attention_with_padding_and_across() -> None:
    torch.manual_seed(0)
    ours = CrossAttention(12, 3, 4, 9, bias=True).double()
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.q.weight, ours.kv.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.q.bias, ours.kv.bias]).normal_())
        ours.q.bias.copy_(theirs.in_proj_bias[:12])
        ours.kv.bias.copy_(theirs.in_proj_bias[12:])
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    x, memory, padding = torch.randn(2, 5, 12).double(), torch.randn(2, 9, 12).double(), padded([9, 4], 9)
    expected, weights = theirs(x, memory, memory, key_padding_mask=padding, average_attn_weights=False)
    torch.testing.assert_close(ours(x, memory, padding), expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(ours(x, ours.remember(memory), padding), expected, atol=1e-12, rtol=0)
    ours.watched = []
    ours(x, memory, padding)
    torch.testing.assert_close(ours.watched[0], weights, atol=1e-12, rtol=0)


def test_a_memory_of_one_row_serves_all_queries() -> None:
    torch.manual_seed(0)
    layer, x, memory = CrossAttention(8, 2, 4, 6, qk_norm=True), torch.randn(3, 2, 8), torch.randn(1, 6, 8)
    padding = padded([4], 6)
    together = layer(x, memory, padding)
    alone = torch.cat([layer(row[None], memory, padding) for row in x])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(together, layer(x, memory[:, :4]), atol=1e-6, rtol=0)


def ragged(encoder: Encoder, lengths: list[int], padding: Tensor | None) -> float:
    """The largest difference between a padded batch and each sentence alone."""
    ids = torch.randint(0, 20, (len(lengths), max(lengths)))
    with torch.no_grad():
        together = encoder(ids, padding)
        alone = [encoder(ids[row : row + 1, :length])[0] for row, length in enumerate(lengths)]
    return max(float((t[: len(a)] - a).abs().max()) for t, a in zip(together, alone, strict=True))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "none"])
@pytest.mark.parametrize("place", ["pre", "post"])
def test_a_ragged_batch_is_each_sentence_alone(positions: str, place: str) -> None:
    """The twin attends to the padding, and is far off."""
    torch.manual_seed(0)
    encoder = Encoder(
        Architecture(
            vocabulary=20, context=32, layers=2, heads=2, d_model=32, d_head=16, d_ff=64, causal=False,
            positions=positions, norm_place=place,  # type: ignore[arg-type]
        )
    ).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(4)
    lengths = [3, 17, 1, 32, 9]
    assert ragged(encoder, lengths, padded(lengths, 32)) < 1e-5
    assert ragged(encoder, lengths, None) > 1e-2


def test_a_block_with_a_memory_adds_it_between_its_other_two_parts() -> None:
    torch.manual_seed(0)
    x, memory, padding = torch.randn(2, 5, 8) * 3, torch.randn(2, 7, 8), padded([7, 2], 7)
    for place in ("pre", "post"):
        block = Block(8, 2, 4, 7, 16, norm_place=place, cross=True)  # type: ignore[arg-type]
        a, n, c, m, f, o = (
            block.attention, block.attention_norm, block.cross, block.cross_norm, block.feed_forward, block.feed_forward_norm
        )  # fmt: skip
        assert c is not None and m is not None
        if place == "pre":
            y = x + a(n(x))
            y = y + c(m(y), memory, padding)
            expected = y + f(o(y))
        else:
            y = n(x + a(x))
            y = m(y + c(y, memory, padding))
            expected = o(y + f(y))
        torch.testing.assert_close(block(x, memory=memory, memory_padding=padding), expected)


def test_the_loss_of_a_padded_transformer_has_the_gradient_of_finite_differences() -> None:
    torch.manual_seed(0)
    arch = Architecture(vocabulary=5, context=4, layers=1, heads=1, d_model=4, d_head=4, d_ff=6, causal=False, bias=True)
    model, ids, padding = Transformer(arch).double(), torch.tensor([[0, 1, 2, 3], [4, 3, 0, 0]]), padded([4, 2], 4)
    names = [name for name, _ in model.named_parameters()]

    def run(*weights: Tensor) -> Tensor:
        values = dict(zip(names, weights, strict=True))
        logits = torch.func.functional_call(model, values, (ids,), {"padding": padding})
        return logits.log_softmax(-1)[~padding]

    weights = [torch.randn_like(p).requires_grad_() for p in model.parameters()]
    assert torch.autograd.gradcheck(run, weights, fast_mode=True)
