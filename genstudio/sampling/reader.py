"""A model that remembers what it has read, so that a text with the same beginning is not read again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genstudio.nn.cache import Cache
from genstudio.nn.modes import evaluating

Logits = NDArray[np.floating[Any]]
Ids = Sequence[int] | NDArray[np.integer[Any]]

_SLICE = 2.5e9
"""Floating-point operations between two chances for others: some 50 ms on one core."""
_LEAST = 16
"""Tokens read at a time at least: fewer take as long, for every weight is fetched from memory once."""


class LanguageModel(Protocol):
    """What writing needs of a model."""

    @property
    def context(self) -> int:
        """How many tokens it sees at once."""

    def __call__(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """ids (B, T) after what is in the cache -> logits (B, T, V), or (B, 1, V) of the last."""

    def new_cache(self, batch: int = 1) -> Cache | None:
        """Room for a context; None when the model must read everything again for each token."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a network and counts say, and what comes of it: log-probabilities (B, T, V) of the `whole`, the `network` and the
    `counts`, and the `share` (B, T) of the counts in the mixture."""

    whole: Tensor
    network: Tensor
    counts: Tensor
    share: Tensor


@runtime_checkable
class Mixes(Protocol):
    """A language model with counts in it."""

    def parts(self, ids: Tensor, cache: Cache | None = None, last: bool = False) -> Parts:
        """The arguments of `LanguageModel` -> what it is mixed of."""


class Reader:
    """One text in the cache of a model. `version` tells which weights the model has: others forget what was read.

    `ids` are the tokens in the cache, `read` counts all that were computed.
    """

    def __init__(self, model: LanguageModel, version: Callable[[], object] = lambda: 0) -> None:
        self.model, self.ids, self.read = model, list[int](), 0
        self._cache = model.new_cache()
        self._version, self._of = version, version()
        module = model if isinstance(model, torch.nn.Module) else None
        parameter = None if module is None else next(module.parameters(), None)
        self._device = torch.device("cpu") if parameter is None else parameter.device
        weights = 1 if module is None else sum(p.numel() for p in module.parameters())
        self._chunk = max(_LEAST, int(_SLICE / (2 * weights)))

    @property
    def bytes(self) -> int:
        """Memory of the cache when it is full."""
        return self._cache.bytes if self._cache else 0

    def common(self, ids: Ids) -> int:
        """How many tokens at the beginning of `ids` are in the cache."""
        self._refresh()
        most = min(len(self.ids), len(ids))
        if not most:
            return 0
        differ = np.flatnonzero(np.asarray(self.ids[:most]) != np.asarray(ids[:most]))
        return int(differ[0]) if len(differ) else most

    def reading(self, ids: Ids) -> Generator[float, None, Logits]:
        """What follows `ids` (1 to `context` of them): logits (V,). Yields the fraction done between slices of work."""
        kept = min(self.common(ids), len(ids) - 1) if self._cache else 0
        self._keep(kept)
        wanted = [int(i) for i in ids]
        step = self._chunk if self._cache else len(wanted)
        while len(wanted) - kept > step:
            self._forward(wanted[kept : kept + step])
            kept += step
            yield kept / len(wanted)
            kept = min(kept, self.common(wanted))
        return self._forward(wanted[kept:])

    def logits(self, ids: Ids) -> Logits:
        """The same in one go."""
        work = self.reading(ids)
        while True:
            try:
                next(work)
            except StopIteration as end:
                result: Logits = end.value
                return result

    def add(self, token: int) -> Logits:
        """Logits (V,) after one more token behind `ids`, for which there must be room."""
        if self._cache is None or self._version() != self._of:
            return self.logits([*self.ids, token])
        return self._forward([token])

    def copy(self, other: Reader) -> None:
        """Take over what another reader of this model has read."""
        if self._cache and other._cache:
            self._cache.copy(other._cache)
            self.ids, self._of = list(other.ids), other._of

    @property
    def texts_at_once(self) -> int:
        """How many texts of a full context can be read together without holding up others; at least 1."""
        return max(1, self._chunk // self.model.context) if self._cache else 1

    def beams(self) -> Beams:
        """Several continuations of `ids`, which were read."""
        return Beams(self)

    def _keep(self, count: int) -> None:
        del self.ids[count:]
        if self._cache:
            self._cache.truncate(count)

    def _refresh(self) -> bool:
        """Forget what other weights have read; whether there was something to forget."""
        now = self._version()
        stale = now != self._of and bool(self.ids)
        self._of = now
        if stale and self._cache:
            self._keep(0)
        return stale

    def _forward(self, ids: list[int]) -> Logits:
        before = len(self.ids)
        try:
            logits = self._run(ids)
        except BaseException:
            self._keep(min(before, self._cache.shortest if self._cache else before))
            raise
        self.ids += ids
        self.read += len(ids)
        return logits

    def _run(self, ids: list[int]) -> Logits:
        found: Logits = _last_logits(self.model, [ids], self._cache, self._device)[0]
        return found


class Beams:
    """Several texts of the same length in one cache, which share what they began with."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._cache = reader._cache and reader._cache.rows(torch.zeros(1, dtype=torch.int64, device=reader._device))

    def add(self, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> Logits:
        """Logits (n, V) after `texts`, of one length up to `context`; `rows` says which text of the call before each
        goes on by one token. A model without a cache, other weights, and texts that begin elsewhere are read from the start."""
        device, cache = self._reader._device, self._cache
        if cache is not None and cache.length == len(texts[0]) - 1 and not self._reader._refresh():
            if list(rows) != list(range(len(cache.layers[0].keys))):
                cache = cache.rows(torch.tensor(rows, device=device))
            texts = [text[-1:] for text in texts]
        elif cache is not None:
            cache = self._reader.model.new_cache(len(texts))
        self._cache = cache
        return _last_logits(self._reader.model, texts, cache, device)


@torch.inference_mode()
def _last_logits(
    model: LanguageModel, ids: Sequence[Sequence[int]], cache: Cache | None, device: torch.device
) -> Logits:
    """Logits (B, V) after ids (B, T)."""
    with evaluating(model):
        logits = model(torch.tensor(ids, device=device), cache, True)[:, -1]
        return (logits if logits.dtype == torch.float64 else logits.float()).cpu().numpy()


@torch.inference_mode()
def parts_after(model: LanguageModel, ids: Ids) -> tuple[Logits, Logits, float] | None:
    """Of a model with counts: the probabilities (V,) that its network and its counts give to what follows `ids`, and the share of
    the counts; None of any other."""
    if not isinstance(model, Mixes):
        return None
    parameter = next(model.parameters()) if isinstance(model, torch.nn.Module) else torch.empty(0)
    row = torch.tensor(np.asarray(ids, np.int64), device=parameter.device)
    found = model.parts(row[None], None, True)
    network, counts = (part[0, -1].exp().cpu().numpy() for part in (found.network, found.counts))
    return network, counts, float(found.share[0, -1])


class Readers:
    """A few readers of one model, so that texts that are asked for in turn do not push each other out."""

    def __init__(
        self, model: LanguageModel, version: Callable[[], object] = lambda: 0, keep: int = 4, room: int = 1 << 29
    ) -> None:
        self._make = lambda: Reader(model, version)
        self._keep, self._room = keep, room
        self._free: list[Reader] = []

    @property
    def bytes(self) -> int:
        """Memory of the caches that are kept and not in use, when they are full."""
        return sum(reader.bytes for reader in self._free)

    @contextmanager
    def lend(self, ids: Ids) -> Iterator[Reader]:
        """The free reader whose text begins most like `ids`; a new one when it would have to forget most of its text."""
        best = max(self._free, key=lambda reader: reader.common(ids), default=None)
        if best is not None and (2 * best.common(ids) >= len(best.ids) or len(self._free) >= self._keep):
            reader = best if best.common(ids) else self._free[0]
            self._free.remove(reader)
        else:
            reader = self._make()
        try:
            yield reader
        finally:
            self._free.append(reader)
            while len(self._free) > 1 and (len(self._free) > self._keep or self.bytes > self._room):
                del self._free[0]
