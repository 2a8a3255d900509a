"""What the simulator family costs and is made of, by closed formula and without torch."""

from __future__ import annotations

from genstudio.data.info import DatasetInfo
from genstudio.families.drawing import Chain, Drawing, Part
from genstudio.families.family import Cost
from genstudio.families.simulator.config import SimulatorConfig
from genstudio.families.simulator.data import details_of

_EVENT = 4e3
"""Operations of numpy for an event of one region, roughly: what a simulation costs beside a network."""


def _parts(config: SimulatorConfig) -> dict[str, int]:
    """Parameters of each layer of the discriminator."""
    c, d, s = config.channels, config.dense, config.snps // 4
    return {
        "first": 2 * 5 * c + c, "second": c * 5 * 2 * c + 2 * c, "dense": 2 * c * s * d + d, "deep": d * d + d, "out": d + 1,
    }  # fmt: skip


def _haplotypes(config: SimulatorConfig, info: DatasetInfo) -> int:
    there = details_of(info).get("haplotypes")
    return min(config.haplotypes, there) if type(there) is int and there > 1 else config.haplotypes


def cost(config: SimulatorConfig, info: DatasetInfo, _tokens: int = 0) -> Cost:
    """Parameters of the discriminator; bytes of weights, moments and activations; the work of a step that trains it."""
    n, s, c = _haplotypes(config, info), config.snps, config.channels
    parameters = sum(_parts(config).values())
    rows = 2 * config.batch * n
    forward = 2.0 * rows * (s * 10 * c + s // 2 * 10 * c * c)
    held = 16.0 * parameters + 4.0 * rows * s * (2 + 2 * c + c) + config.pool * s * (n + 4.0)
    here = config.batch - (config.batch // 2 if config.pool else 0)
    simulated = here * config.updates * 3 * n * _EVENT
    return Cost(parameters, held, 3 * forward * config.updates + simulated, config.batch * config.updates)


def drawing(config: SimulatorConfig, info: DatasetInfo, _tokens: int = 0) -> Drawing:
    """The simulator with its parameters, and the discriminator with its layers."""
    model, parts, n = config.model, _parts(config), _haplotypes(config, info)
    free = ", ".join(model.names[place] for place in config.searched)
    return (
        Chain((
            Part("Parameters", free), Part(model.title, "a history"), Part("Coalescent", "with recombination"),
            Part("Mutations", f"{n} haplotypes"), Part("Simulated", f"{config.snps} sites"),
        ), "Generator: a simulator, not a network"),
        Chain((
            Part("Region", f"{n} x {config.snps} x 2"), Part("Convolution", f"{config.channels} features", parts["first"]),
            Part("Convolution", f"{2 * config.channels} features", parts["second"]), Part("Mean", "over haplotypes"),
            Part("Dense", f"{config.dense} neurons", parts["dense"]), Part("Dense", f"{config.dense} neurons", parts["deep"]),
            Part("Real?", "one number", parts["out"]),
        ), "Discriminator"),
    )  # fmt: skip
