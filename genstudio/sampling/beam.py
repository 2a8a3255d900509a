"""Beam search: the most probable texts, not drawn ones, and the tree in which they were found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.sampling.choose import most_probable, not_finite
from genstudio.sampling.reader import Ids, Logits, Reader

KEPT, PRUNED, FINISHED, DROPPED = range(4)


@dataclass(slots=True)
class Node:
    """A token behind its `parent` (an index, -1 for the prompt). `total` is the sum of log-probabilities from the
    prompt on, in nats, `score` the same over the length penalty."""

    parent: int
    id: int
    logprob: float
    total: float
    score: float
    depth: int
    state: int


class BeamSearch:
    """Keeps the `beams` most probable texts of each length.

    Of the continuations of all that are kept, in the order of their totals (ties: the better parent, then the lower id),
    the first `beams` go on; what ended before them is finished; as many again are remembered as pruned. A score is the
    total over ((5 + length) / 6)^alpha (Wu et al. 2016, 7). Ends when none of the texts that go on could become better
    than the `beams` best that have ended. `ends` tells of the ids behind the prompt whether the text is at its end.
    """

    def __init__(
        self, beams: int, alpha: float = 0.0, stop: int | None = None, ends: Callable[[list[int]], bool] | None = None
    ) -> None:
        self.beams, self.alpha, self._stop, self._ends = beams, alpha, stop, ends
        self.nodes: list[Node] = []
        self._open: list[int] = []
        self._ended: list[int] = []

    def run(self, reader: Reader, ids: Ids, length: int, slide: int | None = None) -> Iterator[float]:
        """Search texts of up to `length` tokens behind ids (at least one). Yields the fraction done after each step and
        between slices of reading. A full context slides as in `writing`."""
        if length < 1:
            return
        context = reader.model.context
        window = [int(i) for i in ids[-context:]]
        slide = min(max(1, context // 8 if slide is None else slide), context)
        work = reader.reading(window)
        while True:
            try:
                next(work)
            except StopIteration as end:
                logits: Logits = end.value[None]
                break
            yield 0.0
        beams, dropped = reader.beams(), 0
        for depth in range(1, length + 1):
            rows = self._extend(logits, depth)
            yield depth / length
            if not self._open or self._settled(length) or depth == length:
                return
            if len(window) + depth - dropped > context:
                dropped += slide
            logits = beams.add(rows, [[*window, *self.way(node)][dropped:] for node in self._open])

    def way(self, node: int) -> list[int]:
        """The ids from the prompt to a node."""
        ids: list[int] = []
        while node >= 0:
            ids.append(self.nodes[node].id)
            node = self.nodes[node].parent
        return ids[::-1]

    def best(self) -> list[int]:
        """The nodes in which the `beams` best texts end, the best first."""
        return self._sorted([*self._ended, *self._open])[: self.beams]

    def states(self) -> NDArray[np.uint8]:
        """The state of each node (n,); what was kept but leads nowhere is dropped."""
        states = np.array([node.state for node in self.nodes], np.uint8)
        leads = np.zeros(len(self.nodes), bool)
        for node in (*self._open, *np.flatnonzero(states == FINISHED).tolist()):
            while node >= 0 and not leads[node]:
                leads[node] = True
                node = self.nodes[node].parent
        states[(states == KEPT) & ~leads] = DROPPED
        return states

    def _extend(self, logits: NDArray[Any], depth: int) -> list[int]:
        """Add the next tokens of all that are open; says for each that goes on which row of logits (n, V) it follows."""
        logprobs = _log_softmax(logits)
        before = np.array([self.nodes[node].total for node in self._open] or [0.0])
        parents = self._open or [-1]
        totals = (before[:, None] + logprobs).ravel()
        size, rows = logprobs.shape[1], list[int]()
        self._open = []
        pruned = 0
        for place in self._ordered(totals):
            row, token = divmod(place, size)
            if totals[place] == -np.inf or pruned == self.beams:
                break
            node = Node(parents[row], token, float(logprobs[row, token]), float(totals[place]), 0.0, depth, PRUNED)
            node.score = node.total / self._penalty(depth)
            self.nodes.append(node)
            if len(self._open) == self.beams:
                pruned += 1
            elif self._is_end(len(self.nodes) - 1):
                node.state = FINISHED
                self._ended.append(len(self.nodes) - 1)
            else:
                node.state = KEPT
                self._open.append(len(self.nodes) - 1)
                rows.append(row)
        return rows

    def _ordered(self, totals: NDArray[np.float64]) -> Iterator[int]:
        """Places from the highest total down, found a few at a time."""
        count = 4 * self.beams
        yield from (first := most_probable(totals, count).tolist())
        if count < len(totals):
            yield from np.argsort(-totals, kind="stable")[len(first) :].tolist()

    def _is_end(self, node: int) -> bool:
        return self.nodes[node].id == self._stop or (self._ends is not None and self._ends(self.way(node)))

    def _settled(self, length: int) -> bool:
        self._ended = self._sorted(self._ended)[: self.beams]
        if len(self._ended) < self.beams:
            return False
        hope = max(self.nodes[node].total for node in self._open) / self._penalty(length if self.alpha > 0 else 1)
        return hope <= self.nodes[self._ended[-1]].score

    def _penalty(self, length: int) -> float:
        return float(((5 + length) / 6) ** self.alpha)

    def _sorted(self, nodes: Sequence[int]) -> list[int]:
        return sorted(nodes, key=lambda node: (-self.nodes[node].score, node))


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    values = logits.astype(np.float64)
    highest = values.max(axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        raise not_finite()
    values -= highest
    return np.asarray(values - np.log(np.exp(values).sum(axis=1, keepdims=True)))
