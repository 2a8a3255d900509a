"""Branches with their gradients by hand, against the same blocks by autograd."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genstudio.nn import branches
from genstudio.nn.attention import EXPLICIT
from genstudio.nn.positions import rotary
from genstudio.nn.transformer import Block


def some_block(draw: random.Random) -> Block:
    """A pre-norm block in float64 whose weights are all random."""
    heads, d_head = draw.choice([1, 2, 3]), draw.choice([2, 4, 6])
    made: dict[str, Any] = {
        "activation": draw.choice(branches.ACTIVATIONS),
        "norm_kind": draw.choice(["rmsnorm", "layernorm"]),
        "causal": draw.random() < 0.5,
        "qk_norm": draw.random() < 0.5,
    }
    block = Block(draw.choice([4, 7]), heads, d_head, 16, draw.choice([5, 9]), **made).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    return block


def both_ways(
    block: Block, monkeypatch: pytest.MonkeyPatch, x: Tensor, **given: Any
) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """What comes out, and the gradients by x and by each weight: by hand and by autograd."""
    found = []
    for by_hand in (True, False):
        with monkeypatch.context() as patch:
            if not by_hand:
                patch.setattr(branches, "applies", lambda *_: False)
            block.zero_grad()
            own = x.detach().clone().requires_grad_(x.requires_grad)
            made = block(own, **given)
            (made * torch.linspace(-1, 2, made.numel(), dtype=made.dtype).view(made.shape)).sum().backward()
            found.append([made.detach(), own.grad, *(parameter.grad for parameter in block.parameters())])
    return found[0], found[1]


def distance(first: list[Tensor | None], second: list[Tensor | None]) -> float:
    """The largest relative difference; infinite where only one of them has a gradient."""
    worst = 0.0
    for one, other in zip(first, second, strict=True):
        if one is None or other is None:
            worst = max(worst, 0.0 if one is other else float("inf"))
        else:
            worst = max(worst, float((one - other).norm() / (other.norm() + 1e-12)))
    return worst


@pytest.mark.parametrize("seed", range(24))
def test_gradients_by_hand_are_those_of_autograd(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    torch.manual_seed(seed)
    block = some_block(draw)
    batch, length = draw.choice([1, 3]), draw.choice([2, 5, 16])
    turn = None
    if draw.random() < 0.6:
        turns = rotary(16, block.attention.d_head).to(torch.complex128)
        turns /= turns.abs()  # in double precision, as all else here
        # all rows at the same places, or each at its own
        own = torch.stack([turns[torch.randperm(16)[:length]] for _ in range(batch)])
        turn = turns[:length] if draw.random() < 0.6 else own
    for parameter in block.parameters():
        parameter.requires_grad_(draw.random() < 0.8)
    x = torch.randn(batch, length, block.attention.qkv.in_features, dtype=torch.float64)
    x.requires_grad_(draw.random() < 0.8 or not any(p.requires_grad for p in block.parameters()))
    rows = torch.rand(batch, length) < 0.5 if draw.random() < 0.3 else None
    if rows is not None:
        rows[0, 0] = True
    by_hand, by_autograd = both_ways(block, monkeypatch, x, turn=turn, rows=rows)
    assert distance(by_hand, by_autograd) < 1e-12


def written_out(block: Block, x: Tensor) -> Tensor:
    """A causal block with dropout as torch writes it, which draws in the same order."""
    T = x.shape[1]
    layer, p = block.attention, block.dropout
    q, k, v = layer.project(block.attention_norm(x), None)
    scores = (q @ k.mT / layer.d_head**0.5).flatten(0, 1) + layer.future[:T, :T]
    weights = F.dropout(scores.softmax(-1), p)
    x = x + F.dropout(layer.out((weights @ v.flatten(0, 1)).view(q.shape).transpose(1, 2).flatten(-2)), p)
    return x + F.dropout(block.feed_forward(block.feed_forward_norm(x)), p)


@pytest.mark.parametrize("dropout", [0.1, 0.7])
def test_dropout_is_torchs(dropout: float) -> None:
    torch.manual_seed(0)
    block = Block(6, 2, 4, 8, 12, norm_kind="rmsnorm", dropout=dropout).double()
    x, found = torch.randn(3, 8, 6, dtype=torch.float64), list[list[Tensor | None]]()
    for way in (block, lambda own: written_out(block, own)):
        block.zero_grad()
        torch.manual_seed(1)
        own = x.clone().requires_grad_()
        made = way(own)
        made.square().sum().backward()
        found.append([made.detach(), own.grad, *(parameter.grad for parameter in block.parameters())])
    assert distance(*found) < 1e-12
    with torch.no_grad():
        assert distance([block.eval()(x)], [found[0][0]]) > 0.01


def left_out(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def pull(self: Any, gradient: Tensor, straight: Tensor) -> Tensor:
        if name == "the way straight through":
            return gradient * self.inverse
        return gradient.mul(self.inverse).add_(straight)

    return lambda patch: patch.setattr(branches._Normed, "pull", pull)


@pytest.mark.parametrize("name", ["the way straight through", "that a length is taken out"])
def test_a_gradient_that_leaves_something_out_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    block = Block(6, 2, 4, 8, 12, norm_kind="rmsnorm").double()
    x = torch.randn(2, 8, 6, dtype=torch.float64, requires_grad=True)
    assert distance(*both_ways(block, monkeypatch, x)) < 1e-12
    left_out(name)(monkeypatch)
    assert distance(*both_ways(block, monkeypatch, x)) > 1e-3


def test_who_looks_on_sees_every_module_and_the_numbers_stay_the_same() -> None:
    """Pictures of activations are made by hooks: a branch that is one operation would show them nothing."""
    torch.manual_seed(0)
    block, x = Block(6, 2, 4, 8, 12, norm_kind="rmsnorm", activation="relu2"), torch.randn(2, 8, 6)
    alone, seen = block(x), list[str]()
    for name, module in block.named_modules():
        if name and not name.endswith(("cross", "cross_norm")):
            module.register_forward_hook(lambda *_, name=name: seen.append(name))
    torch.testing.assert_close(block(x), alone)
    assert sorted(seen) == sorted(name for name, _ in block.named_modules() if name)
    block.attention.watched, watched = [], block.attention
    torch.testing.assert_close(block(x), alone)
    assert watched.watched is not None and watched.watched[0].shape == (2, 2, 8, 8)


def test_what_only_autograd_can_do_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Biases, a norm behind the sum, SwiGLU, long texts, padding, a cache, and passes without gradients."""
    asked = list[str]()
    monkeypatch.setattr(branches, "attend", lambda x, *_: asked.append("attention") or x)
    monkeypatch.setattr(branches, "feed_forward", lambda x, *_: asked.append("feed-forward") or x)

    def what(length: int = 4, training: bool = False, **kwargs: Any) -> list[str]:
        asked.clear()
        given = {key: kwargs.pop(key) for key in ("padding",) if key in kwargs}
        Block(6, 2, 4, 2 * EXPLICIT, 12, **kwargs).train(training)(torch.randn(1, length, 6), **given)
        return list(asked)

    assert what() == ["attention", "feed-forward"] == what(training=True, dropout=0.5)
    assert what(bias=True) == what(norm_place="post") == []
    assert what(activation="swiglu") == ["attention"]
    assert what(EXPLICIT + 1) == what(1) == ["feed-forward"] == what(padding=torch.zeros(1, 4, dtype=torch.bool))
    with torch.no_grad():
        assert what() == []
    with torch.autocast("cpu", torch.bfloat16):
        assert what() == []
