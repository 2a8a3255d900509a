"""What a model without a neural network reaches on the same text: the reference lines of a loss chart."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio import paths
from genstudio.data.learnable.tokens import TextData
from genstudio.data.tokenizers import Ids
from genstudio.data.work import Work, finished, scaled

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

LARGEST = 8_000_000
"""Tokens counted at most, the last ones of the training part; memory and time grow with them."""

_MOST, _NEAR = 8_000_000, 0.005
"""N-grams that are counted of a text of which it is open how long they are, and nats per token that longer ones may cost."""
_BUCKET = 1 << 17
_DENSE = 1 << 20
"""Most probabilities of an order that are held as a table."""
_CACHE_FORMAT = 1


def uniform(vocabulary: int) -> float:
    """Nats per token of a guess among `vocabulary` equally likely tokens."""
    return math.log(vocabulary)


def unigram(train: Ids, validation: Ids, vocabulary: int) -> float:
    """Nats per token of the training frequencies with one added to each count, on every validation token."""
    counts = np.bincount(train, minlength=vocabulary) + 1.0
    seen = np.bincount(validation, minlength=vocabulary)
    return float(-(seen @ np.log(counts / counts.sum())) / max(len(validation), 1))


@dataclass(frozen=True, eq=False)
class Order:
    """The n-grams of one length. An n-gram is `prefix * vocabulary + token`, its prefix an index into the order below.

    `keys` (n,) ascending; `counts` (n,): occurrences in the highest order, in the others how many different tokens
    precede the n-gram; `totals` and `backoff` (prefixes,): the sum of counts behind each prefix, and the share that
    discounting gives to the order below; `discounts` (4,) for counts 0, 1, 2, 3 and more.
    """

    keys: Integers
    counts: Integers
    totals: Floats
    backoff: Floats
    discounts: Floats

    def find(self, prefix: Integers, tokens: Ids, vocabulary: int) -> Integers:
        """Indices of these n-grams; -1 where one never occurred, or its prefix (-1) never did."""
        keys = np.where(prefix >= 0, prefix * vocabulary + tokens, -1)
        found = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[found] == keys, found, -1)


@dataclass(frozen=True, eq=False)
class Expected:
    """What the counts expect after each of n contexts: `probabilities` (n, V) float32, and how much they rest on: the
    `depth` (n,) is the number of tokens of the longest context that was ever continued, which was continued `times` (n,)
    in all, counted as its order counts, by `distinct` (n,) different tokens."""

    probabilities: NDArray[np.float32]
    depth: Integers
    times: Floats
    distinct: Integers

    def only(self, kept: NDArray[Any]) -> Expected:
        """What is expected after some of the contexts: their places, or (n,) booleans."""
        return Expected(self.probabilities[kept], self.depth[kept], self.times[kept], self.distinct[kept])


@dataclass(frozen=True, eq=False)
class _Spread:
    """An order by its prefixes: the tokens and their shares behind prefix p are those from `starts[p]` to `starts[p + 1]`.
    `dense` (prefixes, V) are the probabilities up to this order where they are held."""

    starts: Integers
    tokens: Integers
    shares: NDArray[np.float32]
    backoff: NDArray[np.float32]
    dense: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class KneserNey:
    """Interpolated modified Kneser-Ney (Chen & Goodman 1998, 3.3), ending in the uniform distribution."""

    orders: tuple[Order, ...]
    vocabulary: int

    @property
    def reach(self) -> int:
        """How many tokens back it looks at most; at least 1."""
        return max(1, len(self.orders) - 1)

    def probabilities(self, tokens: Ids) -> Floats:
        """(n,) tokens -> (n,) probability of each after those before it; the first ones have shorter contexts."""
        index = np.zeros(len(tokens) + 1, np.int64)
        result = np.full(len(tokens), 1.0 / self.vocabulary)
        for order in self.orders:
            prefix = index[:-1]
            found = order.find(prefix, tokens, self.vocabulary)
            counts = np.where(found >= 0, order.counts[found], 0)
            totals = np.where(prefix >= 0, order.totals[prefix], 0.0)
            discounted = counts - order.discounts[np.minimum(counts, 3)]
            higher = discounted / np.maximum(totals, 1.0) + order.backoff[prefix] * result
            result = np.where(totals > 0, higher, result)
            index = np.concatenate([np.full(1, -1), found])
        return result

    def after(self, texts: Ids, last: bool = False) -> Expected:
        """texts (B, T), each by itself -> what follows each of their B x T beginnings, row by row, or with `last` each of the B
        texts. The same probabilities as those of `probabilities`, of every token at once."""
        V, kept = self.vocabulary, slice(-1, None) if last else slice(None)
        rows = texts[:, kept].size
        depth, times, distinct = np.zeros(rows, np.int64), np.zeros(rows), np.zeros(rows, np.int64)
        result = np.empty((rows, V), np.float32)
        context = np.zeros(texts.shape, np.int64)
        for length, (order, spread) in enumerate(zip(self.orders, self._spread, strict=True)):
            prefix = context[:, kept].reshape(-1)
            known = np.flatnonzero((prefix >= 0) & (order.totals[prefix] > 0))
            some = prefix[known]
            if spread.dense is not None:
                result[known] = spread.dense[some]
            else:
                self._add(result, known, some, spread)
            depth[known], times[known] = length, order.totals[some]
            distinct[known] = spread.starts[some + 1] - spread.starts[some]
            before = np.full_like(context, -1 if length else 0)
            if length:
                before[:, 1:] = context[:, :-1]
            context = order.find(before, texts, V)
        return Expected(result, depth, times, distinct)

    @staticmethod
    def _add(result: NDArray[np.float32], known: Integers, prefixes: Integers, spread: _Spread) -> None:
        """Probabilities `result` of one order become, in the rows `known`, those of the next."""
        V = result.shape[1]
        first = spread.starts[prefixes]
        lengths = spread.starts[prefixes + 1] - first
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - lengths), lengths)
        result[known] *= spread.backoff[prefixes, None]
        result.reshape(-1)[np.repeat(known * V, lengths) + spread.tokens[places]] += spread.shares[places]

    @cached_property
    def _spread(self) -> tuple[_Spread, ...]:
        found: list[_Spread] = []
        below = np.full((1, self.vocabulary), 1.0 / self.vocabulary, np.float32)
        for length, order in enumerate(self.orders):
            prefix, tokens = np.divmod(order.keys, self.vocabulary)
            starts = np.searchsorted(prefix, np.arange(len(order.totals) + 1))
            kept, totals = order.counts - order.discounts[np.minimum(order.counts, 3)], order.totals[prefix]
            shares = np.divide(kept, totals, out=np.zeros(len(kept)), where=totals > 0)  # nothing may have followed a context
            spread = _Spread(starts, tokens, shares.astype(np.float32), order.backoff.astype(np.float32))
            if not length or (length == 1 and len(order.totals) * self.vocabulary <= _DENSE):
                # after no token and after one, nearly every token has been seen: a row is copied sooner than it is added up
                rows = np.flatnonzero(order.totals > 0)
                dense = np.repeat(below[:1], len(order.totals), 0)
                self._add(dense, rows, rows, spread)
                below, spread = dense, replace(spread, dense=dense)
            found.append(spread)
        return tuple(found)


def fit_kneser_ney(train: Ids, vocabulary: int, order: int = 7, held: Ids | None = None) -> Work[KneserNey]:
    """Count n-grams of 1 to `order` tokens in `train` (n,), ids below `vocabulary`; yields the fraction done.

    With the `held` tokens (m,) that follow `train`, the longest n-grams are the longest that make these nearly as probable as
    those of the best length do. Long ones tell nothing where a text is short or its letters depend on few before them; where they
    predict as well as shorter ones, they know more that a network beside them does not. No longer ones are counted once there are
    8 million.
    """
    order = min(order, len(train))
    keys: list[Integers] = []
    preceded: list[Integers] = []
    occurred: list[Integers] = []
    ends = np.zeros(len(train) + 1, np.int64)
    for length in range(1, order + 1):
        grams = ends[:-1] * vocabulary + train[length - 1 :]
        unique, inverse = yield from _dense(grams, (length - 1) / order, length / order)
        if length > 1:
            suffix = np.empty(len(unique), np.int64)
            suffix[inverse] = ends[1:]
            yield length / order
            preceded.append(np.bincount(suffix, minlength=len(keys[-1])))
            yield length / order
        keys.append(unique)
        occurred.append(np.bincount(inverse, minlength=len(unique)))
        ends = inverse
        yield length / order
        if held is not None and sum(map(len, keys)) > _MOST:
            break
    sizes = [1, *(len(below) for below in keys[:-1])]
    below: list[Order] = []
    found, costs = [KneserNey((), vocabulary)], [math.inf]
    for at, (unique, size) in enumerate(zip(keys, sizes, strict=True)):
        if held is not None or at == len(keys) - 1:
            top = yield from _order(unique, occurred[at], size, vocabulary)
            found.append(KneserNey((*below, top), vocabulary))
            costs.append(0.0 if held is None else (yield from scaled(_nats(found[-1], train, held), 1.0, 1.0)))
        if at < len(preceded):
            below.append((yield from _order(unique, preceded[at], size, vocabulary)))
    near = min(costs) + (0 if held is None else _NEAR * len(held))
    return next(model for model, cost in zip(reversed(found), reversed(costs), strict=True) if cost <= near)


def _nats(model: KneserNey, before: Ids, tokens: Ids) -> Work[float]:
    """Nats of tokens (m,) that follow those `before`, in short slices; yields the fraction done."""
    text, nats, step = np.concatenate([before[-model.reach :], tokens]), 0.0, _BUCKET // 8
    for start in range(len(text) - len(tokens), len(text), step):
        first = max(0, start - model.reach)
        nats -= float(np.log(model.probabilities(text[first : start + step])[start - first :]).sum())
        yield min(1.0, 1 - (len(text) - start - step) / len(tokens))
    return nats


def kneser_ney(train: Ids, validation: Ids, vocabulary: int, order: int = 7) -> Work[float]:
    """Nats per token of the modified Kneser-Ney model of `train` on every token of `validation`.

    The first `order` - 1 validation tokens have shorter contexts. Yields the fraction done.
    """
    share = len(train) / max(len(train) + len(validation), 1)
    model = yield from scaled(fit_kneser_ney(train, vocabulary, order), 0.0, share)
    nats = yield from scaled(_nats(model, train[:0], validation), share, 1.0)
    return nats / max(len(validation), 1)


def reference_lines(data: TextData) -> Work[dict[str, float]]:
    """`uniform`, `unigram` and `kneser_ney` in nats per token of the data's split, from the cache where it has them.

    At most the last `LARGEST` training tokens and the first eighth as many validation tokens are used.
    """
    place = paths.cache() / "reference-lines" / f"{_cache_key(data)}.json"
    if (known := _cached(place)) is not None:
        return known
    train, validation = data.train[-LARGEST:], data.validation[: LARGEST // 8]
    size = data.tokenizer.size
    lines = {"uniform": uniform(size), "unigram": unigram(train, validation, size)}
    lines["kneser_ney"] = yield from kneser_ney(train, validation, size)
    _write_cache(place, lines)
    return lines


def order_of(keys: Integers, counts: Integers, prefixes: int, vocabulary: int) -> Order:
    """The n-grams of these keys and counts, which begin with one of so many n-grams of the order below."""
    return finished(_order(keys, counts, prefixes, vocabulary))


def _order(keys: Integers, counts: Integers, prefixes: int, vocabulary: int) -> Work[Order]:
    discounts = _discounts(counts)
    yield 1.0
    prefix = keys // vocabulary
    yield 1.0
    totals = np.bincount(prefix, weights=counts, minlength=prefixes).astype(np.float64, copy=False)
    yield 1.0
    given = np.bincount(prefix, weights=discounts[np.minimum(counts, 3)], minlength=prefixes)
    return Order(keys, counts, totals, given / np.maximum(totals, 1.0), discounts)


def _discounts(counts: Integers) -> Floats:
    """Discounts (4,) for counts 0, 1, 2, 3+ from counts of counts (Chen & Goodman 1998, eq. 17).

    Where a count of counts is missing or an estimate is not above zero, as in texts with few n-grams, it is the first
    one, n1 / (n1 + 2 n2), or 0.5: so every token keeps some probability.
    """
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == k)) for k in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2) if n1 and n2 else 0.5
    if not (n1 and n2 and n3 and n4):
        return np.array([0.0, y, y, y])
    second, third = 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
    return np.array([0.0, y, second if second > 0 else y, third if third > 0 else y])


def _dense(keys: Integers, start: float, stop: float) -> Work[tuple[Integers, Integers]]:
    """Ascending distinct values and each key's index among them: `np.unique` in short slices, by ranges of values."""
    stride = max(1, len(keys) // 4096)
    pieces = max(1, len(keys) // _BUCKET)
    sample = np.sort(keys[::stride])
    bounds = np.unique(sample[np.arange(1, pieces) * len(sample) // pieces])
    inverse = np.empty(len(keys), np.int64)
    found: list[Integers] = []
    size = 0
    for piece, (low, high) in enumerate(zip([None, *bounds.tolist()], [*bounds.tolist(), None], strict=True)):
        inside = np.ones(len(keys), bool) if low is None else keys >= low
        if high is not None:
            inside &= keys < high
        yield start + (stop - start) * piece / (len(bounds) + 1)
        unique, local = np.unique(keys[inside], return_inverse=True)
        inverse[inside] = local + size
        found.append(unique)
        size += len(unique)
        yield start + (stop - start) * (piece + 1) / (len(bounds) + 1)
    return np.concatenate(found), inverse


def _cache_key(data: TextData) -> str:
    parts = [_CACHE_FORMAT, LARGEST, data.dataset_hash, data.tokenizer.to_json(), len(data.train), len(data.validation)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _cached(place: Path) -> dict[str, float] | None:
    try:
        kept: Any = json.loads(place.read_bytes()[:10_000])
    except (OSError, ValueError, RecursionError):
        return None
    names: Sequence[str] = ("uniform", "unigram", "kneser_ney")
    if not isinstance(kept, dict) or set(kept) != set(names):
        return None
    if not all(type(value) is float and math.isfinite(value) and value >= 0 for value in kept.values()):
        return None
    return {name: kept[name] for name in names}


def _write_cache(place: Path, lines: dict[str, float]) -> None:
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, staged = tempfile.mkstemp(dir=place.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(lines, file)
            os.replace(staged, place)
        finally:
            Path(staged).unlink(missing_ok=True)
