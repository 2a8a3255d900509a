"""The maths of a curve: few points that look like all of them, and a smoothing that never invents shape."""

from __future__ import annotations

import numpy as np

from genstudio.events import Array


class Growing:
    """Points that only grow at the end: steps (n,) int64 ascending and values (n,) float64, appended in amortised O(1)."""

    def __init__(self) -> None:
        self._steps = np.empty(1024, np.int64)
        self._values = np.empty(1024, np.float64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def steps(self) -> Array:
        return self._steps[: self._size]

    @property
    def values(self) -> Array:
        return self._values[: self._size]

    def append(self, steps: Array, values: Array) -> None:
        """Add points; where they begin before the end (a run that went back), what they replace is dropped."""
        if not len(steps):
            return
        if self._size and steps[0] <= self._steps[self._size - 1]:
            self._size = int(np.searchsorted(self.steps, steps[0]))
        end = self._size + len(steps)
        if end > len(self._steps):
            room = max(end, 2 * len(self._steps))
            self._steps = np.concatenate([self.steps, np.empty(room - self._size, np.int64)])
            self._values = np.concatenate([self.values, np.empty(room - self._size, np.float64)])
        self._steps[self._size : end] = steps
        self._values[self._size : end] = values
        self._size = end

    def clear(self) -> None:
        self._size = 0


def columns(steps: Array, values: Array, low: float, high: float, count: int) -> tuple[Array, Array]:
    """Points to draw of the part from step `low` to `high`: at most two for each of `count` columns.

    Where a column holds more than two points, its smallest and its largest stand for it, in their order, so that no
    peak is lost; non-finite values are left out. One point beyond either end is kept, so that lines leave the picture.
    """
    first = max(0, int(np.searchsorted(steps, low)) - 1)
    last = min(len(steps), int(np.searchsorted(steps, high, side="right")) + 1)
    x, y = steps[first:last], values[first:last]
    if len(x) <= 2 * count or high <= low:
        fine = np.isfinite(y)
        return x[fine].astype(np.float64), y[fine]
    edges = low + (high - low) * np.arange(count + 1) / count
    starts = np.searchsorted(x, edges[:-1])
    starts[0] = 0
    starts = np.unique(starts[starts < len(x)])
    fine_y = y if np.isfinite(y[: len(y)].sum()) else None
    least_source = y if fine_y is not None else np.where(np.isfinite(y), y, np.inf)
    most_source = y if fine_y is not None else np.where(np.isfinite(y), y, -np.inf)
    least = np.minimum.reduceat(least_source, starts)
    most = np.maximum.reduceat(most_source, starts)
    ends = np.append(starts[1:], len(x))
    rising = y[starts] - y[ends - 1] <= 0
    points = np.empty(2 * len(starts))
    points[0::2] = np.where(rising, least, most)
    points[1::2] = np.where(rising, most, least)
    middles = np.empty(2 * len(starts))
    middles[0::2] = x[starts] + (x[ends - 1] - x[starts]) * 0.25
    middles[1::2] = x[starts] + (x[ends - 1] - x[starts]) * 0.75
    middles[0], middles[-1] = x[0], x[-1]
    fine = np.isfinite(points)
    return middles[fine], points[fine]


class Smoother:
    """A curve smoothed as it grows: the median of the last 5 values, then their exponential mean, bias corrected.

    The mean at step t is sum_i d^(t-i) m_i / sum_i d^(t-i) over the values seen so far (Adam's correction, Kingma & Ba
    2015), a weighted mean of past values: it starts at the first value and never leaves the range of what was seen.
    The median keeps one wild value from leaving a tail that was never there. Non-finite values have no weight.
    """

    _CHUNK = 128

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._tail = np.empty(0)
        self._sum = self._weight = 0.0

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
        powers = self.decay ** np.arange(1, len(values) + 1)
        sums = powers * (self._sum + np.cumsum(np.where(known, values, 0) / powers))
        weights = powers * (self._weight + np.cumsum(known / powers))
        self._sum, self._weight = float(sums[-1]), float(weights[-1])
        return np.divide(sums, weights, out=np.full(len(values), np.nan), where=weights > 0)


def sensible_range(values: Array, *, early: int = 0) -> tuple[float, float]:
    """The part of the axis that shows what matters of `values` (n,): all of it, but for wild peaks.

    The first `early` values do not count where the rest spans much less; nor do rare values far above the 99th percentile.
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
    return min(low, float(fine.min()) if float(fine.min()) >= low - 0.6 * span else low), high
