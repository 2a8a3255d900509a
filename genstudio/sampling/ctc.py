"""Connectionist temporal classification (Graves et al. 2006): from the probabilities of each frame to tokens. Numpy only.

A path names a token or the blank at every frame; what it says is left once repetitions are merged and blanks dropped. A text is
as probable as all paths that say it together. Log-probabilities are (T, V) in nats; `blank` is one of the V.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.floating[Any]]
_IMPOSSIBLE = -math.inf
_UNLIKELY = 12.0
"""Nats below the likeliest token of its frame at which a token is not tried as the next one of a beam."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Tokens, and the log-probability that was found for them."""

    ids: tuple[int, ...]
    logprob: float


def collapse(path: Iterable[int], blank: int) -> tuple[int, ...]:
    """What a path says.

    >>> collapse([9, 3, 3, 9, 3, 5, 5, 9], blank=9)
    (3, 3, 5)
    """
    found, before = list[int](), blank
    for token in path:
        if token != before and token != blank:
            found.append(token)
        before = token
    return tuple(found)


def greedy(frames: Frames, blank: int) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """The tokens of the most probable path, and the frames at which each is said: (n, 2), first and behind the last. This is not
    always the most probable text."""
    path = frames.argmax(1) if len(frames) else np.zeros(0, np.int64)
    return collapse(path.tolist(), blank), _spans(path, blank)


def beam_search(frames: Frames, blank: int, beams: int, unlikely: float = _UNLIKELY) -> tuple[Hypothesis, ...]:
    """The most probable texts, up to `beams`, from the best on (Graves & Jaitly 2014, algorithm 1). What is found for a text is
    the sum over all of its paths that stay among the `beams` best beginnings; with enough beams, and no token `unlikely`, it is
    exact.

    A token that is `unlikely` nats below the likeliest of its frame begins nothing new there."""
    states: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, _IMPOSSIBLE)}  # ending in the blank, and in its last token
    for frame in frames.tolist():
        least = max(frame) - unlikely
        likely = [token for token, value in enumerate(frame) if token != blank and value >= least]
        following: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(ids: tuple[int, ...], silent: float, spoken: float, into: dict[tuple[int, ...], tuple[float, float]]) -> None:
            one, other = into.get(ids, (_IMPOSSIBLE, _IMPOSSIBLE))
            into[ids] = _sum(one, silent), _sum(other, spoken)

        for ids, (silent, spoken) in states.items():
            both = _sum(silent, spoken)
            last = ids[-1] if ids else blank
            add(ids, both + frame[blank], spoken + frame[last] if ids else _IMPOSSIBLE, following)
            for token in likely:
                before = silent if token == last else both  # a repetition needs a blank between
                if before > _IMPOSSIBLE:
                    add((*ids, token), _IMPOSSIBLE, before + frame[token], following)
        best = sorted(following.items(), key=lambda item: (-_sum(*item[1]), item[0]))[:beams]
        states = dict(best)
    return tuple(Hypothesis(ids, _sum(*both)) for ids, both in states.items())


def log_probability(frames: Frames, ids: Sequence[int], blank: int) -> float:
    """The log-probability of a text: the sum over all of its paths, by the forward recursion (Graves et al. 2006, 4.1). Minus
    infinity where there are too few frames for it."""
    row = _extended(ids, blank)
    alpha = np.full(len(row), _IMPOSSIBLE)
    if not len(frames):
        return 0.0 if not len(ids) else _IMPOSSIBLE
    alpha[:2] = frames[0, row[:2]]
    skips = _skips(row, blank)
    for frame in frames[1:]:
        before = np.full((3, len(row)), _IMPOSSIBLE)
        before[0] = alpha
        before[1, 1:] = alpha[:-1]
        before[2, 2:] = np.where(skips[2:], alpha[:-2], _IMPOSSIBLE)
        alpha = np.logaddexp.reduce(before, 0) + frame[row]
    return float(np.logaddexp.reduce(alpha[-2:]))


def align(frames: Frames, ids: Sequence[int], blank: int) -> NDArray[np.int64]:
    """When each token of a text is said, on the most probable path that says it: (n, 2) frames, first and behind the last. Raises
    ValueError where there are too few frames for the text."""
    row = _extended(ids, blank)
    if not len(frames):
        if len(ids):
            raise ValueError("no frames to say it in")
        return np.zeros((0, 2), np.int64)
    skips = _skips(row, blank)
    best = np.full(len(row), _IMPOSSIBLE)
    best[:2] = frames[0, row[:2]]
    came = np.zeros((len(frames), len(row)), np.int64)
    for at, frame in enumerate(frames[1:], 1):
        before = np.full((3, len(row)), _IMPOSSIBLE)
        before[0] = best
        before[1, 1:] = best[:-1]
        before[2, 2:] = np.where(skips[2:], best[:-2], _IMPOSSIBLE)
        came[at] = before.argmax(0)
        best = before.max(0) + frame[row]
    place = len(row) - 1 if len(row) == 1 or best[-1] >= best[-2] else len(row) - 2
    if best[place] == _IMPOSSIBLE:
        raise ValueError(f"{len(frames)} frames are too few for {len(ids)} tokens")
    places = np.zeros(len(frames), np.int64)
    for at in range(len(frames) - 1, -1, -1):
        places[at] = place
        place -= int(came[at, place])
    spans = [np.flatnonzero(places == 2 * token + 1) for token in range(len(ids))]
    return np.array([(each[0], each[-1] + 1) for each in spans], np.int64).reshape(-1, 2)


def _spans(path: NDArray[Any], blank: int) -> NDArray[np.int64]:
    """(n, 2) first and behind the last frame of each run of a token."""
    edges = np.flatnonzero(np.diff(path)) + 1
    starts, stops = np.concatenate([[0], edges]), np.concatenate([edges, [len(path)]])
    said = path[starts] != blank if len(path) else np.zeros(len(starts), bool)
    return np.stack([starts[said], stops[said]], 1).astype(np.int64)


def _extended(ids: Sequence[int], blank: int) -> NDArray[np.int64]:
    """The tokens with a blank before, between and behind them: (2 n + 1,)"""
    row = np.full(2 * len(ids) + 1, blank, np.int64)
    row[1::2] = ids
    return row


def _skips(row: NDArray[np.int64], blank: int) -> NDArray[np.bool_]:
    """Which places may follow the one two before: a token that differs from the one before the blank."""
    found = np.zeros(len(row), bool)
    found[2:] = (row[2:] != blank) & (row[2:] != row[:-2])
    return found


def _sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))"""
    high, low = (one, other) if one >= other else (other, one)
    return high if low == _IMPOSSIBLE else high + math.log1p(math.exp(low - high))
