"""Which units of a GAN's networks are never active."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from genstudio.nn.conv import ResidualBlock
from genstudio.nn.dense import ResidualLayer
from genstudio.nn.modes import evaluating

if TYPE_CHECKING:
    from genstudio.families.gan.model import GANModel

_SAMPLES, _SEED = 40, 2_718_281


def dead_units(model: GANModel) -> dict[str, float]:
    """`dead_generator`, `dead_discriminator`: the share of hidden units (of maps, all places together) whose input is not
    above 0 for any of some fixed samples; a rectifier passes nothing on there, a leaky one is a straight line."""
    data, count = model.data, _SAMPLES * model.config.pack
    noise = model.noise(count, _SEED)
    chosen = data.train[torch.randint(len(data.train), (count,), generator=torch.Generator().manual_seed(_SEED)).numpy()]
    labels = data.labels[chosen] if model.classes and data.labels is not None else None
    with _watched(model.generator) as made_active:
        fake = model.made(noise, labels, "generator")
    with torch.no_grad(), _watched(model.discriminator) as judged_active, evaluating(model.discriminator):
        for samples in (model.inside(data.real[chosen]), fake):
            model.discriminator(samples, model.labels(labels))
    return {"dead_generator": _share(made_active), "dead_discriminator": _share(judged_active)}


@contextmanager
def _watched(network: nn.Module) -> Iterator[dict[nn.Module, Tensor]]:
    """Of each part before a rectifier, which of its units were above 0 at any time: bool (units,)."""
    active: dict[nn.Module, Tensor] = {}

    def look(module: nn.Module, _: object, made: Tensor) -> None:
        found = (made > 0).flatten(2).any(2).any(0) if made.ndim > 2 else (made > 0).any(0)
        active[module] = active[module] | found if module in active else found

    with ExitStack() as hooks:
        for module in network.modules():
            watched: tuple[nn.Module, ...] = ()
            if isinstance(module, nn.ReLU | nn.LeakyReLU):
                watched = (module,)
            elif isinstance(module, ResidualLayer):
                watched = (module.inner,)
            elif isinstance(module, ResidualBlock):
                watched = (module.second_norm,)
            for part in watched:
                hooks.callback(part.register_forward_hook(look).remove)
        yield active


def _share(active: dict[nn.Module, Tensor]) -> float:
    return 1 - float(torch.cat(list(active.values())).float().mean()) if active else 0.0
