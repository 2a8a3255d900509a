"""Building and updating a transformer stack, as its settings say: shared by the families that have one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from genstudio.families.stack import Blocks, Layers, Stack, StackTraining
from genstudio.inspection.statistics import evenly, named_weights
from genstudio.nn import transformer
from genstudio.nn.transformer import Architecture
from genstudio.training.learner import Values
from genstudio.training.optim import Muon, adamw, schedule
from genstudio.training.updates import Updates

_COMPARED, _MEASURED_EVERY = 2048, 16


def architecture(config: Stack, vocabulary: int, *, causal: bool) -> Architecture:
    """What `Transformer` is built of for a vocabulary of so many tokens."""
    return architecture_for(config, vocabulary, config.context, causal=causal)


def architecture_for(config: Layers, vocabulary: int, context: int, *, causal: bool) -> Architecture:
    """The same for so many tokens at once."""
    return Architecture(
        vocabulary=vocabulary,
        context=context,
        layers=config.layers,
        heads=config.heads,
        d_model=config.d_model,
        d_head=config.head_size,
        d_ff=config.ff_width,
        activation=config.activation,
        positions=config.positions,
        position_base=config.position_base,
        norm=config.norm,
        norm_place=config.norm_place,
        causal=causal,
        qk_norm=config.qk_norm,
        bias=config.bias,
        tied=isinstance(config, Blocks) and config.tied,
        dropout=config.dropout,
    )


class Stepper:
    """The optimisers of a stack and of `further` modules, the rate over time, and how far an update moves the weights.

    `sizes` are the norms of the last measured update of each of `named_weights`, relative to the weight: every 16th update
    is measured, and the next one where `measure_next` is set. Where `share` is less than 1, the stack moves at that share of
    the learning rates, and the further modules, which have an optimiser of their own then, at all of it.
    """

    def __init__(
        self, config: StackTraining, stack: transformer.Blocks, further: Iterable[nn.Module] = (), share: float = 1.0
    ) -> None:
        self._stack, self._share = stack, share
        modules = [stack, *further]
        together = modules if share == 1 else [stack]
        self.optimizers = optimizers(config, stack.matrices(), (p for module in together for p in module.parameters()))
        if share != 1:
            rest = (p for module in modules[1:] for p in module.parameters())
            self.optimizers |= {"head": optimizers(config, (), rest)["adamw"]}
        self.updates = Updates(modules, self.optimizers)
        self.sizes: Tensor | None = None
        self.measure_next = False

    def step(self, config: StackTraining, step: int, progress: float) -> Values:
        """One update by the gradients there are; `gradient_norm` and `learning_rate`."""
        rate = self._set_rates(config, step, progress)
        with self._measured(step):
            norm = self.updates.step(clip=config.clip)
        return {"gradient_norm": norm, "learning_rate": rate}

    def _set_rates(self, config: StackTraining, step: int, progress: float) -> float:
        """Returns the learning rate of this step."""
        factor = schedule(
            config.schedule, progress, step, warmup=config.warmup, hold=config.hold, final=config.final_rate
        )
        share = factor * self._share
        rates = {"adamw": config.learning_rate * share, "muon": config.muon_rate * share, "head": config.learning_rate * factor}
        self.updates.set_rates({name: rates[name] for name in self.optimizers})
        return config.learning_rate * factor

    @contextmanager
    def _measured(self, step: int) -> Iterator[None]:
        """Notes how far an update moves some entries of every weight, where somebody will look."""
        if not self.measure_next and step % _MEASURED_EVERY:
            yield
            return
        before = self._compared()
        yield
        pairs = zip(before, self._compared(), strict=True)
        self.sizes = torch.stack([(new - old).norm() / old.norm() for old, new in pairs])
        self.measure_next = False

    def _compared(self) -> list[Tensor]:
        return [evenly(weight.detach(), _COMPARED).float().clone() for _, weight in named_weights(self._stack)]


def optimizers(
    config: StackTraining, matrices: Iterable[tuple[Tensor, int]], weights: Iterable[nn.Parameter]
) -> dict[str, torch.optim.Optimizer]:
    """The optimisers of the settings: Muon, where it is chosen, for `matrices`, each with how many independent ones are
    stacked in its rows, and AdamW for the rest of the `weights`."""
    weights = list({id(p): p for p in weights if p.requires_grad}.values())
    matrices = [(p, n) for p, n in matrices if p.requires_grad] if config.optimizer == "muon" else []
    theirs = {id(p) for p, _ in matrices}
    rest = [p for p in weights if id(p) not in theirs]
    betas = (config.beta1, config.beta2)
    everything: dict[str, torch.optim.Optimizer] = {
        "adamw": adamw(rest, rate=config.learning_rate, betas=betas, weight_decay=config.weight_decay)
    }
    if matrices:
        groups = [
            {"params": [p for p, n in matrices if n == parts], "parts": parts}
            for parts in sorted({n for _, n in matrices})
        ]
        everything["muon"] = Muon(groups, lr=config.muon_rate, weight_decay=config.weight_decay)
    return everything
