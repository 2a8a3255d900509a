"""How fast a training goes."""

from __future__ import annotations

from collections import deque

import numpy as np

from genstudio.events import Frame, Series


class Rate:
    """Steps, and tokens where there are any, per second over the last two seconds of training."""

    def __init__(self, step: int = 0) -> None:
        self.step = step
        self.steps_per_second = 0.0
        self._seen: deque[tuple[float, int]] = deque()

    def over(self, frame: Frame, elapsed: float, tokens_per_step: int) -> dict[str, Series]:
        """The speed as series, when the frame holds steps."""
        newest = max((int(series.steps[-1]) for series in frame.series.values()), default=0)
        if newest <= self.step:
            return {}
        self.step = newest
        self._seen.append((elapsed, self.step))
        while len(self._seen) > 2 and elapsed - self._seen[0][0] > 2.0:
            self._seen.popleft()
        began, before = self._seen[0]
        if (span := elapsed - began) <= 0:
            return {}
        self.steps_per_second = (self.step - before) / span
        rates = {"steps_per_second": self.steps_per_second}
        if tokens_per_step:
            rates["tokens_per_second"] = self.steps_per_second * tokens_per_step
        return {name: Series(np.array([self.step], np.int64), np.array([rate])) for name, rate in rates.items()}
