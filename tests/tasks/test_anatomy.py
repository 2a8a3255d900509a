"""Every number of the anatomy follows from those before it, by a path of its own; and the switches have consequences."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from opened import opened

from genstudio.errors import ConfigError, RunError
from genstudio.families.gpt.learner import GPTLearner
from genstudio.sampling.choose import entropy, softmax
from genstudio.snapshots.layers import Anatomy, Stage
from genstudio.tasks.anatomy import Dissect
from genstudio.tasks.models import ModelRef, Models
from helpers import result

VARIANTS: dict[str, dict[str, Any]] = {
    "rotary": {},
    "plain": {"qk_norm": False, "positions": "none", "activation": "gelu"},
    "2017": {"positions": "sinusoidal", "norm": "layernorm", "norm_place": "post", "bias": True, "qk_norm": False,
             "activation": "relu", "tied": True},
    "gpt2": {"positions": "learned", "norm": "layernorm", "bias": True, "qk_norm": False, "activation": "gelu_tanh",
             "tied": True},
    "swiglu": {"activation": "swiglu", "d_head": 6, "qk_norm": True},
    "post rotary": {"norm_place": "post", "qk_norm": False, "position_base": 100.0},
    "qk-norm learned": {"positions": "learned", "qk_norm": True},
    "unmasked": {"mask": False},
}  # fmt: skip


def dissected(models: Models, ref: ModelRef, text: str = "the cat sat", **options: Any) -> Anatomy:
    return result(Dissect(ref, (text,), **options), models)


class Retrace:
    """Each stage from the stages before it, in float64 numpy, with the weights alone."""

    def __init__(
        self, gpt: GPTLearner, anatomy: Anatomy, *, scaled: bool = True, causal: bool = True, tau: float = 1.0
    ):
        self.config, self.anatomy = gpt.config, anatomy
        self.state = {name: p.detach().double().numpy() for name, p in gpt.transformer.state_dict().items()}
        self.scaled, self.causal, self.tau = scaled, causal, tau

    def wrong(self, stages: dict[str, Stage]) -> set[str]:
        """Keys of the stages that do not follow."""
        shown = {key: stage.values.astype(np.float64) for key, stage in stages.items()}
        expected = dict(self._expected(shown))
        assert set(expected) | {"one_hot", "table", "positions", "angles"} >= set(shown), "a stage is not checked"
        return {
            key
            for key, value in expected.items()
            if not np.allclose(shown[key], value, rtol=2e-4, atol=2e-5, equal_nan=True)
        }

    def _expected(self, shown: dict[str, Any]) -> Any:
        config, layer, head = self.config, self.anatomy.layer, self.anatomy.head
        state, size, heads = self.state, config.head_size, config.heads
        count = len(self.anatomy.tokens)
        factor = math.sqrt(config.d_model) if config.positions == "sinusoidal" else 1
        yield "table", state["tokens.weight"]
        yield "embedded", shown["one_hot"] @ shown["table"] * factor
        if config.positions in ("learned", "sinusoidal"):
            yield "positions", self._positions(count)
            yield "stream_0", shown["embedded"] + shown["positions"]
        start = shown.get(f"stream_{layer}", shown["embedded"])
        read = start
        if config.norm_place == "pre":
            yield "normed", self._norm(start, f"blocks.{layer}.attention_norm")
            read = shown["normed"]
        qkv = read @ state[f"blocks.{layer}.attention.qkv.weight"].T + state.get(
            f"blocks.{layer}.attention.qkv.bias", 0
        )
        for index, name in enumerate("QKV"):
            first = (index * heads + head) * size
            yield name, qkv[:, first : first + size]
        q, k = shown["Q"], shown["K"]
        if config.positions == "rotary":
            angles = np.arange(count)[:, None] * config.position_base ** (-np.arange(0, size, 2) / size)
            yield "angles", np.cos(angles)
        if config.qk_norm or config.positions == "rotary":
            for name, value in (("Q'", q), ("K'", k)):
                if config.qk_norm:
                    value = value / np.sqrt((value**2).mean(-1, keepdims=True) + 1e-5)
                if config.positions == "rotary":
                    turned = (value[:, 0::2] + 1j * value[:, 1::2]) * np.exp(1j * angles)
                    value = np.stack([turned.real, turned.imag], -1).reshape(value.shape)
                yield name, value
            q, k = shown["Q'"], shown["K'"]
        yield "products", q @ k.T
        yield "scores", shown["products"] / (math.sqrt(size) if self.scaled else 1)
        last = shown["scores"]
        if config.mask:
            above = np.triu(np.ones((count, count), bool), 1)
            yield "masked", np.where(above & self.causal, np.nan, last)
            last = np.where(np.isnan(shown["masked"]), -np.inf, shown["masked"])
        raised = np.exp(last - last.max(-1, keepdims=True))
        yield "weights", raised / raised.sum(-1, keepdims=True)
        yield "mixed", shown["weights"] @ shown["V"]
        joined = shown["joined"].copy()
        joined[:, head * size : (head + 1) * size] = shown["mixed"]
        yield "joined", joined
        bias = state.get(f"blocks.{layer}.attention.out.bias", 0)
        yield "attention_out", shown["joined"] @ state[f"blocks.{layer}.attention.out.weight"].T + bias
        yield "middle_sum", start + shown["attention_out"]
        middle = shown["middle_sum"]
        if config.norm_place == "post":
            yield "normed", self._norm(middle, f"blocks.{layer}.attention_norm")
            middle = read = shown["normed"]
        else:
            yield "normed2", self._norm(middle, f"blocks.{layer}.feed_forward_norm")
            read = shown["normed2"]
        up = read @ state[f"blocks.{layer}.feed_forward.up.weight"].T + state.get(
            f"blocks.{layer}.feed_forward.up.bias", 0
        )
        yield "hidden", self._activation(up)
        bias = state.get(f"blocks.{layer}.feed_forward.down.bias", 0)
        yield "mlp_out", shown["hidden"] @ state[f"blocks.{layer}.feed_forward.down.weight"].T + bias
        if config.norm_place == "post":
            yield "layer_sum", middle + shown["mlp_out"]
            yield "normed2", self._norm(shown["layer_sum"], f"blocks.{layer}.feed_forward_norm")
            end = shown["normed2"]
        else:
            yield f"stream_{layer + 1}", middle + shown["mlp_out"]
            end = shown[f"stream_{layer + 1}"]
        if layer + 1 < config.layers:
            end = shown[f"stream_{config.layers}"]
        if config.norm_place == "pre":
            yield "last_norm", self._norm(end, "last_norm")
            end = shown["last_norm"]
        yield "logits", end @ state["tokens.weight" if config.tied else "head.weight"].T
        yield "tempered", shown["logits"] / self.tau
        yield "probabilities", np.exp(shown["tempered"]) / np.exp(shown["tempered"]).sum(-1, keepdims=True)
        for key in shown:
            if key.startswith("stream_") and key not in ("stream_0", f"stream_{layer + 1}"):
                yield key, shown[key]

    def _positions(self, count: int) -> Any:
        if self.config.positions == "learned":
            return self.state["positions.weight"][:count]
        size = self.config.d_model
        angle = np.arange(count)[:, None] / self.config.position_base ** (np.arange(0, size, 2) / size)
        return np.stack([np.sin(angle), np.cos(angle)], -1).reshape(count, size)

    def _norm(self, x: Any, name: str) -> Any:
        if self.config.norm == "layernorm":
            x = x - x.mean(-1, keepdims=True)
        unit = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
        return unit * self.state[f"{name}.weight"] + self.state.get(f"{name}.bias", 0)

    def _activation(self, x: Any) -> Any:
        kind = self.config.activation
        if kind == "swiglu":
            gate, value = np.split(x, 2, -1)
            return gate / (1 + np.exp(-gate)) * value
        if kind == "gelu":
            return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
        if kind == "gelu_tanh":
            return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
        return np.maximum(x, 0) ** (2 if kind == "relu2" else 1)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("where", [(0, 0), (1, 1)])
def test_every_stage_follows_from_those_before(name: str, where: tuple[int, int]) -> None:
    models, ref, gpt = opened(**VARIANTS[name])
    anatomy = dissected(models, ref, layer=where[0], head=where[1], temperature=0.7)
    trace = Retrace(gpt, anatomy, tau=0.7)
    stages = {stage.key: stage for stage in anatomy.stages}
    assert len(stages) == len(anatomy.stages), "two stages share a key"
    assert trace.wrong(stages) == set()
    assert all(set(stage.sources) <= set(stages) for stage in anatomy.stages)


def test_a_wrong_number_in_any_stage_is_noticed() -> None:
    models, ref, gpt = opened()
    anatomy = dissected(models, ref, layer=1)
    trace, stages = Retrace(gpt, anatomy), {stage.key: stage for stage in anatomy.stages}
    for key, stage in stages.items():
        spoilt = stage.values.copy()
        spoilt[-1, 0] += 0.05
        assert trace.wrong(stages | {key: replace(stage, values=spoilt)}), key


@pytest.mark.parametrize("name", VARIANTS)
def test_the_streams_of_the_layers_fit_together_and_the_logits_are_the_models(name: str) -> None:
    models, ref, gpt = opened(**VARIANTS[name])
    first, second = (dissected(models, ref, layer=layer) for layer in (0, 1))
    one, two = ({stage.key: stage.values for stage in anatomy.stages} for anatomy in (first, second))
    after = one["stream_1"] if "stream_1" in one else one["normed2"]
    np.testing.assert_allclose(after, two["stream_1"], rtol=1e-5, atol=1e-6)
    ids = torch.as_tensor(gpt.data.tokenizer.encode("the cat sat").astype(np.int64))
    gpt.transformer.eval()
    with torch.no_grad():
        logits = gpt.transformer(ids[None])[0].numpy()
    for anatomy in (one, two):
        np.testing.assert_allclose(anatomy["logits"], logits, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(anatomy["probabilities"].sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["2017", "rotary"])
def test_without_scaling_the_softmax_saturates(name: str) -> None:
    models, ref, gpt = opened(**VARIANTS[name] | {"d_head": 16})
    plain, off = dissected(models, ref), dissected(models, ref, scaled=False)
    assert Retrace(gpt, off, scaled=False).wrong({s.key: s for s in off.stages}) == set()
    weights = [next(s for s in a.stages if s.key == "weights") for a in (plain, off)]
    before, after = (entropy(stage.values).mean() for stage in weights)
    assert after < before
    assert f"{before:.2f} → {after:.2f} bits" in weights[1].note
    likely = [next(s for s in a.stages if s.key == "probabilities").values for a in (plain, off)]
    assert np.abs(likely[0] - likely[1]).max() > 1e-4


def test_without_the_mask_the_future_leaks() -> None:
    models, ref, gpt = opened()
    plain, off = dissected(models, ref), dissected(models, ref, causal=False)
    assert Retrace(gpt, off, causal=False).wrong({s.key: s for s in off.stages}) == set()
    for anatomy, leaks in ((plain, False), (off, True)):
        stages = {stage.key: stage for stage in anatomy.stages}
        above = stages["weights"].values[np.triu_indices(len(anatomy.tokens), 1)]
        assert bool((above > 0).all()) is leaks
        assert bool((above == 0).all()) is not leaks
        assert bool(np.isnan(stages["masked"].values).any()) is not leaks
        assert ("future" in stages["weights"].note) is leaks
    first = [next(s for s in a.stages if s.key == "probabilities").values[0] for a in (plain, off)]
    assert np.abs(first[0] - first[1]).max() > 1e-4, "the first token now knows what follows"


def test_the_note_says_what_comes_next_before_and_after() -> None:
    models, ref, gpt = opened()
    anatomy = dissected(models, ref, scaled=False, temperature=0.5)
    stages = {stage.key: stage for stage in anatomy.stages}
    chances = stages["probabilities"].values[-1]
    best = int(chances.argmax())
    plain = {s.key: s for s in dissected(models, ref, temperature=0.5).stages}["probabilities"].values[-1]
    piece = gpt.data.tokenizer.pieces(np.array([best]))[0]
    assert stages["probabilities"].note.startswith(f"next: '{piece}' {plain[best]:.1%} → {chances[best]:.1%}")


def test_shapes_are_said_with_letters_and_sizes() -> None:
    models, ref, _ = opened()
    stages = {stage.key: stage for stage in dissected(models, ref).stages}
    assert stages["one_hot"].shape == "(T, V) = (11, 13)"
    assert stages["Q"].shape == "(T, D) = (11, 8)"
    assert stages["angles"].shape == "(T, D/2) = (11, 4)"
    for stage in stages.values():
        sizes = tuple(int(size) for size in stage.shape.partition("= (")[2].rstrip(")").split(", "))
        assert stage.values.shape == sizes, stage.key


def test_long_short_and_empty_texts() -> None:
    models, ref, _ = opened()
    long = dissected(models, ref, "the cat sat on a mat and ran " * 40, limit=1000)
    assert len(long.tokens) == 12
    assert long.left_out == 29 * 40 - 12
    assert len(dissected(models, ref, "t").tokens) == 1
    assert len(dissected(models, ref, "").tokens) == 1
    assert len(dissected(models, ref, limit=0).tokens) == 1


def test_what_does_not_exist_is_the_last_or_is_refused() -> None:
    models, ref, _ = opened()
    assert (dissected(models, ref, layer=99, head=99).layer, dissected(models, ref, layer=99, head=99).head) == (1, 1)
    for temperature in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ConfigError):
            dissected(models, ref, temperature=temperature)
    models.training.clear()
    with pytest.raises(RunError):
        dissected(models, ModelRef("gone", "last"))


def test_a_large_vocabulary_is_cut_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genstudio.inspection.stages.MOST", 6)
    models, ref, _ = opened()
    stages = {stage.key: stage for stage in dissected(models, ref, "tt t").stages}
    assert stages["one_hot"].values.shape == (4, 2)
    assert stages["one_hot"].values.sum() == 4
    assert stages["one_hot"].note == "11 more columns are 0 in every row"
    shown = stages["probabilities"]
    assert shown.values.shape == (4, 6)
    logits = dict(zip(stages["logits"].columns, stages["logits"].values[-1], strict=True))
    assert "7 less probable tokens" in stages["logits"].note
    monkeypatch.undo()
    everything = {stage.key: stage for stage in dissected(models, ref, "tt t").stages}
    whole = dict(zip(everything["logits"].columns, everything["logits"].values[-1], strict=True))
    assert sorted(logits) == sorted(sorted(whole, key=lambda name: -whole[name])[:6])
    np.testing.assert_allclose(shown.values[-1], [dict(
        zip(everything["probabilities"].columns, everything["probabilities"].values[-1], strict=True)
    )[name] for name in shown.columns], rtol=1e-5)  # fmt: skip


def test_softmax_and_entropy_by_their_definitions() -> None:
    values = np.array([[0.0, 1000.0], [math.log(3), 0.0]])
    np.testing.assert_allclose(softmax(values), [[0, 1], [0.75, 0.25]], atol=1e-12)
    np.testing.assert_allclose(entropy(np.array([[0.5, 0.5], [1.0, 0.0]])), [1.0, 0.0])
