"""What is said of heads: on attention made by hand, and against brute force."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.inspection.heads import (
    ENTROPY,
    EVENNESS,
    FIRST,
    ITSELF,
    PREVIOUS,
    Summary,
    heaviest,
    label,
    prefix_matching,
    score_rows,
    seen,
    weight_rows,
)

T = 24


def summary_of(weights: Tensor, side: int = 8, block: int = 8, causal: bool = True) -> Summary:
    """The summary of weights (H, T, T), given as scores in blocks of rows."""
    scores = weights.clamp(min=1e-300).log().masked_fill(weights == 0, -1e30)
    summary = Summary(len(weights), weights.shape[1], side)
    for first in range(0, weights.shape[1], block):
        last = min(first + block, weights.shape[1])
        keys = last if causal else weights.shape[2]
        summary.add(scores[:, first:last, :keys], first, seen(NOTHING_ABLATED, causal, first, last, keys))
    return summary


def made(kind: str, share: float = 1.0) -> Tensor:
    """Causal attention (1, T, T): `share` on one place, the rest spread evenly over what is seen."""
    weights = torch.ones(T, T, dtype=torch.float64).tril()
    weights /= weights.sum(-1, keepdim=True)
    place = torch.zeros(T, T, dtype=torch.float64)
    for row in range(T):
        place[row, {"previous": max(row - 1, 0), "first": 0, "itself": row}.get(kind, 0)] = 1
    return ((1 - share) * weights + share * place)[None]


@pytest.mark.parametrize(("kind", "column"), [("previous", PREVIOUS), ("first", FIRST), ("itself", ITSELF)])
def test_a_head_that_looks_at_one_place_is_called_so(kind: str, column: int) -> None:
    names = {"previous": "the previous token", "first": "the first token", "itself": "itself"}
    found = summary_of(made(kind)).descriptors()[0]
    assert found[column] == pytest.approx(1) and found[ENTROPY] == pytest.approx(0, abs=1e-6)
    assert label(found) == f"attends to {names[kind]}"
    assert label(summary_of(made(kind, 0.3)).descriptors()[0]) == f"often attends to {names[kind]}"
    others = {PREVIOUS, FIRST, ITSELF} - {column}
    assert all(found[other] == 0 for other in others)


def test_an_even_head_is_even_and_a_short_text_says_nothing() -> None:
    found = summary_of(made("", 0.0)).descriptors()[0]
    counts = np.arange(3, T + 1)
    assert found[EVENNESS] == pytest.approx(1, abs=1e-5)
    assert found[ENTROPY] == pytest.approx(np.log(counts).mean(), abs=1e-5)
    assert label(found) == "attends evenly"
    assert label(np.full(5, np.nan)) == "too short to classify"
    assert np.isnan(summary_of(made("first")[:, :2, :2]).descriptors()).all()
    assert label(np.array([0.1, 0.1, 0.1, 1.0, 0.3])) == "attends to few tokens"
    assert label(np.array([0.1, 0.1, 0.1, 1.0, 0.7])) == "mixed"


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("size", [5, 16, 23])
@pytest.mark.parametrize("block", [4, 8, 24])
def test_numbers_of_random_heads_against_loops(causal: bool, size: int, block: int) -> None:
    torch.manual_seed(size)
    raw = torch.randn(3, size, size, dtype=torch.float64) * 2
    mask = torch.ones(size, size, dtype=torch.bool).tril() if causal else torch.ones(size, size, dtype=torch.bool)
    weights = raw.masked_fill(~mask, -math.inf).softmax(-1)
    summary = summary_of(weights, side=6, block=-(-block // -(-size // 6)) * -(-size // 6), causal=causal)
    for head in range(3):
        w = weights[head].numpy()
        rows = range(2, size)
        entropies = [-sum(p * math.log(p) for p in w[i] if p > 0) for i in rows]
        evens = [math.log(i + 1 if causal else size) for i in rows]
        expected = [
            np.mean([w[i, i - 1] for i in rows]), np.mean([w[i, 0] for i in rows]), np.mean([w[i, i] for i in rows]),
            np.mean(entropies), np.mean([e / even for e, even in zip(entropies, evens, strict=True)]),
        ]  # fmt: skip
        np.testing.assert_allclose(summary.descriptors()[head], expected, atol=1e-5)
        for r in range(summary.size):
            for c in range(summary.size):
                p = summary.patch
                assert summary.small[head, r, c] == pytest.approx(w[r * p : r * p + p, c * p : c * p + p].max(), abs=1e-6)
    assert summary.row_error < 1e-9 and summary.leak == 0


def test_a_leak_and_a_wrong_row_are_seen() -> None:
    summary = Summary(1, 4, 4)
    scores = torch.zeros(1, 4, 4)
    summary.add(scores, 0, torch.ones(4, 4, dtype=torch.bool).tril())
    assert summary.leak == pytest.approx(0.25)


CASES = [NOTHING_ABLATED, Ablation(tokens=frozenset({0, 3})), Ablation(scaled=False), Ablation(causal=False)]


@pytest.mark.parametrize("switches", CASES)
@pytest.mark.parametrize("causal", [True, False])
def test_rows_are_those_of_the_whole(switches: Ablation, causal: bool) -> None:
    torch.manual_seed(0)
    q, k = torch.randn(2, 2, 9, 4, dtype=torch.float64)
    masked = causal and switches.causal
    whole = torch.empty(2, 9, 9, dtype=torch.float64)
    for h in range(2):
        for i in range(9):
            allowed = [j for j in range(9) if (j <= i or not masked) and (j == i or j not in switches.tokens)]
            s = torch.stack([q[h, i] @ k[h, j] * (0.5 if switches.scaled else 1.0) for j in allowed])
            whole[h, i] = 0
            whole[h, i, allowed] = s.exp() / s.exp().sum()
    for first, last in ((0, 9), (0, 4), (4, 9), (8, 9)):
        rows = weight_rows(q, k, first, last, switches, causal)
        torch.testing.assert_close(rows, whole[:, first:last], atol=1e-12, rtol=0)
        assert not rows[whole[:, first:last] == 0].any()
        scores = score_rows(q, k, first, last, switches, causal)
        torch.testing.assert_close(scores.softmax(-1), whole[:, first:last, : scores.shape[2]], atol=1e-12, rtol=0)


def test_prefix_matching_of_heads_made_by_hand() -> None:
    period, begin = 5, 1
    size = begin + 2 * period
    heads = torch.zeros(4, size, size)
    for i in range(size):
        heads[0, i, max(0, i - period + 1)] = 1  # attends to what followed the same token
        heads[1, i, max(0, i - period)] = 1  # attends to the same token: close, but not induction
        heads[2, i, i] = 1
        heads[3, i, : i + 1] = 1 / (i + 1)
    even = np.mean([1 / (i + 1) for i in range(begin + period, size)])
    np.testing.assert_allclose(prefix_matching(heads, period, begin).numpy(), [1, 0, 0, even], atol=1e-6)


def test_the_heaviest_are_the_fewest_that_reach_the_mass() -> None:
    weights = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    assert heaviest(weights, 0.8)[0].tolist() == pytest.approx([0.5, 0.3, 0, 0])
    assert heaviest(weights, 0.81)[0].tolist() == pytest.approx([0.5, 0.3, 0.15, 0])
    assert heaviest(weights, 0.4)[1].tolist() == [0.25, 0.25, 0, 0]
    assert heaviest(weights, 0.9)[2].tolist() == [1, 0, 0, 0]
    assert heaviest(weights, 1.0) is weights
    torch.manual_seed(0)
    many: Any = torch.randn(50, 30).softmax(-1)
    kept = heaviest(many, 0.7)
    for row, all_ in zip(kept, many, strict=True):
        chosen = row[row > 0]
        assert chosen.sum() >= 0.7 - 1e-6 and chosen.sum() - chosen.min() < 0.7 + 1e-6
        assert len(chosen) == int((all_.sort(descending=True).values.cumsum(0) < 0.7 - 1e-6).sum()) + 1
