"""Which texts or pictures are the same, and which are nearly: by hashes, without comparing all with all."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genstudio.data.work import Work

Hashes = NDArray[np.uint64]
Pairs = list[tuple[int, int]]

SHINGLE = 8
SIMILAR = 0.75
_ROWS, _BANDS = 4, 6
_PRIME = 0x9E3779B97F4A7C15
_MOST_IN_BUCKET = 30
_PICTURES = 256


def rolling(codes: NDArray[np.uint32], width: int) -> Hashes:
    """(n,) code points -> (n - width + 1,) a hash of each stretch of `width`, by doubling: log2(width) passes."""
    if len(codes) < width:
        return np.zeros(0, np.uint64)
    current = mixed(codes.astype(np.uint64) + np.uint64(1))
    out: Hashes | None = None
    covered, size, left = 0, 1, width
    while left:
        if left & 1:
            part = current[covered : covered + len(codes) - width + 1]
            out = part.copy() if out is None else mixed(out * np.uint64(31) + part + np.uint64(covered))
            covered += size
        left >>= 1
        if left:
            current = mixed(current[:-size] * np.uint64(37) + current[size:])
            size *= 2
    return out if out is not None else np.zeros(0, np.uint64)


def mixed(values: Hashes) -> Hashes:
    """Spread 64-bit numbers evenly (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def near_texts(codes: NDArray[np.uint32], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> Work[Pairs]:
    """Pairs of stretches of a text whose sets of 8-character shingles overlap by at least three quarters (Jaccard).

    MinHash with banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, 3.4) finds candidates, which are
    then compared exactly. Identical stretches are left out; each stretch is paired with the first like it.
    """
    shingles = rolling(codes, SHINGLE)
    keep = stops - starts >= 2 * SHINGLE
    places = np.flatnonzero(keep)
    if len(places) < 2:
        return []
    begins, ends = starts[places], stops[places] - SHINGLE + 1
    edges = np.stack([begins, ends], axis=1).reshape(-1)
    closed = np.append(shingles, np.uint64(0))
    signature = np.empty((_ROWS * _BANDS, len(places)), np.uint64)
    for row in range(len(signature)):
        salted = mixed(closed ^ (np.uint64((row + 1) * _PRIME & 0xFFFFFFFFFFFFFFFF)))
        signature[row] = np.minimum.reduceat(salted, edges)[::2]
        yield 0.7 * (row + 1) / len(signature)
    candidates: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        candidates.update(_same(_banded(signature[band * _ROWS : (band + 1) * _ROWS])))
        yield 0.7 + 0.1 * (band + 1) / _BANDS
    found: dict[int, int] = {}
    for number, (one, two) in enumerate(sorted(candidates)):
        if two not in found:
            first = set(shingles[begins[one] : ends[one]].tolist())
            second = set(shingles[begins[two] : ends[two]].tolist())
            exact = first == second and ends[one] - begins[one] == ends[two] - begins[two]
            if not exact and len(first & second) >= SIMILAR * len(first | second):
                found[two] = one
        if number % 64 == 0:
            yield 0.8 + 0.2 * number / len(candidates)
    return [(int(places[one]), int(places[two])) for two, one in found.items()]


def repeats(keys: Sequence[object]) -> list[tuple[int, int]]:
    """(first, again) for each item that has occurred before."""
    first: dict[object, int] = {}
    found = []
    for place, key in enumerate(keys):
        before = first.setdefault(key, place)
        if before != place:
            found.append((before, place))
    return found


def picture_keys(pixels: NDArray[np.uint8]) -> Work[list[bytes]]:
    """A digest of each picture: equal pixels, equal digest."""
    keys = []
    for start in range(0, len(pixels), _PICTURES):
        keys += [hashlib.blake2b(one.tobytes(), digest_size=16).digest() for one in pixels[start : start + _PICTURES]]
        yield min(1.0, (start + _PICTURES) / len(pixels))
    return keys


def near_pictures(pixels: NDArray[np.uint8], keys: Sequence[bytes]) -> Work[Pairs]:
    """Pairs of different pictures that look the same.

    Candidates share 16 of the 64 bits of a difference hash (Krawetz 2013) and differ in at most 6 of them; what remains
    is compared as 16 x 16 grey pixels: their difference may have a fiftieth of the pictures' own variance.
    """
    small = np.empty((len(pixels), 16, 16), np.float32)
    for start in range(0, len(pixels), _PICTURES):
        small[start : start + _PICTURES] = _shrunk(pixels[start : start + _PICTURES], 16, 16)
        yield 0.5 * min(1.0, (start + _PICTURES) / len(pixels))
    coarse = _shrunk(small[..., None], 8, 9)
    bits = (coarse[:, :, 1:] > coarse[:, :, :-1] + 0.5).reshape(len(pixels), 64)
    hashes = np.packbits(bits, axis=1).view(np.uint16)
    candidates: set[tuple[int, int]] = set()
    flat = bits.sum(axis=1) < 4
    for band in range(4):
        key = hashes[:, band].astype(np.uint64)
        key[flat] = np.uint64(1 << 20) + np.flatnonzero(flat).astype(np.uint64)
        candidates.update(_same(key))
        yield 0.5 + 0.1 * (band + 1)
    found: dict[int, int] = {}
    for one, two in sorted(candidates):
        if two in found or keys[one] == keys[two] or int((bits[one] != bits[two]).sum()) > 6:
            continue
        if _alike(small[one], small[two]):
            found[two] = one
    return [(one, two) for two, one in found.items()]


def _alike(one: NDArray[np.float32], two: NDArray[np.float32]) -> bool:
    own = float(one.var() + two.var()) / 2
    return float(((one - two) ** 2).mean()) <= 0.02 * own


def _shrunk(pixels: NDArray[np.generic], high: int, wide: int) -> NDArray[np.float32]:
    """(n, h, w, c) -> (n, high, wide) float32 mean brightness of blocks; small pictures repeat their pixels."""
    grey = pixels.astype(np.float32).mean(axis=3)
    for axis, size in ((1, high), (2, wide)):
        have = grey.shape[axis]
        edges = np.arange(size) * have // size
        if have < size:
            grey = np.take(grey, edges, axis=axis)
            continue
        counts = np.diff(np.append(edges, have)).astype(np.float32)
        grey = np.add.reduceat(grey, edges, axis=axis) / (counts[:, None] if axis == 1 else counts)
    return grey


def _banded(rows: Hashes) -> Hashes:
    out = rows[0].copy()
    for row in rows[1:]:
        out = mixed(out * np.uint64(31) + row)
    return out


def _same(keys: Hashes) -> Iterator[tuple[int, int]]:
    """Pairs of places with the same key: each with the first, and neighbours within a crowded key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    bounds = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sizes = np.diff(np.append(bounds, len(keys)))
    for start, size in zip(bounds[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        members = order[start : start + size].tolist()
        if size <= _MOST_IN_BUCKET:
            yield from ((one, two) for place, one in enumerate(members) for two in members[place + 1 :])
        else:
            yield from ((members[0], other) for other in members[1:])
            yield from itertools.pairwise(members[1:])
