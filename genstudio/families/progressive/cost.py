"""What a growing network costs and is made of, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.progressive.config import ProgressiveConfig
from genstudio.families.progressive.data import size_problem
from genstudio.nn import cost as networks
from genstudio.nn.sizes import FIRST, sizes_to


def cost(config: ProgressiveConfig, shape: Shape) -> Cost:
    """What a training costs at full size: parameters of both networks and of the generator's average; bytes of weights,
    gradients, moments and activations; and the work of a step, which is far less while the pictures are small."""
    if size_problem(shape.height, shape.width) is not None:
        return Cost(0, 0.0, 0.0, config.batch)
    maps, classes = config.maps(len(sizes_to(shape.height))), len(shape.classes) if config.conditional else 0
    g = networks.growing_generator(config.latent, maps, shape.channels, classes)
    d = networks.growing_discriminator(maps, shape.channels, config.deviation, classes)
    penalised = 2 / config.penalty_every if config.r1 else 0.0
    penalised += 2 * (config.loss == "wasserstein_gp")
    forward = config.batch * (g.work + d.work * (2 + penalised) * 3 + 3 * g.work + 2 * d.work)
    held = 4 * (5 * g.parameters + 4 * d.parameters + config.batch * (6 * g.held + 9 * d.held))
    return Cost(2 * g.parameters + d.parameters, held, 2 * forward, config.batch)


def drawing(config: ProgressiveConfig, info: DatasetInfo, _tokens: int = 0) -> Drawing:
    """Both networks with a box for each size."""
    shape = Shape.of(info)
    sizes = sizes_to(shape.height) if size_problem(shape.height, shape.width) is None else (FIRST,)
    maps, pixels = config.maps(len(sizes)), shape.channels
    classes = len(shape.classes) if config.conditional else 0
    grown = [maps[: stage + 1] for stage in range(len(sizes))]
    g = [networks.growing_generator(config.latent, each, pixels, classes).parameters for each in grown]
    d = [networks.growing_discriminator(each, pixels, config.deviation, classes).parameters for each in grown]

    def boxes(counts: list[int], network: str, smallest: str) -> list[Part]:
        added = [now - before for now, before in zip(counts, [0, *counts[:-1]], strict=True)]
        return [
            Part(
                f"{size} x {size}", f"{maps[stage]} channels", count,
                module=f"{network}.blocks.{stage - 1}" if stage else f"{network}.{smallest}",
            )
            for stage, (size, count) in enumerate(zip(sizes, added, strict=True))
        ]

    last = f"{sizes[-1]} x {sizes[-1]} pixels"
    average = Part("EMA", "averaged weights", g[-1], module="average")
    noise = f"{config.latent} numbers" + (", and a class" if classes else "")
    return (
        Chain((Part("Noise z", noise), *boxes(g, "generator", "first"), average, Part("Fake", last)), "Generator"),
        Chain((Part("Picture", last), *reversed(boxes(d, "discriminator", "last")), Part("Real or fake?", "one number")),
              "Discriminator"),
    )
