"""Counts of n-grams as a file: whole numbers alone, in the safetensors format, checked before anything is computed with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from genstudio.errors import DataError
from genstudio.evaluation.ngram import Integers, KneserNey, Order, order_of

LARGEST = 256 << 20
"""Bytes of a file at most."""
_ORDERS, _VOCABULARY = 12, 1 << 16


def dump(model: KneserNey) -> bytes:
    """The counts of a model. Of each order: how many n-grams each n-gram of the order below begins, and of each of them, in that
    order, the last token and the count. All else follows from these."""
    parts: dict[str, Any] = {}
    for number, order in enumerate(model.orders, 1):
        prefix, tokens = np.divmod(order.keys, model.vocabulary)
        parts[f"{number}.begun"] = np.bincount(prefix, minlength=len(order.totals)).astype(np.uint32)
        parts[f"{number}.tokens"] = tokens.astype(np.uint16)
        parts[f"{number}.counts"] = order.counts.astype(np.uint32)
    said = {"vocabulary": model.vocabulary, "orders": len(model.orders), "sha256": _digest(parts.values())}
    return safetensors.numpy.save(parts, {"counts": json.dumps(said)})  # one entry: several come in any order


def load(data: bytes, vocabulary: int) -> KneserNey:
    """The model that `dump` was given, for tokens of this vocabulary. Raises DataError for a file that is damaged, too large or
    of another vocabulary."""
    if len(data) > LARGEST:
        raise _damaged(f"larger than {LARGEST >> 20} MB")
    try:
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + min(size, 1 << 16)])
        said = json.loads(header["__metadata__"]["counts"])
        parts = safetensors.numpy.load(data)
        count, known, digest = int(said["orders"]), int(said["vocabulary"]), str(said["sha256"])
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged("not readable") from error
    if known != vocabulary:
        raise _damaged("for another vocabulary")
    names = [f"{number}.{part}" for number in range(1, count + 1) for part in ("begun", "tokens", "counts")]
    if not 1 <= count <= _ORDERS or not 1 <= vocabulary <= _VOCABULARY or set(parts) != set(names):
        raise _damaged("of orders that do not belong together")
    if digest != _digest(parts[name] for name in names):
        raise _damaged("not what was saved")
    orders: list[Order] = []
    prefixes = 1
    for number in range(1, count + 1):
        begun, tokens, counts = (parts[f"{number}.{part}"] for part in ("begun", "tokens", "counts"))
        orders.append(_order(begun, tokens, counts, prefixes, vocabulary))
        if np.count_nonzero(counts == 0) > (number < count):  # only what opens the text is preceded by nothing
            raise _damaged("of n-grams that never occurred")
        prefixes = len(tokens)
    return KneserNey(tuple(orders), vocabulary)


def _order(begun: Any, tokens: Any, counts: Any, prefixes: int, vocabulary: int) -> Order:
    types = begun.dtype, tokens.dtype, counts.dtype
    if types != (np.uint32, np.uint16, np.uint32) or any(part.ndim != 1 for part in (begun, tokens, counts)):
        raise _damaged("of other numbers than counts")
    lengths: Integers = begun.astype(np.int64)
    if len(begun) != prefixes or len(tokens) != len(counts) or lengths.sum() != len(tokens) or not len(tokens):
        raise _damaged("of orders that do not belong together")
    keys = np.repeat(np.arange(prefixes) * vocabulary, lengths) + tokens
    if tokens.max() >= vocabulary or (np.diff(keys) <= 0).any():
        raise _damaged("of n-grams that are out of order")
    return order_of(keys, counts.astype(np.int64), prefixes, vocabulary)


def _digest(parts: Iterable[Any]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def _damaged(how: str) -> DataError:
    return DataError(
        f"The counts of this run cannot be used: their file is {how}.",
        "Copy counts.safetensors from a backup of the run, or train a new one.",
    )
