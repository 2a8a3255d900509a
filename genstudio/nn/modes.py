"""The mode of a module: as it trains, or as it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(module: object) -> Iterator[None]:
    """Without dropout, and with the statistics that were learnt, for a while; the mode is then what it was. What is no
    module has no mode."""
    if not isinstance(module, nn.Module) or not module.training:
        yield
        return
    module.eval()
    try:
        yield
    finally:
        module.train()
