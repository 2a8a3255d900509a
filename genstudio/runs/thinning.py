"""Which steps are kept as a run grows: checkpoints, weights for a replay and snapshots all follow this one policy.

Half of the places go by the logarithm of the step, for most is learned early, and half evenly.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def position(step: int, end: int) -> float:
    """Where a step lies between 0 and `end`, in [0, 1]."""
    return (math.log1p(step) / math.log1p(end) + step / end) / 2 if end else 0.0


def is_due(kept: Sequence[int], step: int, maximum: int) -> bool:
    """Whether a step is further from the last one kept than `maximum` evenly spread ones are from each other."""
    return not kept or (step > kept[-1] and 1 - position(kept[-1], step) >= 1 / maximum)


def superfluous(kept: Sequence[int], maximum: int, safe: Collection[int] = ()) -> list[int]:
    """The steps to drop of ascending ones so that `maximum` stay, evenly spread; those that are `safe`, the first and the
    last always stay."""
    there, dropped = list(kept), []
    safe = {*safe, *there[:1], *there[-1:]}
    at = [position(step, there[-1]) for step in there]
    while len(there) > maximum:
        inner = [index for index, step in enumerate(there) if step not in safe]
        if not inner:
            break
        index = min(inner, key=lambda i: at[i + 1] - at[i - 1])
        dropped.append(there.pop(index))
        del at[index]
    return dropped
