"""Optimisers, schedule and clipping against hand-written formulas in double precision."""

import copy
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genstudio.training.optim import Adam, Muon, adamw, clip_gradients, orthogonalise, schedule, take_step

A, B, C = 3.4445, -4.7750, 2.0315


def newton_schulz(matrix: Tensor, steps: int = 5) -> Tensor:
    """One matrix at a time, as in Jordan et al. 2024."""
    x = matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = A * x + (B * gram + C * gram @ gram) @ x
    return x.mT if matrix.shape[0] > matrix.shape[1] else x


class Reference:
    """Muon with a plain loop over matrices."""

    def __init__(self, parameters: list[tuple[Tensor, int]], rate: float, weight_decay: float) -> None:
        self.parameters, self.rate, self.weight_decay = parameters, rate, weight_decay
        self.momentum = [torch.zeros_like(p) for p, _ in parameters]

    def step(self, gradients: list[Tensor]) -> None:
        for (p, parts), momentum, gradient in zip(self.parameters, self.momentum, gradients, strict=True):
            momentum.mul_(0.95).add_(gradient, alpha=0.05)
            update = 0.05 * gradient + 0.95 * momentum
            p.mul_(1 - self.rate * self.weight_decay)
            for part, moved in zip(p.chunk(parts), update.chunk(parts), strict=True):
                scale = math.sqrt(max(1.0, part.shape[0] / part.shape[1]))
                part.sub_(self.rate * scale * newton_schulz(moved))


def muon_and_reference(dtype: torch.dtype, weight_decay: float = 0.1) -> tuple[Muon, list[Tensor], Reference]:
    generator = torch.Generator().manual_seed(0)
    shapes = [((24, 8), 3), ((8, 8), 1), ((32, 8), 1), ((8, 32), 1), ((8, 8), 1), ((16, 8), 2), ((5, 9), 1)]
    ours = [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape, _ in shapes]
    theirs = [(p.detach().clone(), parts) for p, (_, parts) in zip(ours, shapes, strict=True)]
    groups = [{"params": [p for p, (_, n) in zip(ours, shapes, strict=True) if n == k], "parts": k} for k in (1, 2, 3)]
    return Muon(groups, lr=0.02, weight_decay=weight_decay), list(ours), Reference(theirs, 0.02, weight_decay)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_muon_equals_a_loop_over_matrices(dtype: torch.dtype, tolerance: float) -> None:
    muon, ours, reference = muon_and_reference(dtype)
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        gradients = [torch.randn(p.shape, generator=generator, dtype=dtype) for p in ours]
        for p, gradient in zip(ours, gradients, strict=True):
            p.grad = gradient.clone()
        muon.step()
        reference.step(gradients)
    for p, (expected, _) in zip(ours, reference.parameters, strict=True):
        torch.testing.assert_close(p.detach(), expected, atol=tolerance, rtol=0)


def test_fused_parts_orthogonalised_together_are_another_optimizer() -> None:
    muon, ours, reference = muon_and_reference(torch.float64)
    muon.param_groups[2]["parts"] = 1
    gradients = [torch.randn(p.shape, dtype=torch.float64) for p in ours]
    for p, gradient in zip(ours, gradients, strict=True):
        p.grad = gradient.clone()
    muon.step()
    reference.step(gradients)
    assert (ours[0].detach() - reference.parameters[0][0]).abs().max() > 1e-3


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 11), (2, 8, 16), (4, 16, 100)])
def test_orthogonalised_matrices_keep_their_directions_and_have_singular_values_near_one(
    shape: tuple[int, ...],
) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape, dtype=torch.float64)
    result = orthogonalise(matrices)
    values = torch.linalg.svdvals(result)
    assert values.min() > 0.3 and values.max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    inside = u.mT @ result @ v.mT
    assert (inside - torch.diag_embed(inside.diagonal(dim1=1, dim2=2))).abs().max() < 1e-9
    expected = torch.stack([newton_schulz(matrix) for matrix in matrices])
    torch.testing.assert_close(result, expected, atol=1e-10, rtol=0)
    torch.testing.assert_close(orthogonalise(matrices.float()).double(), expected, atol=1e-4, rtol=0)


def test_orthogonalising_stands_nothing_and_almost_nothing() -> None:
    thin = torch.randn(1, 64, 2) @ torch.randn(1, 2, 256)
    nearly = thin + 1e-5 * torch.randn(1, 64, 256)
    for matrices in (torch.zeros(2, 8, 8), torch.zeros(1, 8, 32), thin, nearly, 1e-20 * thin, 1e15 * thin):
        result = orthogonalise(matrices)
        assert torch.isfinite(result).all() and torch.linalg.svdvals(result).max() < 1.3


def test_state_survives_saving_to_the_last_bit() -> None:
    muon, ours, _ = muon_and_reference(torch.float32)
    other, theirs, _ = muon_and_reference(torch.float32)
    gradients = [[torch.randn(p.shape) for p in ours] for _ in range(6)]

    def advance(optimizer: torch.optim.Optimizer, parameters: list[Tensor], steps: list[list[Tensor]]) -> None:
        for step in steps:
            for p, gradient in zip(parameters, step, strict=True):
                p.grad = gradient.clone()
            optimizer.step()

    advance(muon, ours, gradients[:3])
    with torch.no_grad():
        for p, q in zip(theirs, ours, strict=True):
            p.copy_(q)
    other.load_state_dict(copy.deepcopy(muon.state_dict()))
    assert all(isinstance(v, Tensor) for state in muon.state_dict()["state"].values() for v in state.values())
    advance(muon, ours, gradients[3:])
    advance(other, theirs, gradients[3:])
    assert all(torch.equal(p, q) for p, q in zip(ours, theirs, strict=True))


def test_a_step_marked_as_infinite_changes_nothing_without_asking_the_host() -> None:
    muon, ours, _ = muon_and_reference(torch.float32)
    adam = adamw([ours[0]], rate=0.1, betas=(0.9, 0.99), weight_decay=0.1)
    for p in ours:
        p.grad = torch.randn(p.shape)
    muon.step()
    adam.step()
    before = [p.detach().clone() for p in ours]
    state = copy.deepcopy([muon.state_dict()["state"], adam.state_dict()["state"]])
    for optimizer in (muon, adam):
        optimizer.found_inf = torch.ones(())  # type: ignore[union-attr]
    for p in ours:
        p.grad = torch.full(p.shape, math.nan)
    muon.step()
    adam.step()
    assert all(torch.equal(p.detach(), q) for p, q in zip(ours, before, strict=True))
    for old, new in zip(state, [muon.state_dict()["state"], adam.state_dict()["state"]], strict=True):
        assert all(torch.equal(value, new[key][name]) for key, held in old.items() for name, value in held.items())
    muon.found_inf, twin = torch.zeros(()), copy.deepcopy(before)
    for p in ours:
        p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(3))
    muon.step()
    moved = [p.detach().clone() for p in ours]
    assert all(not torch.equal(p, q) and torch.isfinite(p).all() for p, q in zip(moved, twin, strict=True))


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4), (7, 4)])
def test_muon_refuses_what_is_not_so_many_matrices(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="matrices with 2 equal parts"):
        Muon([{"params": [torch.zeros(shape, requires_grad=True)], "parts": 2}])


def test_adamw_is_its_formula_and_decays_matrices_alone() -> None:
    torch.manual_seed(0)
    rate, decay, (b1, b2) = 0.05, 0.1, (0.9, 0.98)
    parameters = [torch.randn(4, 3, dtype=torch.float64), torch.randn(5, dtype=torch.float64)]
    ours = [p.clone().requires_grad_() for p in parameters]
    optimizer = adamw(ours, rate=rate, betas=(b1, b2), weight_decay=decay)
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    for step in range(1, 8):
        for p, mine, (m, v) in zip(parameters, ours, moments, strict=True):
            mine.grad = g = torch.randn_like(p)
            p.mul_(1 - rate * decay * (p.ndim >= 2))
            m.mul_(b1).add_((1 - b1) * g)
            v.mul_(b2).add_((1 - b2) * g * g)
            p.sub_(rate * (m / (1 - b1**step)) / ((v / (1 - b2**step)).sqrt() + 1e-8))
        optimizer.step()
    for p, mine in zip(parameters, ours, strict=True):
        torch.testing.assert_close(mine.detach(), p, atol=1e-12, rtol=0)


def test_clipping_is_its_formula_and_returns_the_norm_before() -> None:
    torch.manual_seed(0)
    for largest in (0.5, 100.0, 0.0):
        parameters = [torch.zeros(shape, dtype=torch.float64, requires_grad=True) for shape in ((3, 4), (7,), (2, 2))]
        gradients = [torch.randn_like(p) for p in parameters]
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g.clone()
        norm = clip_gradients([*parameters, torch.zeros(3, requires_grad=True)], largest)
        expected = math.sqrt(sum(float(g.square().sum()) for g in gradients))
        assert float(norm) == pytest.approx(expected, abs=1e-12)
        factor = min(1.0, largest / (expected + 1e-6)) if largest else 1.0
        for p, g in zip(parameters, gradients, strict=True):
            torch.testing.assert_close(p.grad, g * factor, atol=1e-12, rtol=0)


def test_schedules_are_their_formulas() -> None:
    for progress in np.linspace(0, 1, 41):
        linear = schedule("linear", progress, 10**6, warmup=20, hold=0.3, final=0.02)
        expected = 1.0 if progress <= 0.3 else 1 - 0.98 * (progress - 0.3) / 0.7
        assert linear == pytest.approx(expected, abs=1e-12)
        cosine = schedule("cosine", progress, 10**6, warmup=20, hold=0.3, final=0.1)
        assert cosine == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * progress)), abs=1e-12)
        assert schedule("constant", progress, 10**6, warmup=20, final=0.1) == 1
    assert [schedule("constant", 0.0, step, warmup=4) for step in (1, 2, 4, 5)] == [0.25, 0.5, 1.0, 1.0]
    assert schedule("linear", 1.0, 50, hold=1.0, final=0.0) == 1.0
    assert schedule("cosine", 7.0, 50, final=0.1) == pytest.approx(0.1, abs=1e-12)


def test_a_quick_update_of_adam_is_its_step_bitwise_also_after_loading_and_with_a_gradient_missing() -> None:
    torch.manual_seed(0)
    ours = [torch.randn(5, 3, requires_grad=True), torch.randn(7, requires_grad=True)]
    theirs = [p.detach().clone().requires_grad_() for p in ours]
    quick, plain = Adam(ours, 1e-2, (0.5, 0.9)), torch.optim.Adam(theirs, lr=1e-2, betas=(0.5, 0.9), fused=True)
    for step in range(12):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = None if step == 4 and mine.ndim == 1 else torch.randn_like(mine)
            other.grad = None if mine.grad is None else mine.grad.clone()
        if step == 8:
            quick.load_state_dict(copy.deepcopy(quick.state_dict()))
        for group in (quick.param_groups[0], plain.param_groups[0]):
            group["lr"] = 1e-2 / (1 + step)
        quick.update()
        plain.step()
        assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))
    assert quick.state[ours[1]]["step"] == 11 and quick.state_dict()["state"].keys() == plain.state_dict()["state"].keys()


def test_moments_that_come_back_from_a_file_lie_as_their_weights_do() -> None:
    """A file keeps them row by row; the fused kernel would give each weight of a channels-last map another's moments."""
    torch.manual_seed(0)
    weights = [torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last).requires_grad_() for _ in range(2)]
    with torch.no_grad():
        weights[1].copy_(weights[0])
    pushes = [torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last) for _ in range(6)]
    whole, cut = (Adam([weight], 1e-2, (0.5, 0.9)) for weight in weights)
    for number, push in enumerate(pushes):
        if number == 3:
            kept = copy.deepcopy(cut.state_dict())
            for name in ("exp_avg", "exp_avg_sq"):
                kept["state"][0][name] = kept["state"][0][name].contiguous()
            cut = Adam([weights[1]], 1e-2, (0.5, 0.9))
            cut.load_state_dict(kept)
        for weight, optimizer in zip(weights, (whole, cut), strict=True):
            weight.grad = push.clone()
            optimizer.update()
    assert torch.equal(*weights)
    assert all(cut.state[weights[1]][name].stride() == weights[1].stride() for name in ("exp_avg", "exp_avg_sq"))


MADE: dict[str, Any] = {
    "adamw": lambda weights: adamw(weights, rate=0.01, betas=(0.9, 0.95), weight_decay=0.1),
    "adam": lambda weights: Adam(weights, 0.01, (0.5, 0.99)),
    "muon": lambda weights: Muon([w for w in weights if w.ndim == 2], weight_decay=0.1),
    "sgd": lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize("name", MADE)
def test_a_step_taken_is_the_step_of_torch(name: str) -> None:
    torch.manual_seed(3)
    ours, theirs = (torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 4)) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    one, other = MADE[name](list(ours.parameters())), MADE[name](list(theirs.parameters()))
    for _ in range(5):
        data = torch.randn(6, 5)
        for network, optimizer in ((ours, one), (theirs, other)):
            optimizer.zero_grad()
            network(data).square().sum().backward()
        take_step(one)
        other.step()
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
        assert torch.is_grad_enabled() and all(weight.requires_grad for weight in ours.parameters())


TRAINS = """
import sys, torch
from genstudio.training.optim import take_step
weight = torch.nn.Parameter(torch.ones(3, 3))
optimizer = torch.optim.AdamW([weight], fused=True)
for _ in range(2):
    weight.sum().backward()
    take_step(optimizer)
    optimizer.zero_grad()
optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_training_does_not_import_the_compiler_of_torch() -> None:
    program = [sys.executable, "-c", TRAINS]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip() == "False"
