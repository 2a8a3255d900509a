"""The best that any model can say of hidden letters of a text that a Markov chain wrote: forward-backward over the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genstudio.data.generators.markov import Table

Floats = NDArray[np.float64]


def best_nats(table: Table, letters: NDArray[np.integer], hidden: NDArray[np.bool_]) -> Floats:
    """A table (S * S, S) of the probability of each letter after each pair of letters, letters (W, n) of windows, and which of
    them are hidden -> nats of each hidden one (hidden.sum(),), in the order of the windows, under its exact distribution given
    the letters that are seen (Rabiner 1989, III).

    A state is the pair of a letter and the one before it; before the first letter of a window nothing is seen.
    """
    from genstudio.data.generators.markov import stationary

    windows, length = letters.shape
    size = table.shape[1]
    step = table.reshape(size, size, size)
    onwards, backwards = step.transpose(1, 0, 2), step.transpose(1, 2, 0)  # matrices for each middle letter: BLAS is fast at them
    seen = np.where(hidden[..., None], 1.0, np.eye(size)[letters])  # (W, n, S)
    forward = np.empty((length, windows, size, size))
    state = np.broadcast_to(stationary(table).reshape(size, size), (windows, size, size))
    for t in range(length):
        if t:
            state = (state.transpose(2, 0, 1) @ onwards).transpose(1, 0, 2)
        state = state * seen[:, t, None, :]
        state = state / state.sum((1, 2), keepdims=True)
        forward[t] = state
    nats = np.zeros(letters.shape)
    back = np.ones((windows, size, size))
    for t in reversed(range(length)):
        belief = (forward[t] * back).sum(1)
        belief /= belief.sum(-1, keepdims=True)
        nats[:, t] = -np.log(np.take_along_axis(belief, letters[:, t, None], 1)[:, 0])
        back = ((back * seen[:, t, None, :]).transpose(1, 0, 2) @ backwards).transpose(1, 2, 0)
        back /= back.sum((1, 2), keepdims=True)
    return nats[hidden]
