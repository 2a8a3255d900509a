"""Encoder-decoders: the transformer is torch's own with the same weights, the cells are torch's own, a batch is each alone,
and decoding with a cache is the full pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genstudio.nn.encoder_decoder import TransformerPair
from genstudio.nn.recurrent import CrossScores, RecurrentPair
from genstudio.nn.transformer import Architecture

S, T = 9, 7


def pair(place: str = "pre", **values: Any) -> TransformerPair:
    torch.manual_seed(0)
    settings = {
        "context": 12, "layers": 2, "heads": 3, "d_model": 12, "d_head": 4, "d_ff": 20, "bias": True, "activation": "relu",
        "positions": "none", "norm_place": place, **values,
    }  # fmt: skip
    made = TransformerPair(Architecture(vocabulary=11, **settings), Architecture(vocabulary=13, **settings))
    return shaken(made.double().eval())


def rnn(cell: str = "gru", score: str = "none", **values: Any) -> RecurrentPair:
    torch.manual_seed(0)
    made = RecurrentPair(11, 13, 12, 2, 12, cell=cell, score=score, **values)  # type: ignore[arg-type]
    return shaken(made.double().eval())


def shaken(module: Any) -> Any:
    """With weights far from where they begin: biases, norms and the head are 0 or 1 there."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return module


EVERY = pytest.mark.parametrize(
    "make",
    [
        lambda: pair("pre", positions="learned"), lambda: pair("post", positions="sinusoidal"),
        lambda: pair(positions="rotary", qk_norm=True, norm="rmsnorm"), lambda: rnn("gru"), lambda: rnn("lstm", "dot"),
        lambda: rnn("gru", "additive", both_ways=False), lambda: rnn("lstm", both_ways=False),
    ],
    ids=["pre", "post", "rotary", "gru", "lstm-dot", "gru-additive", "lstm"],
)  # fmt: skip


def batch() -> tuple[Tensor, Tensor, Tensor, list[int]]:
    """source (3, S), its padding, target ids (3, T), lengths of the sources."""
    lengths = [S, 4, 1]
    return torch.randint(0, 11, (3, S)), torch.arange(S) >= torch.tensor(lengths)[:, None], torch.randint(0, 13, (3, T)), lengths


def copied(ours: TransformerPair, place: str) -> nn.Transformer:
    """torch's transformer with the same weights; without a norm behind the last layer where ours has none."""
    layer = {"d_model": 12, "nhead": 3, "dim_feedforward": 20, "dropout": 0.0, "batch_first": True, "norm_first": place == "pre"}
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(**layer), 2, nn.LayerNorm(12) if place == "pre" else None, enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**layer), 2, nn.LayerNorm(12) if place == "pre" else None)
    theirs = nn.Transformer(12, 3, custom_encoder=encoder, custom_decoder=decoder, batch_first=True).double().eval()

    def attention(mine: Any, other: Any) -> None:
        names = ("qkv",) if hasattr(mine, "qkv") else ("q", "kv")
        other.in_proj_weight.copy_(torch.cat([getattr(mine, name).weight for name in names]))
        other.in_proj_bias.copy_(torch.cat([getattr(mine, name).bias for name in names]))
        same(mine.out, other.out_proj)

    def same(mine: Any, other: Any) -> None:
        other.weight.copy_(mine.weight)
        other.bias.copy_(mine.bias)

    with torch.no_grad():
        for stack, layers in ((ours.encoder, encoder), (ours.decoder, decoder)):
            for block, other in zip(stack.typed_blocks(), layers.layers, strict=True):
                attention(block.attention, other.self_attn)
                same(block.attention_norm, other.norm1)
                if block.cross is not None:
                    attention(block.cross, other.multihead_attn)
                    same(block.cross_norm, other.norm2)
                same(block.feed_forward_norm, other.norm3 if block.cross is not None else other.norm2)
                same(block.feed_forward.up, other.linear1)
                same(block.feed_forward.down, other.linear2)
            if place == "pre":
                same(stack.last_norm, layers.norm)
    return theirs


@pytest.mark.parametrize("place", ["pre", "post"])
def test_it_is_torchs_transformer_with_the_same_weights(place: str) -> None:
    ours = pair(place)
    theirs = copied(ours, place)
    source, padding, ids, _ = batch()
    mask = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
    with torch.no_grad():
        x, y = ours.encoder.tokens(source), ours.decoder.tokens(ids)
        hidden = theirs(x, y, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding, tgt_is_causal=True)
        torch.testing.assert_close(ours(source, padding, ids), ours.decoder.head(hidden), atol=1e-9, rtol=0)
        peeking = theirs(x, y, src_key_padding_mask=padding, memory_key_padding_mask=padding)
        assert (ours(source, padding, ids) - ours.decoder.head(peeking)).abs().max() > 1e-2  # the twin sees the target's future


@EVERY
def test_a_ragged_batch_is_each_sentence_alone(make: Any) -> None:
    """The twin knows nothing of the padding, and is far off."""
    network = make()
    source, padding, ids, lengths = batch()
    with torch.no_grad():
        alone = [network(source[row : row + 1, :n], None, ids[row : row + 1]) for row, n in enumerate(lengths)]
        torch.testing.assert_close(network(source, padding, ids), torch.cat(alone), atol=1e-9, rtol=0)
        assert (network(source, None, ids) - torch.cat(alone)).abs().max() > 1e-3


@EVERY
def test_no_position_sees_the_target_behind_it(make: Any) -> None:
    network = make()
    source, padding, ids, _ = batch()
    other = ids.clone()
    other[:, 4:] = (other[:, 4:] + 1) % 13
    with torch.no_grad():
        before, after = network(source, padding, ids), network(source, padding, other)
    assert torch.equal(before[:, :4], after[:, :4]) and not torch.equal(before[:, 4:], after[:, 4:])


@EVERY
@pytest.mark.parametrize("pieces", [[1] * T, [3, 1, 3]])
def test_decoding_with_a_cache_is_the_full_pass(make: Any, pieces: list[int]) -> None:
    network = make()
    source, _, ids, _ = batch()
    bound = network.bind(source[0])
    with torch.no_grad():
        whole = bound(ids[:2])
        torch.testing.assert_close(whole, network(source[:1].expand(2, -1), None, ids[:2]), atol=1e-12, rtol=0)
        cache, parts, read = bound.new_cache(2), [], 0
        for piece in pieces:
            parts.append(bound(ids[:2, read : read + piece], cache))
            read += piece
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-12, rtol=0)
        assert cache is not None
        cache.truncate(3)  # back to an earlier token, and rows in another order
        again = bound(ids[[1, 0, 0], 3:4], cache.rows(torch.tensor([1, 0, 0])), True)
        torch.testing.assert_close(again, whole[[1, 0, 0], 3:4], atol=1e-12, rtol=0)


@EVERY
def test_attention_rows_sum_to_one_over_the_source(make: Any) -> None:
    network = make()
    source, _, ids, _ = batch()
    weights = network.cross_attention(source[0], ids[0])
    assert weights.shape[2:] == (T, S)
    assert (weights.sum(-1) - 1).abs().lt(1e-6).all() and bool(len(weights)) == (getattr(network, "scores", 1) is not None)


def test_one_context_vector_is_all_that_a_decoder_without_attention_knows() -> None:
    network = rnn()
    source, padding, ids, _ = batch()
    memory = network.encode(source, padding)
    with torch.no_grad():
        other = type(memory)(torch.randn_like(memory.states), padding, start=memory.start)
        assert torch.equal(network.decode(ids, memory), network.decode(ids, other))


@pytest.mark.parametrize("score", ["dot", "additive"])
@torch.no_grad()
def test_scores_are_their_formulas(score: str) -> None:
    torch.manual_seed(0)
    layer, q, m = CrossScores(score, 6, 10).double(), torch.randn(2, 3, 6).double(), torch.randn(2, 4, 10).double()  # type: ignore[arg-type]
    weights = layer(q, m, None)
    for b in range(2):
        for t in range(3):
            keys = [layer.key.weight @ m[b, s] for s in range(4)]
            if score == "dot":
                scores = [float(q[b, t] @ key) / 6**0.5 for key in keys]
            else:
                assert layer.query is not None and layer.energy is not None
                scores = [float(layer.energy.weight[0] @ torch.tanh(layer.query.weight @ q[b, t] + key)) for key in keys]
            expected = torch.tensor(scores, dtype=torch.float64).softmax(0)
            torch.testing.assert_close(weights[b, t], expected, atol=1e-12, rtol=0)


@EVERY
def test_gradients_are_those_of_finite_differences(make: Any) -> None:
    network = make()
    source, padding, ids, _ = batch()
    names = [name for name, _ in network.named_parameters()]

    def run(*weights: Tensor) -> Tensor:
        values = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(network, values, (source[:2, :4], padding[:2, :4], ids[:2, :3])).log_softmax(-1)

    if isinstance(network, RecurrentPair):  # torch's cells keep flat weights of their own, so they are moved in place
        loss = run(*network.parameters()).sum()
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            direction = torch.randn_like(parameter)
            with torch.no_grad():
                parameter.add_(direction, alpha=1e-5)
                up = network(source[:2, :4], padding[:2, :4], ids[:2, :3]).log_softmax(-1).sum()
                parameter.add_(direction, alpha=-2e-5)
                down = network(source[:2, :4], padding[:2, :4], ids[:2, :3]).log_softmax(-1).sum()
                parameter.add_(direction, alpha=1e-5)
            assert abs(float((up - down) / 2e-5) - float((gradient * direction).sum())) < 1e-4
    else:
        weights = [p.detach().clone().requires_grad_() for p in network.parameters()]
        assert torch.autograd.gradcheck(run, weights, fast_mode=True)
