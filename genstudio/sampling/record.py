"""What was thought of each token where it was chosen. numpy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genstudio.sampling.choose import Floats, most_probable
from genstudio.snapshots.text import Chosen

ALTERNATIVES = 8
"""The most probable tokens that are remembered for each token."""

_FEW = 2048
"""Up to this vocabulary all rows are sorted at once."""


class Drawn(Protocol):
    """A token with what it was drawn from."""

    @property
    def id(self) -> int: ...
    @property
    def probabilities(self) -> NDArray[np.float64]: ...
    @property
    def logits(self) -> Floats: ...


class Record:
    """The tokens of one text, in arrays that grow. `names` gives the printable piece of each id."""

    def __init__(self, names: Callable[[Sequence[int]], tuple[str, ...]], alternatives: int = ALTERNATIVES) -> None:
        self._pieces_of, self._most = names, alternatives
        self._names: dict[int, str] = {}
        self._columns: dict[str, NDArray[Any]] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, choices: Sequence[Drawn]) -> None:
        """More tokens, in order."""
        if not choices:
            return
        logits = np.stack([choice.logits for choice in choices])
        before, logprobs, entropies = _opinions(logits)
        ids = np.array([choice.id for choice in choices], np.int32)
        rows = np.arange(len(ids))
        if logits.shape[1] <= _FEW:
            top = np.argsort(-logits, axis=1, kind="stable")[:, : self._most]
        else:
            top = np.stack([most_probable(row, self._most) for row in logits])
        after = np.stack([choice.probabilities[row] for choice, row in zip(choices, top, strict=True)])
        self._append(
            ids=ids,
            probabilities=np.array([choice.probabilities[choice.id] for choice in choices]),
            logprobs=logprobs[rows, ids],
            ranks=ranks(logits, ids),
            entropies=entropies,
            alternatives=top.astype(np.int32),
            before=before[rows[:, None], top],
            after=after,
        )
        self._name({*ids.tolist(), *top.ravel().tolist()})

    def chosen(self, count: int | None = None) -> Chosen:
        """The first `count` tokens (all unless told), as they are now and stay."""
        n = self._length if count is None else count
        if not self._columns:
            empty, table = np.empty(0), np.empty((0, 0))
            return Chosen(
                empty.astype(np.int32), (), empty, empty, empty.astype(np.int32), empty, table.astype(np.int32), table,
                table, {},
            )  # fmt: skip
        column = {name: values[:n] for name, values in self._columns.items()}
        pieces = tuple(self._names[i] for i in column["ids"].tolist())
        return Chosen(pieces=pieces, names=dict(self._names), **column)

    def _append(self, **columns: NDArray[Any]) -> None:
        begin, end = self._length, self._length + len(columns["ids"])
        for name, values in columns.items():
            room = self._columns.get(name)
            if room is None or end > len(room):
                larger = np.empty((max(64, 2 * end), *values.shape[1:]), values.dtype)
                if room is not None:
                    larger[:begin] = room[:begin]
                self._columns[name] = room = larger
            room[begin:end] = values
        self._length = end

    def _name(self, ids: set[int]) -> None:
        new = sorted(ids - self._names.keys())
        self._names.update(zip(new, self._pieces_of(new), strict=True))


def ranks(logits: Floats, ids: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """The place from 1 of each of ids (n,) in a stable sort of its row of logits (n, V) from the highest down."""
    own = logits[np.arange(len(ids)), ids][:, None]
    earlier = (logits == own) & (np.arange(logits.shape[1]) < ids[:, None])
    return np.asarray(1 + ((logits > own) | earlier).sum(axis=1), np.int32)


def _opinions(logits: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of logits (n, V): probabilities (n, V), their logarithms (n, V), and entropies (n,) in nats."""
    values = logits.astype(np.float64)
    values -= values.max(axis=1, keepdims=True)
    weights = np.exp(values)
    total = weights.sum(axis=1, keepdims=True)
    probabilities = weights / total
    logprobs = values - np.log(total)
    parts = np.where(weights > 0, probabilities * np.where(weights > 0, logprobs, 0.0), 0.0)
    return probabilities, logprobs, -parts.sum(axis=1) + 0.0
