"""How weights move: the learning rate over time, gradients clipped together, and no step by a gradient that is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from genstudio.training.optim import Adam, clip_gradients, take_step


class Updates:
    """The optimisers of a learner, by name, and the weights that each of them moves.

    After a backward pass, `step("generator")` moves the weights of one optimiser, `step()` those of all. A gradient that
    is not finite changes nothing, and its norm, which `step` returns, says so.
    """

    def __init__(self, modules: Iterable[nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        self.optimizers = optimizers
        # in the order of the modules: a norm has the same bits however the weights are shared out among optimisers
        self._weights = list({id(p): p for module in modules for p in module.parameters()}.values())
        self._moved: dict[tuple[str, ...], list[nn.Parameter]] = {}
        self._found_inf: Tensor | None = None

    def set_rates(self, rates: Mapping[str, float], **options: object) -> None:
        """The learning rate of each optimiser, by name, and further options of all their groups, from now on."""
        for name, rate in rates.items():
            for group in self.optimizers[name].param_groups:
                group["lr"] = rate
                group.update(options)

    def step(self, *names: str, clip: float = 0.0) -> Tensor:
        """One step of these optimisers (none named: all) by gradients shortened to the norm `clip` (0: left as they are).

        Returns the norm before, a tensor on the weights' device; the gradients are gone afterwards.
        """
        norm = self.clip(*names, largest=clip)
        self.apply(norm, *names)
        return norm

    def clip(self, *names: str, largest: float = 0.0) -> Tensor:
        """The first half of `step`: the norm of the gradients before they are shortened together to `largest`."""
        return clip_gradients(self._of(names), largest)

    def apply(self, norm: Tensor, *names: str) -> None:
        """The second half of `step`, unless the norm is not finite.

        CUDA decides that by itself, without waiting, and takes no step after a bad one until somebody has looked.
        """
        optimizers = [self.optimizers[name] for name in names or self.optimizers]
        if norm.device.type == "cuda":
            bad = (~torch.isfinite(norm)).float()
            self._found_inf = bad if self._found_inf is None else torch.maximum(self._found_inf, bad)
            for optimizer in optimizers:
                optimizer.found_inf = self._found_inf  # type: ignore[attr-defined]
        if norm.device.type == "cuda" or math.isfinite(norm):  # torch.isfinite takes 20 us, a hundredth of a small step
            for optimizer in optimizers:
                optimizer.update() if isinstance(optimizer, Adam) else take_step(optimizer)
        for weight in self._of(names):
            weight.grad = None

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """For a while, no gradients for the weights of these optimisers."""
        for weight in self._of(names):
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in self._of(names):
                weight.requires_grad_(True)

    def _of(self, names: tuple[str, ...]) -> list[nn.Parameter]:
        if names not in self._moved:
            optimizers = [self.optimizers[name] for name in names or self.optimizers]
            theirs = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
            self._moved[names] = [p for p in self._weights if id(p) in theirs]
        return self._moved[names]
