"""Optimisers by their formulas against torch's, and against the program's own Muon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from genstudio.nn.descent import Descent
from genstudio.training.optim import Muon

_RATE = 0.03
THEIRS: dict[str, Any] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=_RATE),
    "momentum": lambda p: torch.optim.SGD(p, lr=_RATE, momentum=0.9),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=_RATE, alpha=0.99),
    "adam": lambda p: torch.optim.Adam(p, lr=_RATE, betas=(0.9, 0.999)),
    "muon": lambda p: Muon(p, lr=_RATE, momentum=0.9),
}


@pytest.mark.parametrize("kind", THEIRS)
def test_twenty_steps_are_torchs(kind: Any) -> None:
    rng = np.random.default_rng(3)
    start, wanted = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    theirs, mine, place = THEIRS[kind]([weight]), Descent(kind), start
    for _ in range(20):
        theirs.zero_grad()
        ((weight - torch.from_numpy(wanted)).square().sum() / 2).backward()
        theirs.step()
        (place,) = mine.step([place], [place - wanted], _RATE)
    assert place == pytest.approx(weight.detach().numpy(), abs=1e-6)
