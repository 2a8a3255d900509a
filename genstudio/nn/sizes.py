"""How a picture is halved or doubled on its way through a network. No torch."""

from __future__ import annotations


def doublings(size: int) -> tuple[int, int]:
    """The smallest map, at least 4 pixels, that reaches `size` by doublings, and how many it takes."""
    count = 0
    while size % 2 == 0 and size >= 8:
        size, count = size // 2, count + 1
    return size, count


def doubling_sizes(low: int, high: int) -> tuple[int, ...]:
    """Sizes that are reached by doublings from a map of at most 8 pixels."""
    return tuple(size for size in range(low, high + 1) if doublings(size)[0] <= 8)


FIRST = 4
"""Pixels of a side at which a network that grows begins."""


def sizes_to(size: int) -> tuple[int, ...]:
    """FIRST, doubled until it is `size`; none where it never is."""
    found = FIRST * 2 ** max(0, size.bit_length() - FIRST.bit_length())
    return tuple(FIRST * 2**stage for stage in range((found // FIRST).bit_length())) if found == size else ()


def maps_of(count: int, channels: int, largest: int) -> tuple[int, ...]:
    """Feature maps at each of `count` sizes, the smallest size first: `channels` at the last one, doubled at each smaller, but
    no more than `largest`."""
    return tuple(min(channels * 2 ** (count - 1 - stage), largest) for stage in range(count))
