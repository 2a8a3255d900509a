"""How a picture is halved or doubled on its way through a network, and a wave becomes frames. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence


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


def hop_of(strides: Sequence[int]) -> int:
    """Samples between two frames.

    >>> hop_of((5, 4, 2, 2, 2)), field_of((5, 4, 2, 2, 2))
    (160, 465)
    """
    return math.prod(strides)


def field_of(strides: Sequence[int]) -> int:
    """Samples that a frame sees."""
    field, jump = 1, 1
    for stride in strides:
        field += (2 * stride - 1) * jump
        jump *= stride
    return field


def frames_of(samples: int, strides: Sequence[int]) -> int:
    """How many frames there are in so many samples: those that see nothing behind them.

    >>> frames_of(464, (5, 4, 2, 2, 2)), frames_of(465, (5, 4, 2, 2, 2)), frames_of(8000, (5, 4, 2, 2, 2))
    (0, 1, 48)
    """
    return max(0, (samples - field_of(strides)) // hop_of(strides) + 1)
