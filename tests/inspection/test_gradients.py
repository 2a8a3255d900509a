"""Gradients that begin in the middle of a model are those of autograd, and bring nothing with them."""

from __future__ import annotations

import subprocess
import sys

import torch

from genstudio.inspection.gradients import pulled_back


def test_they_are_those_of_autograd_bit_by_bit() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.GELU(), torch.nn.Linear(5, 3))
    entering, pull = torch.randn(4, 7, requires_grad=True), torch.randn(4, 3)
    wanted = [entering, *layer.parameters()]
    with torch.no_grad():
        found = pulled_back(torch.enable_grad()(layer)(entering), pull, wanted)
    for mine, theirs in zip(found, torch.autograd.grad(layer(entering), wanted, pull), strict=True):
        assert torch.equal(mine, theirs)
    assert not torch.equal(found[0], torch.autograd.grad(layer(entering), wanted, pull.flip(0))[0])


def test_a_first_one_imports_no_computer_algebra() -> None:
    code = (
        "import sys, torch\n"
        "from genstudio.inspection.gradients import pulled_back\n"
        "x, pull = torch.ones(3, requires_grad=True), torch.ones(3)\n"
        "pulled_back(x * 2, pull, [x])\n"
        "before = 'sympy' in sys.modules\n"
        "torch.autograd.grad(x * 2, [x], pull)\n"
        "print(before, 'sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False True\n"
