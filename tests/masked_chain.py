"""The best that any model can say of hidden letters of the known-entropy text, over all fillings of the gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.data.generators.markov import SYMBOLS, stationary, transitions

S = len(SYMBOLS)


def brute_force(letters: NDArray[np.integer], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Letters (n,) of a window and which of them are hidden -> nats of each hidden one."""
    table, start = transitions(), stationary(transitions())
    gaps = np.flatnonzero(hidden)
    fillings = np.array(np.meshgrid(*[range(S)] * len(gaps), indexing="ij")).reshape(len(gaps), -1).T
    rows = np.repeat(letters[None], len(fillings), 0)
    rows[:, gaps] = fillings
    chance = start[rows[:, 0] * S + rows[:, 1]] if rows.shape[1] > 1 else start.reshape(S, S).sum(0)[rows[:, 0]]
    for t in range(2, rows.shape[1]):
        chance = chance * table[rows[:, t - 2] * S + rows[:, t - 1], rows[:, t]]
    return np.array([-np.log(chance[rows[:, gap] == letters[gap]].sum() / chance.sum()) for gap in gaps])
