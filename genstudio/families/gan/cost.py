"""What a GAN costs, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.learnable.samples import Shape
from genstudio.errors import DeviceError
from genstudio.families.family import Cost
from genstudio.families.gan.config import GANConfig
from genstudio.families.gan.data import doublings
from genstudio.storage import size_text

EMBEDDING = 16
Network = tuple[int, int, int]
"""Parameters of a network; multiplications for one sample; numbers held for its backward pass."""


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


def require_memory(config: GANConfig, shape: Shape, free: int | None) -> None:
    """Raises DeviceError where training takes more than `free` bytes, saying what would fit."""
    needed = cost(config, shape).bytes
    if free is None or needed <= free:
        return
    raise DeviceError(
        f"This training needs about {size_text(needed)} of memory, and {size_text(free)} are free.",
        _what_fits(config, shape, free),
    )


def _what_fits(config: GANConfig, shape: Shape, free: int) -> str:
    """Smaller settings in words: first of the batch, then of the networks, at last the smallest batch."""
    size = "width" if config.network == "mlp" or shape.kind == "points" else "channels"
    fitting, pack = config, config.pack
    for name, least in (("batch", 16), (size, 2), ("batch", 2)):
        unit = pack if name == "batch" else 1
        while (now := getattr(fitting, name)) > max(least, unit) and cost(fitting, shape).bytes > free:
            smaller = max(now // 2 // unit * unit, unit, least if unit == 1 else 0)
            fitting = fitting.model_copy(update={name: smaller})
    if cost(fitting, shape).bytes > free:
        return "Not even the smallest networks fit: close other programs, or take another device."
    told = [f"a batch of {fitting.batch}"] if fitting.batch != config.batch else []
    told += [f"{size} {getattr(fitting, size)}"] if getattr(fitting, size) != getattr(config, size) else []
    return f"What fits: {' and '.join(told)}."


def generator(config: GANConfig, shape: Shape) -> Network:
    """The cost of one generator."""
    classes = len(shape.classes) if config.conditional else 0
    inputs = config.latent + (EMBEDDING if classes else 0)
    parameters = classes * EMBEDDING
    if config.network == "mlp" or shape.kind == "points":
        cost = _dense(config, inputs, shape.numbers, config.norm == "batch")
    else:
        cost = _growing(config, inputs, shape)
    return parameters + cost[0], cost[1], cost[2]


def discriminator(config: GANConfig, shape: Shape) -> Network:
    """The cost of the discriminator, for one pack."""
    dense = config.network == "mlp" or shape.kind == "points"
    classes = len(shape.classes) if config.conditional else 0
    beside = bool(classes) and config.condition == "embedding"
    extra = EMBEDDING if dense else shape.height * shape.width
    if dense:
        cost = _dense(config, config.pack * (shape.numbers + extra * beside), 1, False)
        features = config.width
    else:
        cost, features = _shrinking(config, config.pack * (shape.channels + beside), shape)
    told = classes * (extra if beside else features)
    return cost[0] + told, cost[1], cost[2]


def _dense(config: GANConfig, inputs: int, outputs: int, normed: bool) -> Network:
    width, layers = config.width, config.layers
    if config.network == "residual":
        inner = inputs * width + 2 * layers * width * width + width * outputs
        return inner + width + 2 * layers * width + outputs, inner, width * (3 * layers + 2)
    inner = inputs * width + (layers - 1) * width * width + width * outputs
    return inner + layers * width * (3 if normed else 1) + outputs, inner, 2 * layers * width


def _growing(config: GANConfig, inputs: int, shape: Shape) -> Network:
    base, count = doublings(shape.height)
    maps = [config.channels * 2 ** (count - 1 - index) for index in range(count)]
    norm = 2 if config.norm == "batch" else 0
    first = maps[0] * base * base
    total, work, held = first * (inputs + 1), first * inputs, 2 * first
    size = base
    if config.network == "residual":
        for now, after in zip(maps, [*maps[1:], maps[-1]], strict=True):
            size *= 2
            skip = now * after if now != after else 0
            kernels = 9 * (now * after + after * after) + skip
            total, work = total + kernels + 2 * after + norm * (now + after), work + kernels * size * size
            held += size * size * (now + 4 * after)
        last = 9 * maps[-1] * shape.channels
        return total + last + shape.channels + norm * maps[-1], work + last * size * size, held + shape.numbers
    total += norm * maps[0]
    for now, after in zip(maps, [*maps[1:], shape.channels], strict=True):
        kernels = 16 * now * after
        total, work = total + kernels + after, work + kernels * size * size
        size *= 2
        held += 2 * size * size * after
    return total + norm * sum(maps[1:]), work, held


def _shrinking(config: GANConfig, inputs: int, shape: Shape) -> tuple[Network, int]:
    base, count = doublings(shape.height)
    maps = [config.channels * 2**index for index in range(count)]
    size, held = shape.height, 0
    if config.network == "residual":
        total = 9 * inputs * maps[0] + maps[0]
        work = 9 * inputs * maps[0] * size * size
        for now, after in zip([maps[0], *maps[:-1]], maps, strict=True):
            kernels = 9 * (now * after + after * after) + (now * after if now != after else 0)
            total, work, held = total + kernels + 2 * after, work + kernels * size * size, held + 5 * size * size * after
            size //= 2
        return (total + maps[-1] + 1, work, held), maps[-1]
    total = work = 0
    for now, after in zip([inputs, *maps[:-1]], maps, strict=True):
        size //= 2
        kernels = 16 * now * after
        total, work, held = total + kernels + after, work + kernels * size * size, held + 2 * size * size * after
    features = maps[-1] * base * base
    return (total + features + 1, work + features, held), features
