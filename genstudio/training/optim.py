"""Optimisers, the learning rate over time, and gradient clipping."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

for _name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
    # at its first call, each of them has itself excluded from compilation, for which torch imports its whole compiler: some
    # 2.5 s in every process that trains. Where a release of torch does it in another way, this changes nothing
    _plain = inspect.unwrap(getattr(torch.optim.Optimizer, _name))
    vars(_plain).setdefault("__dynamo_disable", _plain)


@torch.no_grad()
def take_step(optimizer: torch.optim.Optimizer) -> None:
    """What `optimizer.step()` does, bitwise, without its hooks and without importing torch's compiler as that does."""
    inspect.unwrap(type(optimizer).step)(optimizer)


def schedule(kind: str, progress: float, step: int, *, warmup: int = 0, hold: float = 0.0, final: float = 0.0) -> float:
    """The share of the highest learning rate to use in `step` (from 1), `progress` in [0, 1] of the training.

    Rises linearly over `warmup` steps. `constant` stays; `linear` stays for the share `hold`, then falls in a line to
    `final` (Haegele et al. 2024); `cosine` falls along half a cosine to `final` (Loshchilov & Hutter 2017).
    By progress and not by steps, so that it works for a training of so many steps and for one of so many seconds.
    """
    progress = min(max(progress, 0.0), 1.0)
    factor = min(1.0, step / warmup) if warmup else 1.0
    if kind == "linear" and progress > hold:
        factor *= 1 - (1 - final) * (progress - hold) / (1 - hold)
    elif kind == "cosine":
        factor *= final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
    return factor


@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], largest: float) -> Tensor:
    """Shorten all gradients together to the norm `largest` (Pascanu et al. 2013; 0: leave them).

    Returns the norm before, a tensor on the gradients' device; nothing is read back from an accelerator.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    if not largest:
        return norm
    factor = (largest / (norm + 1e-6)).clamp(max=1.0)
    # on an accelerator always: asking whether it is needed would wait for it
    if norm.device.type != "cpu" or factor < 1:
        torch._foreach_mul_(gradients, factor)
    return norm


def adamw(
    parameters: Iterable[Tensor], *, rate: float, betas: tuple[float, float], weight_decay: float
) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), fused; weight decay pulls on matrices alone, not on norms and biases."""
    everything = list(parameters)
    groups = [
        {"params": [p for p in everything if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in everything if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=rate, betas=betas, eps=1e-8, fused=True)


class Adam(torch.optim.Adam):
    """torch's fused Adam (Kingma & Ba 2015) with one group, and a quick way to step for small networks."""

    _lists: tuple[list[Tensor], ...] | None = None
    _counts: Tensor

    def __init__(self, params: Iterable[Tensor], rate: float, betas: tuple[float, float]) -> None:
        super().__init__(list(params), lr=rate, betas=betas, fused=True)

    @torch.no_grad()
    def update(self) -> None:
        """What `step` does, bitwise, without its hooks and with lists that are kept from step to step.

        Where a parameter has no gradient, or `found_inf` is set, it is `step`.
        """
        (group,) = self.param_groups
        gradients: list[Tensor] = [p.grad for p in group["params"] if p.grad is not None]
        if len(gradients) < len(group["params"]) or hasattr(self, "found_inf") or not self._ready():
            take_step(self)
            return
        assert self._lists is not None
        parameters, first, second, steps = self._lists
        self._counts += 1
        torch._fused_adam_(
            parameters, gradients, first, second, [], steps, lr=group["lr"], beta1=group["betas"][0],
            beta2=group["betas"][1], weight_decay=0.0, eps=group["eps"], amsgrad=False, maximize=False,
        )  # fmt: skip

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As of torch; moments get the layout of their weights, for the fused kernel reads both as they lie in memory."""
        super().load_state_dict(state_dict)
        for parameter, state in self.state.items():
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = torch.empty_like(parameter).copy_(state[name])
        self._lists = None

    def _ready(self) -> bool:
        """Whether the lists are there; they can be once every parameter has its moments."""
        parameters = self.param_groups[0]["params"]
        if self._lists is None and all(self.state.get(p) for p in parameters):
            self._counts = torch.stack([self.state[p]["step"] for p in parameters])
            for p, count in zip(parameters, self._counts, strict=True):
                self.state[p]["step"] = count  # of one tensor, so that one addition counts for all
            moments = [[self.state[p][name] for p in parameters] for name in ("exp_avg", "exp_avg_sq", "step")]
            self._lists = (list(parameters), *moments)
        return self._lists is not None


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices, roughly: singular values end near 1, singular vectors stay.

    matrices (N, rows, columns), rows <= columns. Newton-Schulz iteration with the quintic of Jordan et al. 2024,
    x <- a x + (b g + c g^2) x where g = x x^T.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-7)
    if x.shape[2] >= 2 * x.shape[1]:  # all steps on the small x x^T: the wide x is multiplied twice, not twice a step
        return torch.bmm(_newton_schulz_factor(torch.bmm(x, x.mT), steps, a, b, c), x)
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _newton_schulz_factor(gram: Tensor, steps: int, a: float, b: float, c: float) -> Tensor:
    """The product of all steps' polynomials a + b g + c g^2 of (N, n, n): wide matrices are multiplied only twice."""
    factor = gram
    for step in range(steps):
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=1, dim2=2).add_(a)
        factor = torch.bmm(polynomial, factor) if step else polynomial
        if step < steps - 1:
            gram = torch.bmm(polynomial, torch.bmm(polynomial, gram))
    return factor


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised, for weight matrices (Jordan et al. 2024).

    A group may say `parts`: how many matrices lie on each other in the rows of each of its parameters (3 for a fused
    query-key-value projection); each is orthogonalised by itself. Matrices of one shape, or of its transpose, go
    through the iteration together. `found_inf`, when set to a tensor that holds 1, makes a step change nothing.
    """

    found_inf: Tensor | None = None

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        steps: int = 5,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "nesterov": nesterov,
            "steps": steps,
            "weight_decay": weight_decay,
            "parts": 1,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2 or p.shape[0] % group["parts"]:
                    raise ValueError(f"Muon needs matrices with {group['parts']} equal parts, not {tuple(p.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update from the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        by_shape: dict[tuple[int, int, int], list[tuple[Tensor, Tensor, float]]] = {}
        for group in self.param_groups:
            for p, update in self._momentum(group):
                for part, moved in zip(p.chunk(group["parts"]), update.chunk(group["parts"]), strict=True):
                    rows, columns = part.shape
                    flat = (part, moved) if rows <= columns else (part.mT, moved.mT)
                    rate = group["lr"] * math.sqrt(max(1.0, rows / columns))
                    key = (min(rows, columns), max(rows, columns), group["steps"])
                    by_shape.setdefault(key, []).append((*flat, rate))
        for (_, _, steps), items in by_shape.items():
            self._descend(items, steps)
        return loss

    def _momentum(self, group: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
        """Advance the momentum of a group: its parameters with gradients, each with the update to orthogonalise."""
        moving = [p for p in group["params"] if p.grad is not None]
        if not moving:
            return []
        for p in moving:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        buffers: list[Tensor] = [self.state[p]["momentum"] for p in moving]
        gradients: list[Tensor] = [p.grad for p in moving]
        if self.found_inf is not None:
            bad = self.found_inf > 0
            gradients = [torch.where(bad, b, g) for b, g in zip(buffers, gradients, strict=True)]
        torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
        updates = list(torch._foreach_lerp(gradients, buffers, group["momentum"])) if group["nesterov"] else buffers
        if group["weight_decay"]:
            shrink: Any = 1 - group["lr"] * group["weight_decay"] * self._alive()
            torch._foreach_mul_(moving, shrink)
        return list(zip(moving, updates, strict=True))

    def _descend(self, items: list[tuple[Tensor, Tensor, float]], steps: int) -> None:
        directions = orthogonalise(torch.stack([update for _, update, _ in items]), steps)
        for (part, _, rate), direction in zip(items, directions, strict=True):
            if self.found_inf is None:
                part.add_(direction, alpha=-rate)
            else:
                part.sub_(direction * (rate * self._alive()))

    def _alive(self) -> Tensor | float:
        return 1.0 if self.found_inf is None else (1 - self.found_inf).squeeze()
