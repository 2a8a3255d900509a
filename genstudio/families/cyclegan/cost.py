"""What a CycleGAN costs and is made of, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.data.learnable.samples import Shape
from genstudio.families.cyclegan.config import CycleGANConfig
from genstudio.families.cyclegan.data import size_problem
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network


def cost(config: CycleGANConfig, shape: Shape) -> Cost:
    """What a training costs: parameters of all four networks; bytes of weights, gradients, moments, activations and the pools."""
    if size_problem(config, shape.height, shape.width) is not None:
        return Cost(0, 0.0, 0.0, 2 * config.batch)
    g, d = generator(config, shape), discriminator(config, shape)
    passes = 2 + 2 * (config.cycle > 0 or config.cycle_back > 0) + 2 * (config.identity > 0)
    forward = 2 * config.batch * (passes * g.work + 2 * d.work + 4 * d.work)
    parameters = 2 * (g.parameters + d.parameters)
    held = 4 * (4 * parameters + config.batch * (2 * passes * g.held + 4 * d.held) + 2 * config.pool * shape.numbers)
    return Cost(parameters, held, 3 * forward, 2 * config.batch)


def drawing(config: CycleGANConfig, info: DatasetInfo, _tokens: int = 0) -> Drawing:
    """Both ways round, and the discriminators."""
    shape = Shape.of(info)
    g, d = generator(config, shape).parameters, discriminator(config, shape).parameters
    inside = f"halved {config.halvings}x, {config.blocks} blocks"
    to_b, to_a = Part("Generator A → B", inside, g, module="to_b"), Part("Generator B → A", inside, g, module="to_a")
    judges = tuple(Part(f"Discriminator {name}", "patch by patch", d, module=f"judge_{name.lower()}") for name in "AB")
    return (
        Chain((Part("Picture of A"), to_b, Part("Looks like B"), to_a, Part("As it was?")), "Cycle, and the other way round"),
        Chain((Part("Real or made"), *judges, Part("A score per patch")), "Discriminators"),
    )


def generator(config: CycleGANConfig, shape: Shape) -> Network:
    """One of the two generators."""
    return networks.translator(shape.channels, config.channels, config.halvings, config.blocks, shape.height * shape.width)


def discriminator(config: CycleGANConfig, shape: Shape) -> Network:
    """One of the two discriminators."""
    return networks.patch_judge(shape.channels, config.channels, config.patch_layers, shape.height * shape.width)
