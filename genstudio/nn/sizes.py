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
