"""What a diffusion model costs and can learn from, by closed formula and without torch."""

from __future__ import annotations

from collections.abc import Iterator

from genstudio.config import value_words
from genstudio.data.checks.finding import many
from genstudio.data.learnable.samples import SampleData, Shape
from genstudio.errors import Problem
from genstudio.families.coder_setup import class_problems
from genstudio.families.denoising import CONDITION, WORDS, size_problems, told_time, unet
from genstudio.families.diffusion.config import DiffusionConfig
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network


def problems(config: DiffusionConfig, data: SampleData) -> Iterator[Problem]:
    """What is wrong with these settings for these data."""
    yield from shape_problems(config, data.shape)
    if config.conditional:
        yield from class_problems(data)


def shape_problems(config: DiffusionConfig, shape: Shape) -> Iterator[Problem]:
    """What is wrong with these settings for samples of this shape."""
    if config.network == "unet" and shape.kind == "points":
        yield Problem("network", "a U-Net needs pictures, and these are points; choose mlp")
    elif config.network == "unet":
        yield from size_problems(config, shape)


def cost(config: DiffusionConfig, shape: Shape) -> Cost:
    """What a training costs: parameters of the network and of its average."""
    network, batch = denoiser(config, shape), config.batch
    held = 4 * (5 * network.parameters + 3 * batch * (network.held + 3 * shape.numbers))
    return Cost(2 * network.parameters, held, 6 * batch * network.work, batch)


def denoiser(config: DiffusionConfig, shape: Shape) -> Network:
    """The cost of the network."""
    classes = len(shape.classes) if config.conditional else 0
    told = told_time() + Network((classes + 1) * CONDITION if classes else 0, 0, 0)
    if config.network == "mlp":
        return told + networks.modulated(shape.numbers, config.width, config.layers, CONDITION)
    return told + unet(config, shape)


def drawing(config: DiffusionConfig, shape: Shape) -> Drawing:
    """The network, what it is told, and the way back from noise."""
    points = shape.kind == "points"
    made = f"{shape.numbers} numbers" if points else f"{shape.height} x {shape.width} pixels"
    layers = (
        f"{config.layers} residual layers of {config.width}" if config.network == "mlp"
        else f"{config.channels} channels, {many(config.halvings, 'halving', 'halvings')}"
    )  # fmt: skip
    told = "how noisy it is" + (", and its class" if config.conditional else "")
    size, network = denoiser(config, shape).parameters, "MLP" if config.network == "mlp" else "U-Net"
    return (
        Chain((Part("Noisy sample", made), Part(network, layers, size), Part("Prediction", WORDS[config.objective])), "Trained"),
        Chain(
            (Part("Noise", made), Part("EMA of the network", told, size, module="average"),
             Part("Step", f"{value_words(config.sampler)} removes noise", times=config.sampling_steps),
             Part("Sample", made)),
            "Sampling",
        ),
    )  # fmt: skip
