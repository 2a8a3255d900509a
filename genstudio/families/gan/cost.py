"""What a GAN costs, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.learnable.samples import Shape
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.gan.config import GANConfig
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network

EMBEDDING = 16


def cost(config: GANConfig, shape: Shape) -> Cost:
    """What a training costs: parameters of both networks and the generator's average; bytes of weights, gradients, moments
    and activations."""
    g, d = generator(config, shape), discriminator(config, shape)
    samples = config.batch * config.d_updates
    penalised = 2 * ((config.r1 > 0) + (config.r2 > 0)) / config.penalty_every + 2 * (config.loss == "wasserstein_gp")
    judged = samples * (2 + penalised) / config.pack
    forward = 2 * (g[1] * samples + d[1] * judged)
    backward = 2 * config.batch * config.g_updates * (3 * g[1] + 3 * d[1] / config.pack)
    held = 4 * (5 * g[0] + 4 * d[0] + config.batch * (3 * g[2] + 6 * d[2]))
    return Cost(2 * g[0] + d[0], held, forward + 4 * d[1] * judged + backward, samples)


def drawing(config: GANConfig, shape: Shape) -> Drawing:
    """Both networks, and the average of the generator's weights."""
    dense = config.network == "mlp" or shape.kind == "points"
    layers = f"{config.layers} layers of {config.width}" if dense else f"from {config.channels} channels"
    made = f"{shape.numbers} numbers" if shape.kind == "points" else f"{shape.height} x {shape.height} pixels"
    g, d = generator(config, shape).parameters, discriminator(config, shape).parameters
    noise, real, average = Part("Noise z", f"{config.latent} numbers"), Part("Sample", made), "average of its weights"
    return (
        Chain((noise, Part("Generator", layers, g, module="generator"), Part("EMA", average, g), Part("Fake sample", made)),
              "Generator"),
        Chain((real, Part("Discriminator", layers, d, module="discriminator"), Part("Real or fake?", "one number")),
              "Discriminator"),
    )


def generator(config: GANConfig, shape: Shape) -> Network:
    """The cost of one generator."""
    classes = len(shape.classes) if config.conditional else 0
    inputs = config.latent + (EMBEDDING if classes else 0)
    embedding, kind = Network(classes * EMBEDDING, 0, 0), config.network
    if kind == "mlp" or shape.kind == "points":
        body = networks.hidden(inputs, config.width, config.layers, kind=kind, norm=config.norm)
        return embedding + body + networks.linear(config.width, shape.numbers)
    return embedding + networks.up(inputs, config.channels, shape.height, shape.channels, kind=kind, norm=config.norm)


def discriminator(config: GANConfig, shape: Shape) -> Network:
    """The cost of the discriminator, for one pack."""
    dense = config.network == "mlp" or shape.kind == "points"
    classes = len(shape.classes) if config.conditional else 0
    beside = bool(classes) and config.condition == "embedding"
    extra = EMBEDDING if dense else shape.height * shape.width
    if dense:
        inputs, features = config.pack * (shape.numbers + extra * beside), config.width
        body = networks.hidden(inputs, config.width, config.layers, kind=config.network)
    else:
        inputs = config.pack * (shape.channels + beside)
        body, features = networks.down(inputs, config.channels, shape.height, kind=config.network)
    embedding = Network(classes * (extra if beside else features), 0, 0)
    return embedding + body + networks.linear(features, 1)
