"""The maths of a curve: few points that look like all of them, and a smoothing that never invents shape."""

from __future__ import annotations

import math

import numpy as np

from genstudio.events import Array

_BLOCK = 64


class Growing:
    """Points that only grow at the end: steps (n,) int64 ascending, values (n,) float64; appending is amortised O(1).

    Of every 64 points the smallest and largest value are kept too, so that drawing millions costs what the pixels cost.
    """

    def __init__(self) -> None:
        self._steps = np.empty(1024, np.int64)
        self._values = np.empty(1024, np.float64)
        self._least = np.empty(1024 // _BLOCK, np.float64)
        self._most = np.empty(1024 // _BLOCK, np.float64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def steps(self) -> Array:
        return self._steps[: self._size]

    @property
    def values(self) -> Array:
        return self._values[: self._size]

    def blocks(self, first: int, last: int) -> tuple[Array, Array]:
        """Smallest and largest value of the whole blocks `first` to `last`; NaN-free where a block holds a number."""
        return self._least[first:last], self._most[first:last]

    def append(self, steps: Array, values: Array) -> None:
        """Add points; where they begin before the end (a run that went back), what they replace is dropped."""
        if not len(steps):
            return
        if self._size and steps[0] <= self._steps[self._size - 1]:
            self._size = int(np.searchsorted(self.steps, steps[0]))
        start, end = self._size, self._size + len(steps)
        if end > len(self._steps):
            self._grow(-(-max(end, 2 * len(self._steps)) // _BLOCK) * _BLOCK)
        self._steps[start:end] = steps
        self._values[start:end] = values
        self._size = end
        first, last = start // _BLOCK, end // _BLOCK
        tail = self._values[first * _BLOCK : last * _BLOCK].reshape(-1, _BLOCK)
        known = np.isfinite(tail)
        self._least[first:last] = np.where(known, tail, np.inf).min(axis=1)
        self._most[first:last] = np.where(known, tail, -np.inf).max(axis=1)

    def clear(self) -> None:
        self._size = 0

    def _grow(self, room: int) -> None:
        for name, size in (("_steps", room), ("_values", room), ("_least", room // _BLOCK), ("_most", room // _BLOCK)):
            old = getattr(self, name)
            new = np.empty(size, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


def columns_of(points: Growing, low: float, high: float, count: int) -> tuple[Array, Array]:
    """As `columns`, of growing points; where a column holds many, from the extremes of blocks."""
    first, last = _between(points.steps, low, high)
    if last - first <= 2 * _BLOCK * count:
        return columns(points.steps, points.values, low, high, count)
    head, tail = -(-first // _BLOCK), last // _BLOCK
    least, most = points.blocks(head, tail)
    starts = np.unique(np.arange(count) * len(least) // count)
    ends = np.append(starts[1:], len(least))
    lowest, highest = np.minimum.reduceat(least, starts), np.maximum.reduceat(most, starts)
    left = points.steps[(head + starts) * _BLOCK]
    right = points.steps[(head + ends) * _BLOCK - 1]
    rising = points.values[(head + starts) * _BLOCK] <= points.values[(head + ends) * _BLOCK - 1]
    x, y = _pairs(left, right, lowest, highest, rising)
    ends_x, ends_y = columns(points.steps[tail * _BLOCK :], points.values[tail * _BLOCK :], low, high, count)
    begin_x, begin_y = columns(
        points.steps[: head * _BLOCK][-_BLOCK:], points.values[: head * _BLOCK][-_BLOCK:], low, high, count
    )
    return np.concatenate([begin_x, x, ends_x]), np.concatenate([begin_y, y, ends_y])


def _between(steps: Array, low: float, high: float) -> tuple[int, int]:
    """Where the steps from `low` to `high`, both included, begin and end. Looked up as whole numbers: for a fraction
    numpy would convert all steps first."""
    ends = np.searchsorted(steps, math.ceil(low)), np.searchsorted(steps, math.floor(high), side="right")
    return int(ends[0]), int(ends[1])


def columns(steps: Array, values: Array, low: float, high: float, count: int) -> tuple[Array, Array]:
    """Number of points of the part from step `low` to `high`: at most two for each of `count` columns.

    Where a column holds more than two points, its smallest and its largest stand for it, in their order, so that no
    peak is lost; non-finite values are left out. One point beyond either end is kept, so that lines leave the picture.
    """
    first, last = _between(steps, low, high)
    first, last = max(0, first - 1), min(len(steps), last + 1)
    x, y = steps[first:last], values[first:last]
    if len(x) <= 2 * count or high <= low:
        fine = np.isfinite(y)
        return x[fine].astype(np.float64), y[fine]
    edges = low + (high - low) * np.arange(count + 1) / count
    starts = np.searchsorted(x, edges[:-1])
    starts[0] = 0
    starts = np.unique(starts[starts < len(x)])
    known = np.isfinite(y)
    least = np.minimum.reduceat(np.where(known, y, np.inf), starts)
    most = np.maximum.reduceat(np.where(known, y, -np.inf), starts)
    ends = np.append(starts[1:], len(x))
    return _pairs(x[starts], x[ends - 1], least, most, y[starts] <= y[ends - 1])


def _pairs(left: Array, right: Array, least: Array, most: Array, rising: Array) -> tuple[Array, Array]:
    """Two points for each column, at its first and last step: low then high if `rising`, else high then low."""
    points = np.stack([np.where(rising, least, most), np.where(rising, most, least)], axis=1).ravel()
    at = np.stack([left, right], axis=1).ravel().astype(np.float64)
    fine = np.isfinite(points)
    return at[fine], points[fine]


def sampled(points: Growing, low: float, high: float, count: int) -> tuple[Array, Array]:
    """Some `count` of the finite points from step `low` to `high`, evenly apart, with the first and the last of them."""
    first, last = _between(points.steps, low, high)
    first, last = max(0, first - 1), min(len(points), last + 1)
    size = last - first
    at = np.arange(first, last) if size <= count else first + np.arange(count) * (size - 1) // (count - 1)
    steps, values = points.steps[at], points.values[at]
    fine = np.isfinite(values)
    return steps[fine].astype(np.float64), values[fine]


class Smoother:
    """A curve smoothed as it grows: the median of the last 5 values, then their exponential mean, bias corrected.

    The mean divides the decayed sum of values by the decayed sum of weights (Adam's correction, Kingma & Ba 2015), so it
    starts at the first value and never leaves the range of what was seen. Its memory grows from a tenth of the points
    seen so far to 1 / (1 - decay), so that it does not lag behind a steep beginning. The median keeps one wild value
    from leaving a tail that was never there. Non-finite values have no weight.
    """

    _CHUNK = 128

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._tail = np.empty(0)
        self._sum = self._weight = 0.0
        self._seen = 0

    def extend(self, values: Array) -> Array:
        """The smoothed values (n,) of the next `values` (n,)."""
        if not len(values):
            return np.empty(0)
        middle = self._median(np.asarray(values, np.float64))
        return np.concatenate([self._mean(middle[i : i + self._CHUNK]) for i in range(0, len(middle), self._CHUNK)])

    def _median(self, values: Array) -> Array:
        tail = np.concatenate([self._tail, values])
        padded = np.concatenate([np.full(4 - len(self._tail), np.nan), tail])
        windows = np.lib.stride_tricks.sliding_window_view(padded, 5)
        self._tail = tail[-4:]
        if np.isfinite(padded).all():
            return np.asarray(np.partition(windows, 2, axis=1)[:, 2])
        ordered = np.sort(np.where(np.isfinite(windows), windows, np.inf), axis=1)
        known = np.isfinite(ordered).sum(axis=1)
        row = np.arange(len(ordered))
        low, high = ordered[row, np.maximum(known - 1, 0) // 2], ordered[row, known // 2]
        return np.where(known > 0, (low + high) / 2, np.nan)

    def _mean(self, values: Array) -> Array:
        known = np.isfinite(values)
        memory = np.maximum(0.5, np.arange(self._seen, self._seen + len(values)) / 10)
        powers = np.cumprod(np.minimum(self.decay, memory / (1 + memory)))
        self._seen += len(values)
        sums = powers * (self._sum + np.cumsum(np.where(known, values, 0) / powers))
        weights = powers * (self._weight + np.cumsum(known / powers))
        self._sum, self._weight = float(sums[-1]), float(weights[-1])
        return np.divide(sums, weights, out=np.full(len(values), np.nan), where=weights > 0)


def sensible_range(values: Array, *, early: int = 0) -> tuple[float, float]:
    """The part of the axis that shows what matters of `values` (n,): all of it, but for wild peaks.

    The first `early` values do not count where the rest spans much less; nor do rare ones far above 99% of them.
    """
    fine = values[np.isfinite(values)]
    if not len(fine):
        return 0.0, 1.0
    later = fine[early:] if len(fine) > early + 8 else fine
    low, high = float(later.min()), float(np.percentile(later, 99))
    span = max(high - low, 1e-12)
    top = float(fine.max())
    if top <= high + 0.6 * span:
        high = top
    elif float(later.max()) <= high + 0.6 * span:
        high = float(later.max())
    return min(low, float(fine.min())), high
