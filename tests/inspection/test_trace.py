"""What a model computes on the way: every stage against an independent path, and every switch against its definition."""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from genstudio.data.work import finished
from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT, GPTModel
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.inspection.trace import STAGES, Trace, embedding_scale, last_logits, trace
from tests.families.test_gpt_model import QUICK, VARIED, stirred

A = NDArray[Any]
SMALL: dict[str, Any] = {"layers": 3, "heads": 4, "d_model": 16, "context": 9}


def ids_of(model: GPT, seed: int = 0) -> A:
    return np.random.default_rng(seed).integers(0, model.architecture.vocabulary, model.context)


def traced(model: GPT, ids: A, wanted: Collection[str], switches: Ablation = NOTHING_ABLATED) -> Trace:
    return finished(trace(model, ids, wanted, switches))


def full(model: GPT, ids: A) -> A:
    with torch.no_grad():
        return model(torch.from_numpy(ids)[None])[0].numpy()


def softmax(x: A) -> A:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normed(layer: Any, x: A) -> A:
    """RMSNorm or LayerNorm in numpy."""
    if isinstance(layer, torch.nn.Identity):
        return x
    weight, bias = layer.weight.detach().numpy(), getattr(layer, "bias", None)
    x = x - x.mean(-1, keepdims=True) if hasattr(layer, "bias") else x
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * weight
    return x if bias is None else x + bias.detach().numpy()


def linear(layer: Any, x: A) -> A:
    y = x @ layer.weight.detach().numpy().T
    return y if layer.bias is None else y + layer.bias.detach().numpy()


def activated(kind: str, x: A) -> A:
    if kind == "swiglu":
        gate, value = np.split(x, 2, -1)
        return gate / (1 + np.exp(-gate)) * value
    if kind == "gelu":
        return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    positive = np.maximum(x, 0)
    return positive**2 if kind == "relu2" else positive


def turned(x: A, angle: A) -> A:
    even, odd = x[..., ::2], x[..., 1::2]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack((even * cos - odd * sin, even * sin + odd * cos), -1).reshape(x.shape)


def check_chain(model: GPT, seen: Trace, tolerance: float = 1e-9) -> None:
    """Every stage follows from the one before it, in numpy."""
    config = model.architecture

    def same(ours: A, theirs: A) -> None:
        np.testing.assert_allclose(ours, theirs, atol=tolerance, rtol=1e-6)

    same(seen["embedded"], model.tokens.weight.detach().numpy()[seen.ids])
    x = seen["embedded"] * embedding_scale(model)
    if config.positions in ("learned", "sinusoidal"):
        x = x + seen["positions"]
    same(seen["residual"][0], x)
    for index, (block, own) in enumerate(zip(model.typed_blocks(), seen.layers, strict=True)):
        x, T = seen["residual"][index], len(seen.ids)
        read = normed(block.attention_norm, x) if block.pre else x
        if block.pre:
            same(own["normed"], read)
        q, k, v = np.split(linear(block.attention.qkv, read), 3, -1)
        q, k, v = (part.reshape(T, config.heads, -1).transpose(1, 0, 2) for part in (q, k, v))
        if config.qk_norm:
            q, k = (part / np.sqrt((part**2).mean(-1, keepdims=True) + 1e-5) for part in (q, k))
        if config.positions == "rotary":
            q, k = (turned(part, seen["positions"]) for part in (q, k))
        same(own["q"], q), same(own["k"], k), same(own["v"], v)
        same(own["scores"], np.einsum("htd,hsd->hts", own["q"], own["k"]) / math.sqrt(config.d_head))
        allowed = np.tril(np.ones((T, T), bool)) if config.causal else np.ones((T, T), bool)
        same(own["weights"], softmax(np.where(allowed, own["scores"], -np.inf)))
        assert not own["weights"][:, ~allowed].any()
        same(own["mixed"], np.einsum("hts,hsd->htd", own["weights"], own["v"]))
        same(own["attention_out"], linear(block.attention.out, own["mixed"].transpose(1, 0, 2).reshape(T, -1)))
        middle = x + own["attention_out"]
        same(own["middle"], middle if block.pre else normed(block.attention_norm, middle))
        read = normed(block.feed_forward_norm, own["middle"]) if block.pre else own["middle"]
        same(own["hidden"], activated(config.activation, linear(block.feed_forward.up, read)))
        same(own["mlp_out"], linear(block.feed_forward.down, own["hidden"]))
        after = own["middle"] + own["mlp_out"]
        same(seen["residual"][index + 1], after if block.pre else normed(block.feed_forward_norm, after))
        same(own["normed2"], read if block.pre else seen["residual"][index + 1])
    same(seen["last_norm"], normed(model.last_norm, seen["residual"][-1]))
    same(seen["logits"], seen["last_norm"] @ model.head.weight.detach().numpy().T)


@QUICK
@given(VARIED)
def test_logits_are_the_models_and_every_stage_gives_the_next(values: dict[str, Any]) -> None:
    model = stirred(GPTConfig.parse(values)).double()
    seen = traced(model, ids_of(model), STAGES)
    np.testing.assert_allclose(seen["logits"], full(model, seen.ids), atol=1e-10, rtol=1e-12)
    # rotary angles are stored in single precision
    check_chain(model, seen, 1e-5 if values["positions"] == "rotary" else 1e-9)


@QUICK
@given(VARIED)
def test_in_single_precision_too(values: dict[str, Any]) -> None:
    model = stirred(GPTConfig.parse(values))
    ids = ids_of(model)
    theirs = full(model, ids)
    scale = max(1.0, float(np.abs(theirs).max()))
    for wanted in (("logits",), ("logits", "weights")):
        assert np.abs(traced(model, ids, wanted)["logits"] - theirs).max() / scale < 1e-5


def test_a_stage_that_is_not_the_models_is_caught() -> None:
    model = stirred(GPTConfig.parse(SMALL)).double()
    seen = traced(model, ids_of(model), STAGES)
    for stage in ("q", "weights", "mixed", "attention_out", "middle", "hidden", "mlp_out", "scores"):
        twin = tuple({**own, stage: own[stage] * 1.01} for own in seen.layers)
        with pytest.raises(AssertionError):
            check_chain(model, Trace(seen.ids, seen.stages, twin), 1e-5)


def test_looking_changes_nothing_and_ignores_dropout() -> None:
    model = stirred(GPTConfig.parse({**SMALL, "dropout": 0.5}))
    ids = ids_of(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = full(model, ids)
    model.train()
    np.testing.assert_allclose(traced(model, ids, ("logits",))["logits"], expected, atol=1e-4, rtol=1e-5)
    assert model.training and all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_only_what_is_wanted_is_kept() -> None:
    model = stirred(GPTConfig.parse(SMALL))
    seen = traced(model, ids_of(model), ("weights", "residual"))
    assert set(seen.stages) == {"residual"} and all(set(own) == {"weights"} for own in seen.layers)
    for bad in (np.zeros(0, int), np.zeros(10, int)):
        with pytest.raises(ValueError, match="context"):
            traced(model, bad, ())
    with pytest.raises(ValueError, match="scroes"):
        traced(model, ids_of(model), ("scroes",))


def with_columns_zeroed(model: GPT, layer: int, head: int) -> GPT:
    size = model.architecture.d_head
    with torch.no_grad():
        model.typed_blocks()[layer].attention.out.weight[:, head * size : (head + 1) * size] = 0
    return model


@pytest.mark.parametrize("place", ["pre", "post"])
@pytest.mark.parametrize("context", [9, 150])
def test_a_head_off_is_its_columns_of_w_o_zeroed(place: str, context: int) -> None:
    config = GPTConfig.parse({**SMALL, "context": context, "norm_place": place, "bias": True})
    model, ids = stirred(config).double(), None
    ids = ids_of(model)
    off = traced(model, ids, ("logits", "mixed"), Ablation(heads=frozenset({(1, 2), (7, 7)})))
    wrong = traced(model, ids, ("logits",), Ablation(heads=frozenset({(1, 1)})))
    expected = full(with_columns_zeroed(model, 1, 2), ids)
    np.testing.assert_allclose(off["logits"], expected, atol=1e-10)
    assert not off.layers[1]["mixed"][2].any() and off.layers[1]["mixed"][1].any()
    assert np.abs(wrong["logits"] - expected).max() > 1e-3


@pytest.mark.parametrize("place", ["pre", "post"])
def test_a_layer_off_is_a_model_without_it_and_an_mlp_off_adds_nothing(place: str) -> None:
    model = stirred(GPTConfig.parse({**SMALL, "norm_place": place})).double()
    ids = ids_of(model)
    off = traced(model, ids, ("logits", "residual", "q"), Ablation(layers=frozenset({1})))
    assert off.layers[1] == {} and np.array_equal(off["residual"][1], off["residual"][2])
    mlp = traced(model, ids, ("logits",), Ablation(mlps=frozenset({1})))["logits"]
    blocks = model.blocks
    model.blocks = torch.nn.ModuleList([blocks[0], blocks[2]])
    np.testing.assert_allclose(off["logits"], full(model, ids), atol=1e-10)
    model.blocks = blocks
    with torch.no_grad():
        model.typed_blocks()[1].feed_forward.down.weight.zero_()
    np.testing.assert_allclose(mlp, full(model, ids), atol=1e-10)
    assert np.abs(mlp - off["logits"]).max() > 1e-3


def by_hand(own: Any, allowed: A, scale: float) -> A:
    """Weights from queries and keys: -inf where not allowed, then renormalised."""
    return softmax(np.where(allowed, np.einsum("htd,hsd->hts", own["q"], own["k"]) * scale, -np.inf))


@pytest.mark.parametrize("mask", [True, False])
def test_masked_tokens_scaling_and_the_mask_do_what_they_say(mask: bool) -> None:
    model = stirred(GPTConfig.parse({**SMALL, "mask": mask})).double()
    ids, T, scale = ids_of(model), model.context, 1 / math.sqrt(model.architecture.d_head)
    everyone, past = np.ones((T, T), bool), np.tril(np.ones((T, T), bool))
    usual = past if mask else everyone
    without = usual.copy()
    without[:, [0, 4]] = False
    without[[0, 4], [0, 4]] = True
    cases = [
        (Ablation(tokens=frozenset({0, 4, 99})), without, scale),
        (Ablation(scaled=False), usual, 1.0),
        (Ablation(causal=False), everyone, scale),
    ]
    for switches, allowed, factor in cases:
        seen = traced(model, ids, STAGES, switches)
        for own in seen.layers:
            np.testing.assert_allclose(own["weights"], by_hand(own, allowed, factor), atol=1e-10)
            np.testing.assert_allclose(own["mixed"], own["weights"] @ own["v"], atol=1e-10)
            assert not own["weights"][:, ~allowed].any()
            np.testing.assert_allclose(own["weights"].sum(-1), 1, atol=1e-12)
        plain = traced(model, ids, ("logits",), switches)["logits"]
        np.testing.assert_allclose(plain, seen["logits"], atol=1e-10)
        changed = np.abs(plain - full(model, ids)).max() > 1e-6
        assert changed == (switches.causal or mask)


def test_position_that_nobody_sees_may_be_any_token() -> None:
    model = stirred(GPTConfig.parse(SMALL)).double()
    ids = ids_of(model)
    other = ids.copy()
    other[3] = (other[3] + 1) % model.architecture.vocabulary
    hidden = Ablation(tokens=frozenset({3}))
    one, two = (traced(model, x, ("logits",), hidden)["logits"] for x in (ids, other))
    assert np.array_equal(np.delete(one, 3, 0), np.delete(two, 3, 0))
    one, two = (traced(model, x, ("logits",))["logits"] for x in (ids, other))
    assert not np.array_equal(one[4:], two[4:])


OFF = [
    NOTHING_ABLATED,
    Ablation(heads=frozenset({(0, 1)}), mlps=frozenset({2})),
    Ablation(layers=frozenset({1}), tokens=frozenset({2}), scaled=False),
]


@pytest.mark.parametrize("switches", OFF)
@pytest.mark.parametrize("positions", ["learned", "rotary", "sinusoidal", "none"])
def test_a_cache_changes_nothing_with_switches_either(switches: Ablation, positions: str) -> None:
    model = stirred(GPTConfig.parse({**SMALL, "positions": positions})).double()
    ids = ids_of(model)
    expected = traced(model, ids, ("logits",), switches)["logits"]
    cache = model.new_cache()
    row = torch.from_numpy(ids)
    np.testing.assert_allclose(last_logits(model, row[:5], switches, cache), expected[4], atol=1e-10)
    for index in range(5, len(ids)):
        np.testing.assert_allclose(last_logits(model, row[index : index + 1], switches, cache), expected[index], atol=1e-10)
    np.testing.assert_allclose(last_logits(model, row, switches), expected[-1], atol=1e-10)


@QUICK
@given(st.builds(Ablation, heads=st.frozensets(st.tuples(st.integers(0, 2), st.integers(0, 3))), scaled=st.booleans()))
def test_switches_are_values(switches: Ablation) -> None:
    assert hash(switches) == hash(Ablation(heads=frozenset(switches.heads), scaled=switches.scaled))
    assert bool(switches) == (bool(switches.heads) or not switches.scaled)


def test_others_get_their_turn_within_a_layer_and_gradients_stay_on(text_data: Any) -> None:
    gpt = GPTModel(GPTConfig.parse({**SMALL, "context": 8}), text_data, "cpu", 0)
    work = trace(gpt.transformer, np.arange(8), ("weights",))
    slices = 0
    while True:
        try:
            assert 0 <= next(work) < 1 and torch.is_grad_enabled()
            slices += 1
        except StopIteration as end:
            assert end.value.layers[2]["weights"].shape == (4, 8, 8)
            break
    assert slices == 12
