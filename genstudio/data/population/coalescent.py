"""The coalescent with recombination (Hudson 1983), for many regions at once, in numpy.

Going back in time, two lineages of a deme meet at rate k (k - 1) / 4N, a lineage splits at rate r for each place between the
ends of what it carries, and moves to the other deme at the rate of migration. A region is cut into BLOCKS between which
lineages can split; within a block there is no recombination. Lineages that carry nothing which is still to find its common
ancestor end. Mutations fall on lineages in proportion to what they carry and how long (infinitely many sites, Kimura 1969).

Every step moves all regions by one event each, so that the interpreter's cost is shared among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudio.data.population.history import Epochs
from genstudio.data.work import Work

Array = NDArray[Any]
BLOCKS, TOGETHER = 256, 512
"""Pieces of a region, and regions that are simulated together."""
_BYTES = BLOCKS // 8
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)  # (256, 8), the first block of a byte in its highest bit
_FIRST, _LAST = _BITS.argmax(1).astype(np.int32), (7 - _BITS[:, ::-1].argmax(1)).astype(np.int32)
_COUNT = _BITS.sum(1).astype(np.uint8)
_LEFT = np.packbits(np.arange(BLOCKS) < np.arange(BLOCKS + 1)[:, None], axis=1)
"""(BLOCKS + 1, bytes): the blocks to the left of a cut."""
_YIELD = 12
"""Events of all regions between two chances for others."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Haplotypes of regions: `genotypes` (n, sites) uint8, 1 where a haplotype has the derived allele, of all regions one
    after the other; `positions` (sites,) in base pairs from the start of its region, ascending; region i has the sites from
    `offsets[i]` to `offsets[i + 1]`; all are `length` base pairs long."""

    genotypes: Array
    positions: Array
    offsets: Array
    length: float

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def haplotypes(self) -> int:
        return int(self.genotypes.shape[0])

    def region(self, index: int) -> tuple[Array, Array]:
        """Genotypes (n, s) and positions (s,) of one region."""
        part = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return self.genotypes[:, part], self.positions[part]

    def sites(self) -> Array:
        """How many sites each region has (regions,)."""
        return np.diff(self.offsets)

    def of(self, chosen: Array) -> Regions:
        """Some of the regions, in this order."""
        counts = self.sites()[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        where = np.repeat(self.offsets[:-1][chosen] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Regions(self.genotypes[:, where], self.positions[where], offsets, self.length)


def joined(parts: Sequence[Regions]) -> Regions:
    """The regions of all parts, one after the other."""
    counts = np.concatenate([part.sites() for part in parts])
    return Regions(
        np.concatenate([part.genotypes for part in parts], 1), np.concatenate([part.positions for part in parts]),
        np.concatenate([[0], np.cumsum(counts)]), parts[0].length,
    )  # fmt: skip


class Stream:
    """Random numbers that are the same on every system: raw 64-bit numbers as multiples of 2^-53."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, *shape: int) -> Array:
        """Numbers in [0, 1)."""
        return ((self._bits.random_raw(math.prod(shape)) >> np.uint64(11)) * 2.0**-53).reshape(shape)

    def exponential(self, *shape: int) -> Array:
        """Numbers of mean 1."""
        return -np.log1p(-self.uniform(*shape))

    def normal(self, *shape: int) -> Array:
        """Standard normal numbers (Box and Muller 1958)."""
        return np.sqrt(2 * self.exponential(*shape)) * np.cos(2 * np.pi * self.uniform(*shape))


def simulate(
    epochs: Epochs, samples: Sequence[int], length: float, mutation: float, recombination: float | Array, stream: Stream,
) -> Work[Regions]:  # fmt: skip
    """One region for each of the B histories: haplotypes from each deme as `samples` says, a `length` in base pairs, rates per
    base pair and generation. Yields the share done."""
    count, parts = len(epochs.starts), []
    rates = np.broadcast_to(np.asarray(recombination, np.float64), (count,))
    for first in range(0, count, TOGETHER):
        these = slice(first, min(first + TOGETHER, count))
        some = Epochs(epochs.starts[these], epochs.sizes[these], epochs.growth[these], epochs.migration[these], epochs.joined)
        ancestry = _Ancestry(some, samples, length / BLOCKS * rates[these], stream)
        steps = 0
        while ancestry.step():
            steps += 1
            if steps % _YIELD == 0:
                yield first / count + ancestry.done * (these.stop - first) / count * 0.8
        parts.append((yield from _mutated(ancestry, sum(samples), length, mutation, stream, first / count)))
    return joined(parts)


class _Ancestry:
    """Lineages of B regions, each known by a number; those of now are in slots (B, demes, M), the first `k` of which are
    taken."""

    def __init__(self, epochs: Epochs, samples: Sequence[int], rate: Array, stream: Stream) -> None:
        self.epochs, self.rate, self.stream = epochs, rate, stream
        count, demes, n = len(epochs.starts), epochs.demes, sum(samples)
        self.count, self.demes, self.n = count, demes, n
        self.room, self.most = n + 40, 5 * n + 160
        self.ids = np.zeros((count, demes, self.room), np.int32)
        self.spans = np.zeros((count, demes, self.room), np.int32)
        self.k = np.zeros((count, demes), np.int64)
        first = 0
        for deme, some in enumerate(samples):
            self.ids[:, deme, :some] = np.arange(first, first + some)
            self.spans[:, deme, :some] = BLOCKS - 1
            self.k[:, deme] = some
            first += some
        self.next = np.full(count, n)
        self.material = np.zeros((count, self.most, _BYTES), np.uint8)  # a bit for each block
        self.material[:, :n] = 255
        self.birth, self.death = np.zeros((count, self.most)), np.zeros((count, self.most))
        self.size = np.zeros((count, self.most), np.int32)
        self.size[:, :n] = BLOCKS
        self.low = np.zeros((count, self.most), np.int32)
        self.left = np.full((count, self.most), -1, np.int32)
        self.right = np.full((count, self.most), -1, np.int32)
        self.cut = np.zeros((count, self.most), np.int32)
        self.carriers = np.full((count, BLOCKS), n, np.int16)
        self.span = np.full(count, n * (BLOCKS - 1), np.int64)
        self.time, self.epoch = np.zeros(count), np.zeros(count, np.int64)
        self.moving = epochs.migration.max(2)  # the larger rate, and each as a share of it: exactly 1 where they are equal
        self.movers = epochs.migration / np.where(self.moving > 0, self.moving, 1.0)[..., None]
        self.ends = np.concatenate([epochs.starts[:, 1:], np.full((count, 1), np.inf)], 1)
        self.live = np.arange(count)
        self.steps = 0

    @property
    def done(self) -> float:
        """The share of the way back, roughly."""
        return min(1.0, self.steps / (2.5 * self.n))

    def step(self) -> bool:
        """One event in each region that has not come to its end; whether any is left."""
        live, epochs, self.steps = self.live, self.epochs, self.steps + 1
        time, epoch, k = self.time[live], self.epoch[live], self.k[live]
        growth, start = epochs.growth[live, epoch], epochs.starts[live, epoch]
        size = epochs.sizes[live, epoch]
        waits = self.stream.exponential(len(live), self.demes + 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            meeting = waits[:, : self.demes] * (4.0 * size / (k * (k - 1)))
            if growth.any():
                now = np.exp(-growth * (time - start)[:, None])
                grown = np.log1p(np.maximum(growth * now * meeting, -1.0)) / growth
                meeting = np.where(growth == 0, meeting, grown)
            waits[:, : self.demes] = np.where(k < 2, np.inf, meeting)
            waits[:, self.demes] /= self.rate[live] * self.span[live]
            waits[:, self.demes + 1] /= self.moving[live, epoch] * (self.movers[live, epoch] * k).sum(1)
        waits[np.isnan(waits)] = np.inf
        event = waits.argmin(1)
        wait = waits[np.arange(len(live)), event]
        until = self.ends[live, epoch]
        time = time + wait
        over = time >= until
        self.time[live] = np.where(over, until, time)
        if over.any():
            event[over] = -1
            self._next_epoch(live[over])
        meets = (event >= 0) & (event < self.demes)
        if meets.any():
            self._meet(live[meets], event[meets])
        if (splits := event == self.demes).any():
            self._split(live[splits])
        if (moves := event == self.demes + 1).any():
            self._move(live[moves])
        self.live = live[self.k[live].sum(1) > 0]
        return len(self.live) > 0

    def _next_epoch(self, where: Array) -> None:
        self.epoch[where] += 1
        if self.demes == 1:
            return
        for region in where[self.epoch[where] == self.epochs.joined].tolist():
            mine, other = self.k[region].tolist()
            while mine + other > self.room:
                self._widen()
            for slots in (self.ids, self.spans):
                slots[region, 0, mine : mine + other] = slots[region, 1, :other]
            self.spans[region, 1] = 0
            self.k[region] = mine + other, 0

    def _meet(self, where: Array, deme: Array) -> None:
        """Two lineages of a deme have a common ancestor."""
        k = self.k[where, deme]
        picked = self.stream.uniform(2, len(where))
        one, other = (picked[0] * k).astype(np.int64), (picked[1] * (k - 1)).astype(np.int64)
        other += other >= one
        a, b = self.ids[where, deme, one], self.ids[where, deme, other]
        carried, more = self.material[where, a], self.material[where, b]
        both = np.unpackbits(carried & more, axis=1)
        carriers = self.carriers[where] - both
        self.carriers[where] = carriers
        carried |= more
        both &= carriers == 1
        carried &= ~np.packbits(both, axis=1)  # these blocks have found their common ancestor
        new, now = self._begin(where, carried), self.time[where]
        for old in (a, b):
            self.death[where, old] = now
            self.left[where, old] = self.right[where, old] = new
        size = self.size[where, new]
        span = np.where(size > 0, _last(carried) - self.low[where, new], 0)
        self.span[where] += span - self.spans[where, deme, one] - self.spans[where, deme, other]
        self.ids[where, deme, one], self.spans[where, deme, one] = new, span
        self._close(where, deme, other)
        if (ended := size == 0).any():
            place = np.where(one == k - 1, other, one)
            self._close(where[ended], deme[ended], place[ended])

    def _split(self, where: Array) -> None:
        """A lineage has its left part from one parent and its right part from the other."""
        spans = self.spans[where].reshape(len(where), -1)
        upto = np.cumsum(spans, 1)
        target = (self.stream.uniform(len(where)) * upto[:, -1]).astype(np.int64)
        slot = (upto <= target[:, None]).sum(1)
        within = upto[np.arange(len(where)), slot] - target  # from 1 to the span
        deme, place = slot // self.room, slot % self.room
        old = self.ids[where, deme, place]
        low, span = self.low[where, old], self.spans[where, deme, place]
        cut = low + within
        carried = self.material[where, old]
        left = carried & _LEFT[cut]
        right = carried ^ left
        first, second = self._begin(where, left), self._begin(where, right)
        self.death[where, old] = self.time[where]
        self.left[where, old], self.right[where, old], self.cut[where, old] = first, second, cut
        short = _last(left) - low
        rest = low + span - self.low[where, second]
        self.span[where] += short + rest - span
        self.ids[where, deme, place], self.spans[where, deme, place] = first, short
        self._open(where, deme, second, rest)

    def _move(self, where: Array) -> None:
        """A lineage comes from the other deme."""
        k, weight = self.k[where], self.movers[where, self.epoch[where]]
        target = self.stream.uniform(len(where)) * (weight * k).sum(1)
        first = weight[:, 0] * k[:, 0]
        deme = (target >= first).astype(np.int64)
        each = np.arange(len(where)), deme
        place = np.minimum(((target - deme * first) / weight[each]).astype(np.int64), k[each] - 1)
        moved, span = self.ids[where, deme, place], self.spans[where, deme, place]
        self._close(where, deme, place)
        self._open(where, 1 - deme, moved, span)

    def _begin(self, where: Array, carried: Array) -> Array:
        """New lineages that carry these blocks."""
        new = self.next[where]
        if int(new.max()) >= self.most:
            self._lengthen()
        self.next[where] += 1
        self.material[where, new] = carried
        self.birth[where, new] = self.time[where]
        self.size[where, new] = _COUNT[carried].sum(1)
        byte = (carried != 0).argmax(1)
        self.low[where, new] = 8 * byte + _FIRST[carried[np.arange(len(where)), byte]]
        return new

    def _open(self, where: Array, deme: Array, lineage: Array, span: Array) -> None:
        k = self.k[where, deme]
        if int(k.max()) >= self.room:
            self._widen()
        self.ids[where, deme, k], self.spans[where, deme, k] = lineage, span
        self.k[where, deme] = k + 1

    def _close(self, where: Array, deme: Array, place: Array) -> None:
        """Free a slot: the last one moves there."""
        last = self.k[where, deme] - 1
        for slots in (self.ids, self.spans):
            slots[where, deme, place] = slots[where, deme, last]
        self.spans[where, deme, last] = 0
        self.k[where, deme] = last

    def _widen(self) -> None:
        more = self.room // 2
        self.ids, self.spans = (np.pad(slots, ((0, 0), (0, 0), (0, more))) for slots in (self.ids, self.spans))
        self.room += more

    def _lengthen(self) -> None:
        more = self.most // 2
        wider = ((0, 0), (0, more))
        self.material = np.pad(self.material, (*wider, (0, 0)))
        for name in ("birth", "death", "size", "low", "cut"):
            setattr(self, name, np.pad(getattr(self, name), wider))
        for name in ("left", "right"):
            setattr(self, name, np.pad(getattr(self, name), wider, constant_values=-1))
        self.most += more


def _last(carried: Array) -> Array:
    """The last block of each row of bits."""
    byte = _BYTES - 1 - (carried != 0)[:, ::-1].argmax(1)
    return 8 * byte + _LAST[carried[np.arange(len(carried)), byte]]


def _mutated(found: _Ancestry, n: int, length: float, mutation: float, stream: Stream, done: float) -> Work[Regions]:
    """Mutations on the lineages, and which of the n haplotypes have each."""
    count, used = found.count, int(found.next.max())
    block = length / BLOCKS
    alive = np.maximum(found.death[:, :used] - found.birth[:, :used], 0)
    expected = (alive * found.size[:, :used] * (block * mutation)).ravel()
    upto = np.cumsum(expected)
    ends = upto.reshape(count, used)[:, -1]
    begins = np.concatenate([[0.0], ends[:-1]])
    most = float((ends - begins).max())
    # a Poisson process of rate 1 along the expected number: its points fall on a lineage in proportion to its share
    points = np.cumsum(stream.exponential(count, int(most + 8 * np.sqrt(most) + 20)), 1)
    region, column = np.nonzero(points < (ends - begins)[:, None])
    at = begins[region] + points[region, column]
    lineage = np.searchsorted(upto, at, side="right").clip(region * used, region * used + used - 1)
    share = (at - (upto[lineage] - expected[lineage])) / np.maximum(expected[lineage], 1e-300)
    lineage -= region * used
    where = np.empty(len(region), np.int64)
    for first in range(0, len(region), 2048):
        part = slice(first, first + 2048)
        carried = np.unpackbits(found.material[region[part], lineage[part]], axis=1)
        ranks = np.cumsum(carried, 1, dtype=np.int16)
        wanted = np.floor(share[part].clip(0, 1 - 1e-9) * ranks[:, -1])
        where[part] = (ranks > wanted[:, None]).argmax(1)
        yield done
    position = (where + stream.uniform(len(where))) * block
    order = np.lexsort((position, region))
    region, lineage, where, position = region[order], lineage[order], where[order], position[order]
    counts = np.bincount(region, minlength=count)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    column = np.arange(len(region)) - offsets[region]
    bits = yield from _carried_down(found, used, n, region, column, lineage, where, offsets, done)
    genotypes = np.empty((n, len(region)), np.uint8)
    for first in range(0, n, 32):  # (n, B, bits) -> (n, sites)
        unpacked = np.unpackbits(bits[first : first + 32].view(np.uint8), axis=2, bitorder="little")
        genotypes[first : first + 32] = unpacked[:, region, column]
        yield done
    return Regions(genotypes, position, offsets, length)


def _carried_down(
    found: _Ancestry, used: int, n: int, region: Array, column: Array, lineage: Array, where: Array, offsets: Array, done: float,
) -> Work[Array]:  # fmt: skip
    """Which lineages carry each mutation, from the oldest down to the samples: (n, B, words) uint64, a bit for each site."""
    count, most = found.count, int(np.diff(offsets).max(initial=0))
    words = max(1, -(-most // 64))
    marks = np.zeros((used + 1, count, words), np.uint64)  # the last row: of a lineage that no other continues
    np.bitwise_or.at(
        marks, (lineage, region, column // 64), np.uint64(1) << (column % 64).astype(np.uint64)
    )  # fmt: skip
    before = np.zeros((most + 1, words), np.uint64)  # bits of the first i sites
    for site in range(most):
        before[site + 1] = before[site]
        before[site + 1, site // 64] |= np.uint64(1) << np.uint64(site % 64)
    key = region * (BLOCKS + 1) + where  # ascending
    split = found.left[:, :used] != found.right[:, :used]
    of, which = np.nonzero(split)
    left_of = np.searchsorted(key, of * (BLOCKS + 1) + found.cut[of, which]) - offsets[of]
    sites_left = np.zeros((used, count), np.int32)
    sites_left[which, of] = left_of
    left, right = found.left[:, :used].T.copy(), found.right[:, :used].T.copy()
    splits = split.T.any(1)
    all_regions = np.arange(count)
    for one in range(used - 1, -1, -1):
        came = marks[left[one], all_regions]
        if splits[one]:
            kept = before[sites_left[one]]
            from_right = marks[right[one], all_regions]
            came = np.where(split[:, one, None], (came & kept) | (from_right & ~kept), came)
        marks[one] |= came
        if one % 100 == 0:
            yield done
    return marks[:n]
