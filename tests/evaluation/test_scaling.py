"""What is best for a given compute, against the printed figures, against a search, and against a broken twin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from genstudio.evaluation.scaling import LAWS, ScalingLaw

BY_NAME = {law.name: law for law in LAWS}
PRINTED = [
    ("hoffmann", 1e15, None, 13.2), ("hoffmann_exact", 1e15, None, 10.2), ("epoch", 1e15, None, 30.6),
    ("hoffmann", 1e18, 8.06e7, 25.7), ("hoffmann_exact", 1e18, 9.46e7, 18.6), ("epoch", 1e18, 8.05e7, 25.7),
    ("hoffmann", 5.76e23, 3.22e10, 92.6), ("hoffmann_exact", 5.76e23, 4.03e10, 59.1), ("epoch", 5.76e23, 7.22e10, 18.4),
]  # fmt: skip


def as_printed(law: ScalingLaw, compute: float, parameters: float | None, ratio: float) -> bool:
    """Whether the optimum is this one to the digits that are printed."""
    found = law.optimum(compute)
    return (parameters is None or f"{found.parameters:.2e}" == f"{parameters:.2e}") and f"{found.ratio:.1f}" == f"{ratio:.1f}"


@pytest.mark.parametrize(("name", "compute", "parameters", "ratio"), PRINTED)
def test_the_optimum_is_the_printed_one(name: str, compute: float, parameters: float | None, ratio: float) -> None:
    law = BY_NAME[name]
    assert as_printed(law, compute, parameters, ratio)
    swapped = dataclasses.replace(law, alpha=law.beta, beta=law.alpha)
    assert not as_printed(swapped, compute, parameters, ratio), "exponents swapped"


def test_chinchillas_own_budget() -> None:
    found = BY_NAME["epoch"].optimum(5.76e23)
    assert f"{found.tokens:.2e}" == "1.33e+12" and f"{found.loss:.3f}" == "1.974"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_no_other_size_does_better_with_the_same_compute(law: ScalingLaw) -> None:
    found = law.optimum(1e18)
    assert 6 * found.parameters * found.tokens == pytest.approx(1e18)
    sizes = found.parameters * np.geomspace(0.1, 10, 201)
    losses = [law.loss(size, 1e18 / 6 / size) for size in sizes]
    assert int(np.argmin(losses)) == 100 and law.loss(found.parameters, found.tokens) == found.loss
    assert law.tokens_for(found.parameters) == pytest.approx(found.tokens)
    half = law.tokens_to_reach(found.loss, found.parameters / 2)
    assert law.loss(found.parameters / 2, half) == pytest.approx(found.loss)
    assert half * 0.5 > found.tokens, "a smaller model needs more compute for the same loss, but costs half as much to use"
    assert law.tokens_to_reach(law.floor, 1e9) == float("inf")
