"""One step of several optimisers: clipped together, at their own rates, and never by a gradient that is not finite."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from genstudio.training.optim import Adam, Muon, adamw
from genstudio.training.updates import Updates


def pair() -> tuple[nn.Module, nn.Module, Updates]:
    torch.manual_seed(0)
    one, other = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), nn.Linear(4, 1)
    optimizers = {
        "muon": Muon([one[0].weight, one[1].weight]),
        "adamw": adamw([one[0].bias, one[1].bias], rate=0.1, betas=(0.9, 0.99), weight_decay=0.0),
        "adam": Adam(other.parameters(), 0.1, (0.5, 0.9)),
    }
    return one, other, Updates([one, other], optimizers)


def backward(*modules: nn.Module, factor: float = 1.0) -> None:
    for module in modules:
        (module(torch.linspace(-1, 1, 12).view(3, 4)).square().sum() * factor).backward()


def state(updates: Updates, *modules: nn.Module) -> list[torch.Tensor]:
    moments = [v for o in updates.optimizers.values() for s in o.state.values() for v in s.values()]
    return [torch.as_tensor(t).detach().clone() for t in (*(p for m in modules for p in m.parameters()), *moments)]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_step_moves_the_weights_of_the_optimisers_it_names_and_of_no_other() -> None:
    one, other, updates = pair()
    backward(one, other)
    before, left = copy.deepcopy(one.state_dict()), copy.deepcopy(other.state_dict())
    norm = updates.step("muon", "adamw")
    gradient = math.sqrt(sum(float(g.square().sum()) for g in gradients(one, factor=1.0)))
    assert float(norm) > 0 and math.isclose(float(norm), gradient, rel_tol=1e-5)
    assert all(not torch.equal(before[name], value) for name, value in one.state_dict().items())
    assert all(torch.equal(left[name], value) for name, value in other.state_dict().items())
    assert all(p.grad is None for p in one.parameters()) and all(p.grad is not None for p in other.parameters())
    updates.step("adam")
    assert all(not torch.equal(left[name], value) for name, value in other.state_dict().items())


def gradients(module: nn.Module, factor: float) -> list[torch.Tensor]:
    """As they are before the first step of `pair`."""
    first, second, _ = pair()
    twin = first if isinstance(module, nn.Sequential) else second
    backward(twin, factor=factor)
    return [p.grad for p in twin.parameters() if p.grad is not None]


def test_gradients_are_shortened_together() -> None:
    one, _, updates = pair()
    backward(one)
    whole = gradients(one, 1.0)
    norm = updates.clip("muon", "adamw", largest=0.25)
    clipped = [p.grad for p in one.parameters() if p.grad is not None]
    assert math.isclose(math.sqrt(sum(float(g.square().sum()) for g in clipped)), 0.25, rel_tol=1e-4)
    for mine, theirs in zip(clipped, whole, strict=True):
        torch.testing.assert_close(mine, theirs * (0.25 / float(norm)), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_changes_nothing_and_the_next_one_does(bad: float) -> None:
    one, other, updates = pair()
    backward(one, other)
    updates.step()
    before = state(updates, one, other)
    backward(one, other)
    one[1].bias.grad.fill_(bad)  # type: ignore[index, union-attr]
    assert not math.isfinite(updates.step(clip=1.0))
    assert same(before, state(updates, one, other)) and all(p.grad is None for p in (*one.parameters(), *other.parameters()))
    backward(one, other)
    assert math.isfinite(updates.step(clip=1.0)) and not same(before, state(updates, one, other))


def test_the_norm_has_the_same_bits_however_the_weights_are_shared_out() -> None:
    one, _, updates = pair()
    torch.manual_seed(0)
    twin = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    whole = Updates([twin], {"all": adamw(reversed([*twin.parameters()]), rate=0.1, betas=(0.9, 0.99), weight_decay=0.0)})
    backward(one, twin)
    assert torch.equal(updates.step("muon", "adamw"), whole.step())


def test_rates_and_options_are_those_of_each_optimiser() -> None:
    _, _, updates = pair()
    updates.set_rates({"adam": 0.5, "muon": 0.25}, weight_decay=0.125)
    seen = {name: {group["lr"] for group in o.param_groups} for name, o in updates.optimizers.items()}
    assert seen == {"adam": {0.5}, "muon": {0.25}, "adamw": {0.1}}
    assert updates.optimizers["adam"].param_groups[0]["weight_decay"] == 0.125
