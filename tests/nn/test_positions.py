"""Sinusoidal and rotary positions against their formulas."""

import math

import numpy as np
import pytest
import torch

from genstudio.nn.positions import rotary, rotate, sinusoidal


@pytest.mark.parametrize("base", [10_000.0, 100.0])
def test_sinusoidal_is_the_formula_of_the_paper(base: float) -> None:
    table = sinusoidal(200, 32, base).double().numpy()
    for p in (0, 1, 17, 199):
        for i in range(16):
            angle = p / base ** (2 * i / 32)
            assert abs(table[p, 2 * i] - math.sin(angle)) < 1e-6
            assert abs(table[p, 2 * i + 1] - math.cos(angle)) < 1e-6


def test_a_shift_of_sinusoidal_positions_is_one_rotation() -> None:
    table, k = sinusoidal(120, 16).double().numpy(), 7
    for i in range(8):
        angle = k / 10_000 ** (2 * i / 16)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        pairs = table[:, 2 * i : 2 * i + 2]
        assert np.abs(pairs[k:] - pairs[:-k] @ turn.T).max() < 1e-6


@pytest.mark.parametrize("base", [10_000.0, 1_000.0])
def test_rotary_turns_each_pair_by_its_angle(base: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 30, 1, 8, dtype=torch.float64)
    turned = rotate(x, rotary(30, 8, base))
    for p in (0, 3, 29):
        for i in range(4):
            angle = p / base ** (2 * i / 8)
            a, b = x[0, p, 0, 2 * i].item(), x[0, p, 0, 2 * i + 1].item()
            expected = [a * math.cos(angle) - b * math.sin(angle), a * math.sin(angle) + b * math.cos(angle)]
            assert np.abs(turned[0, p, 0, 2 * i : 2 * i + 2].numpy() - expected).max() < 1e-6


def test_rotary_products_depend_on_the_distance_alone() -> None:
    torch.manual_seed(0)
    turn, q, k = rotary(50, 8), torch.randn(8), torch.randn(8)
    everywhere = torch.stack([q, k]).expand(1, 50, 2, 8)
    turned = rotate(everywhere, turn)[0]
    products = turned[:, 0] @ turned[:, 1].T
    for distance in (-9, 0, 4):
        diagonal = products.diagonal(distance)
        assert (diagonal - diagonal[0]).abs().max() < 1e-5
    assert (products[0] - products[0, 0]).abs().max() > 0.1


def test_position_zero_stays_and_lengths_stay() -> None:
    x = torch.randn(2, 6, 3, 4)
    turned = rotate(x, rotary(6, 4))
    assert torch.equal(turned[:, 0], x[:, 0])
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 2, 0), (0, 3, 1, 2), (2, 0, 1, 3)])
def test_any_layout_in_memory_can_be_turned(order: tuple[int, ...]) -> None:
    x = torch.randn(2, 6, 3, 4)
    laid_out = x.permute(order).contiguous().permute([order.index(axis) for axis in range(4)])
    assert torch.equal(laid_out, x)
    torch.testing.assert_close(rotate(laid_out, rotary(6, 4)), rotate(x, rotary(6, 4)), atol=1e-6, rtol=0)
