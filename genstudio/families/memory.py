"""Whether a training fits into the memory that is free, and which smaller settings would. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from genstudio.config import Config
from genstudio.data.learnable.samples import Shape
from genstudio.errors import DeviceError
from genstudio.families.family import Cost
from genstudio.storage import size_text

CostOf = Callable[[Any, Any], Cost]
_SMALL_BATCH, _SMALLEST = 16, 2


def fitting(build: Callable[..., Any], cost: CostOf, *shrinks: str) -> Callable[[Any, Any, str, int], Any]:
    """What builds a model of samples, and raises DeviceError before it does where its training takes more memory than is free.
    `shrinks` names the settings that make its networks smaller."""

    def model(config: Config, data: Any, device: str, seed: int) -> Any:
        from genstudio.training.device import free_bytes

        if len(data.real):  # it is to be trained
            require(config, data.shape, free_bytes(device), cost, shrinks)
        return build(config, data, device, seed)

    return model


def require(config: Config, shape: Shape | None, free: int, cost: CostOf, shrinks: Sequence[str]) -> None:
    """Raises DeviceError where training takes more than `free` bytes, saying what would fit."""
    needed = cost(config, shape).bytes
    if needed > free:
        raise DeviceError(
            f"This training needs about {size_text(needed)} of memory, and {size_text(free)} are free.",
            _what_fits(config, shape, free, cost, shrinks),
        )


def _what_fits(config: Config, shape: Shape | None, free: int, cost: CostOf, shrinks: Sequence[str]) -> str:
    """Smaller settings in words: first of the batch, then of the networks, at last the smallest batch."""
    fits = config
    for name, least in (("batch", _SMALL_BATCH), *((name, _SMALLEST) for name in shrinks), ("batch", _SMALLEST)):
        while (before := cost(fits, shape).bytes) > free and (smaller := _halved(fits, name, least)) is not None:
            if cost(smaller, shape).bytes >= before:
                break  # a setting that the network does not have
            fits = smaller
    if cost(fits, shape).bytes > free:
        return "Not even the smallest networks fit: close other programs, or choose another device."
    changed = [(name, getattr(fits, name)) for name in ("batch", *shrinks) if getattr(fits, name) != getattr(config, name)]
    said = [f"a batch of {value}" if name == "batch" else f"{name} {value}" for name, value in changed]
    return f"What fits: {' and '.join(said)}."


def _halved(config: Config, name: str, least: int) -> Config | None:
    """These settings with half of one of them, or the next smaller number that they allow; None where there is none."""
    now = getattr(config, name)
    for value in range(max(now // 2, least), least - 1, -1):
        smaller = config.model_copy(update={name: value})
        if value < now and not any(smaller.rules()):
            return smaller
    return None
