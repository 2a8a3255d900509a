"""Beam search against every text there is, and against greedy choice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from language import Language

from genstudio.errors import TrainingError
from genstudio.sampling.beam import DROPPED, FINISHED, KEPT, PRUNED, BeamSearch
from genstudio.sampling.choose import SamplingOptions
from genstudio.sampling.reader import Reader
from genstudio.sampling.text import stream
from helpers import usually


def search(model: Language, prompt: list[int], beams: int, length: int, stop: int | None = None, **more: float) -> BeamSearch:
    found = BeamSearch(beams, stop=stop, **more)  # type: ignore[arg-type]
    list(found.run(Reader(model), prompt, length))
    return found


@torch.no_grad()
def total(model: Language, prompt: list[int], way: tuple[int, ...]) -> float:
    """log P(way | prompt) in one forward pass without a cache."""
    logits = model(torch.tensor([[*prompt, *way]])).double().log_softmax(-1)[0]
    return sum(float(logits[len(prompt) + i - 1, token]) for i, token in enumerate(way))


def brute_force(model: Language, prompt: list[int], size: int, length: int, stop: int, alpha: float) -> list[tuple[int, ...]]:
    """Every text of up to `length` tokens that ends at `stop` or is as long as asked, the best first."""
    texts = {
        way[: way.index(stop) + 1] if stop in way else way for way in itertools.product(range(size), repeat=length)
    }
    return sorted(texts, key=lambda way: -total(model, prompt, way) / ((5 + len(way)) / 6) ** alpha)


@usually("alpha", [0.7, 0.0])
@pytest.mark.parametrize("stop", [None, 2])
def test_as_many_beams_as_texts_find_the_best_of_all(alpha: float, stop: int | None) -> None:
    model = Language(16, 4).double().eval()
    found = search(model, [1, 3], 4**5, 5, stop, alpha=alpha)
    expected = brute_force(model, [1, 3], 4, 5, -1 if stop is None else stop, alpha)
    best = [tuple(found.way(node)) for node in found.best()]
    assert best == expected[: len(best)] and len(best) == len(expected)
    for node in found.best()[:20]:
        way = tuple(found.way(node))
        assert found.nodes[node].total == pytest.approx(total(model, [1, 3], way), abs=1e-10)


def test_a_narrow_beam_is_a_twin_that_can_be_told_apart() -> None:
    wide, narrow = [], []
    for seed in range(40):
        model = Language(16, 4, seed=seed).double().eval()
        wide.append(max(node.total for node in search(model, [1], 4**5, 5).nodes if node.depth == 5))
        narrow.append(max(node.total for node in search(model, [1], 1, 5).nodes if node.depth == 5))
    assert all(w >= n - 1e-12 for w, n in zip(wide, narrow, strict=True))
    assert any(w > n + 1e-6 for w, n in zip(wide, narrow, strict=True))


@pytest.mark.parametrize("context", [8, 64])
@pytest.mark.parametrize("cached", [True, False])
def test_one_beam_is_greedy(context: int, cached: bool) -> None:
    model = Language(context, cached=cached).eval()
    greedy = [c.id for c in stream(model, [3, 1, 4], SamplingOptions(greedy=True), 0, 25)]
    found = search(model, [3, 1, 4], 1, 25)
    assert found.way(found.best()[0]) == greedy


@pytest.mark.parametrize("beams", [2, 5])
def test_a_cache_finds_the_same_tree(beams: int) -> None:
    trees = [search(Language(10, cached=cached).double().eval(), [7, 7], beams, 14) for cached in (True, False)]
    assert [(n.parent, n.id, n.state) for n in trees[0].nodes] == [(n.parent, n.id, n.state) for n in trees[1].nodes]


def test_the_tree_tells_what_was_kept_and_what_was_not() -> None:
    model = Language(32, 12).double().eval()
    found = search(model, [5], 3, 8, stop=4)
    states = found.states()
    for depth in range(1, 9):
        step = [i for i, node in enumerate(found.nodes) if node.depth == depth]
        passed = [found.nodes[i].total for i in step if states[i] != PRUNED]
        pruned = [found.nodes[i].total for i in step if states[i] == PRUNED]
        assert sum(states[i] in (KEPT, DROPPED) for i in step) <= 3 >= len(pruned)
        assert not pruned or min(passed) >= max(pruned)
    for index, node in enumerate(found.nodes):
        assert node.parent < index and (node.parent < 0 or states[node.parent] in (KEPT, DROPPED))
        before = found.nodes[node.parent].total if node.parent >= 0 else 0.0
        assert node.total == pytest.approx(before + node.logprob)
        assert (node.id == 4) == (states[index] == FINISHED) or states[index] == PRUNED
    leaves = {node.parent for node in found.nodes}
    assert all(states[i] != DROPPED for i in found.best())
    assert len(leaves) > 1


def test_it_stops_when_nothing_better_can_come() -> None:
    model = Language(32, 5).double().eval()
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([9.0, 0.0, 0.0, 0.0, 0.0]))
    found = search(model, [1], 1, 30, stop=0)
    assert max(node.depth for node in found.nodes) <= 2 and found.way(found.best()[0]) == [0]
    assert found.nodes[found.best()[0]].total == pytest.approx(-math.log(1 + 4 * math.exp(-9)))


def test_spoiled_weights_are_named() -> None:
    model = Language(8).eval()
    with torch.no_grad():
        model.head.bias.fill_(np.nan)
    with pytest.raises(TrainingError, match="not finite"):
        search(model, [1], 2, 3)
