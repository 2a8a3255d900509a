"""The GPT model: size, causality, cache, and the loss it starts at, for every kind of setting."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from genstudio.families.gpt.config import GPTConfig
from genstudio.families.gpt.model import GPT
from genstudio.families.stack import parameters

NANO = {"activation": "gelu", "positions": "learned", "norm": "layernorm", "qk_norm": False, "tied": True}

VARIED = st.fixed_dictionaries(
    {
        "layers": st.integers(1, 3),
        "heads": st.sampled_from([1, 2, 4]),
        "d_model": st.sampled_from([8, 16, 24]),
        "d_head": st.sampled_from([0, 4, 10]),
        "d_ff": st.sampled_from([0, 9]),
        "context": st.integers(2, 12),
        "activation": st.sampled_from(["relu", "gelu", "swiglu", "relu2"]),
        "positions": st.sampled_from(["sinusoidal", "learned", "rotary", "none"]),
        "norm": st.sampled_from(["rmsnorm", "layernorm"]),
        "norm_place": st.sampled_from(["pre", "post"]),
        "qk_norm": st.booleans(),
        "bias": st.booleans(),
        "tied": st.booleans(),
        "mask": st.booleans(),
    }
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def stirred(config: GPTConfig, vocabulary: int = 11, seed: int = 0) -> GPT:
    """A model with large random weights everywhere, so that nothing is equal by being zero."""
    torch.manual_seed(seed)
    model = GPT(config, vocabulary).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    return model


@pytest.mark.parametrize(
    ("values", "vocabulary", "count"),
    [
        ({"layers": 6, "heads": 6, "d_model": 384, "context": 256, **NANO}, 65, 10_745_088),
        ({"layers": 4, "heads": 4, "d_model": 128, "context": 64, **NANO}, 65, 804_096),
        ({"layers": 12, "heads": 12, "d_model": 768, "context": 1024, "bias": True, **NANO}, 50_257, 124_439_808),
    ],
)
def test_known_models_have_their_known_size(values: dict[str, Any], vocabulary: int, count: int) -> None:
    config = GPTConfig.parse(values)
    with torch.device("meta"):
        model = GPT(config, vocabulary)
    assert sum(p.numel() for p in model.parameters()) == parameters(config, vocabulary) == count


@QUICK
@given(VARIED)
def test_every_combination_is_as_large_as_the_formula_says_and_works(values: dict[str, Any]) -> None:
    config = GPTConfig.parse(values)
    model = GPT(config, 11)
    assert sum(p.numel() for p in model.parameters()) == parameters(config, 11)
    ids = torch.randint(0, 11, (2, config.context))
    assert model(ids).shape == (2, config.context, 11)
    model.loss(ids, ids).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    weights = model.attention(ids[0])
    assert weights.shape == (config.layers, config.heads, config.context, config.context)
    assert (weights.sum(-1) - 1).abs().max() < 1e-5
    assert (weights.triu(1).abs().max() == 0) == config.mask


@QUICK
@given(VARIED)
def test_a_cache_changes_nothing(values: dict[str, Any]) -> None:
    model = stirred(GPTConfig.parse({**values, "mask": True})).double()
    T = model.context
    ids = torch.randint(0, 11, (2, T))
    cache = model.new_cache(2)
    assert cache is not None
    with torch.no_grad():
        parts = [model(ids[:, : T // 2], cache)] + [model(ids[:, i : i + 1], cache) for i in range(T // 2, T)]
        torch.testing.assert_close(torch.cat(parts, 1), model(ids), atol=1e-10, rtol=0)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("place", ["pre", "post"])
@pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("d_model", [32, 128, 384])
def test_an_untrained_model_knows_nothing(tied: bool, place: str, positions: str, d_model: int) -> None:
    torch.manual_seed(0)
    config = GPTConfig.parse(
        {"tied": tied, "norm_place": place, "positions": positions, "d_model": d_model, "norm": "layernorm"}
    )
    model, ids = GPT(config, 65), torch.randint(0, 65, (4, 65))
    with torch.no_grad():
        loss = model.loss(ids[:, :-1], ids[:, 1:]).item()
    assert loss == pytest.approx(math.log(65), rel=0.03 if tied else 1e-6)


def leaks(model: GPT) -> Iterator[int]:
    """Positions whose change is felt before them, in the logits' bits or in a gradient."""
    torch.manual_seed(1)
    ids = torch.randint(0, 11, (1, model.context))
    with torch.no_grad():
        before = model(ids)
        for t in range(model.context):
            changed = ids.clone()
            changed[0, t] = (ids[0, t] + 1) % 11
            after = model(changed)
            assert not torch.equal(after[:, t:], before[:, t:])
            if not torch.equal(after[:, :t], before[:, :t]):
                yield t
    vectors: list[Tensor] = []
    hook = model.tokens.register_forward_hook(lambda *parts: vectors.append(parts[-1].requires_grad_()) or vectors[-1])
    try:
        model.requires_grad_(False)
        logits = model(ids)
    finally:
        hook.remove()
    for i in range(model.context - 1):
        (gradient,) = torch.autograd.grad(logits[0, i].square().sum(), vectors[0], retain_graph=True)
        if gradient[0, i + 1 :].any():
            yield i
        assert gradient[0, i].any()


@pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("context", [12, 140])
def test_no_token_feels_the_future(positions: str, context: int) -> None:
    config = GPTConfig.parse({"layers": 2, "heads": 2, "d_model": 16, "context": context, "positions": positions})
    if context == 12:
        assert not list(leaks(stirred(config)))
    else:
        model, ids = stirred(config), torch.randint(0, 11, (1, context))
        changed = ids.clone()
        changed[0, 70] = (ids[0, 70] + 1) % 11
        with torch.no_grad():
            assert torch.equal(model(ids)[:, :70], model(changed)[:, :70])


def test_without_the_mask_the_future_is_felt() -> None:
    config = GPTConfig.parse({"layers": 2, "heads": 2, "d_model": 16, "context": 12, "mask": False})
    assert set(leaks(stirred(config))) >= set(range(11))


def test_order_matters_unless_there_is_nothing_that_tells_it() -> None:
    ids, swapped = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[2, 1, 3, 4]])
    for positions in ("none", "learned", "sinusoidal", "rotary"):
        values = {"layers": 1, "heads": 2, "d_model": 16, "context": 4, "positions": positions, "mask": False}
        model = stirred(GPTConfig.parse(values)).double()
        with torch.no_grad():
            same = torch.allclose(model(ids)[0, -1], model(swapped)[0, -1], atol=1e-9)
        assert same == (positions == "none")


def test_only_the_last_logits_when_asked() -> None:
    model = stirred(GPTConfig.parse({"layers": 1, "heads": 2, "d_model": 16, "context": 6}))
    ids = torch.randint(0, 11, (3, 6))
    torch.testing.assert_close(model(ids, last=True), model(ids)[:, -1:])


def test_watching_ends_even_when_it_fails() -> None:
    model = stirred(GPTConfig.parse({"layers": 1, "heads": 2, "d_model": 16, "context": 6}))
    with pytest.raises(IndexError):
        model.attention(torch.tensor([99]))
    assert all(block.attention.watched is None for block in model.typed_blocks())
