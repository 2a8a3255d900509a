"""The best that any model can say of hidden letters of the known-entropy text: forward-backward over its Markov chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genstudio.data.generators.markov import SYMBOLS, stationary, transitions

S = len(SYMBOLS)


def optimum(letters: NDArray[np.integer], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Letters (W, n) of windows and which of them are hidden -> nats of each hidden one (hidden.sum(),), in the order of the
    windows, under its exact distribution given the letters that are seen (Rabiner 1989).

    A state is the pair of a letter and the one before it; before the first letter of a window nothing is seen.
    """
    table = transitions()
    start, windows, length = stationary(table), len(letters), letters.shape[1]
    seen = np.where(hidden[..., None], 1.0, np.eye(S)[letters])  # (W, n, S)
    forward = np.empty((length, windows, S, S))
    state = np.broadcast_to(start.reshape(S, S), (windows, S, S))
    for t in range(length):
        if t:
            state = np.einsum("wab,abc->wbc", state, table.reshape(S, S, S))
        state = state * seen[:, t, None, :]
        state = state / state.sum((1, 2), keepdims=True)
        forward[t] = state
    nats = np.zeros(letters.shape)
    back = np.ones((windows, S, S))
    for t in reversed(range(length)):
        belief = (forward[t] * back).sum(1)
        belief /= belief.sum(-1, keepdims=True)
        nats[:, t] = -np.log(np.take_along_axis(belief, letters[:, t, None], 1)[:, 0])
        weighted = back * seen[:, t, None, :]
        back = np.einsum("abc,wbc->wab", table.reshape(S, S, S), weighted)
        back /= back.sum((1, 2), keepdims=True)
    return nats[hidden]


def brute_force(letters: NDArray[np.integer], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same for one window (n,), over all fillings."""
    table, start = transitions(), stationary(transitions())
    gaps = np.flatnonzero(hidden)
    fillings = np.array(np.meshgrid(*[range(S)] * len(gaps), indexing="ij")).reshape(len(gaps), -1).T
    rows = np.repeat(letters[None], len(fillings), 0)
    rows[:, gaps] = fillings
    chance = start[rows[:, 0] * S + rows[:, 1]] if rows.shape[1] > 1 else start.reshape(S, S).sum(0)[rows[:, 0]]
    for t in range(2, rows.shape[1]):
        chance = chance * table[rows[:, t - 2] * S + rows[:, t - 1], rows[:, t]]
    return np.array([-np.log(chance[rows[:, gap] == letters[gap]].sum() / chance.sum()) for gap in gaps])
