"""Settings of a network that removes noise, of the noise and of the way back, and what such a network costs: shared by the
families that have one. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import Config, setting
from genstudio.data.learnable.samples import Shape
from genstudio.errors import Problem
from genstudio.families.settings import Batches
from genstudio.nn import cost as networks
from genstudio.nn.cost import Network
from genstudio.sampling.diffusion import Flow, Sampler, Schedule, cosine_schedule, linear_schedule

FREQUENCIES, CONDITION = 64, 128
"""Numbers that code a time, and the size of what every layer is told of time and condition."""
WORDS = {"noise": "the noise", "x0": "the clean sample", "v": "v", "flow": "the velocity"}
"""What a network predicts, by its objective."""
_DIFFUSION = "objective=noise|x0|v"
_LEAST = 2


class UNetSize(Config):
    """The size of a U-Net."""

    channels: int = setting(
        32, "Feature maps at full picture size; twice as many at all smaller sizes", low=8, high=512, group="Model",
        main=True,
    )
    patch: int = setting(
        1, "Squares of this many pixels per side are read and written as one place: 2 makes a step about three times as "
        "fast; fine "
        "detail suffers", low=1, high=8, group="Model", label="Patch size", source="Luhman & Luhman 2022",
    )
    halvings: int = setting(
        1, "How often the U-Net halves the picture; pictures whose sides cannot be halved so often are padded",
        low=0, high=4, group="Model",
    )
    blocks: int = setting(
        1, "Residual blocks at each size, on the way down and on the way up", low=1, high=4, group="Model",
    )
    attention: bool = setting(
        True, "Self-attention at the smallest size, so that distant parts of a picture agree", group="Model",
        source="Ho et al. 2020, 4",
    )


class Noising(Batches):
    """The noise that is learned from, the average of the weights, and the sampler."""

    objective: Literal["noise", "x0", "v", "flow"] = setting(
        "noise", "What the network predicts: the noise; the clean sample x0; v, a blend of both; or flow: the velocity "
        "along straight paths from noise to data (flow matching)", group="Noise", main=True, label="Prediction",
        source="noise: Ho et al. 2020; v: Salimans & Ho 2022; flow: Lipman et al. 2023",
    )
    noise_schedule: Literal["linear", "cosine"] = setting(
        "cosine", "How the noise grows from step to step: linear destroys the sample early, cosine more evenly",
        group="Noise", main=True, when=_DIFFUSION, source="linear: Ho et al. 2020; cosine: Nichol & Dhariwal 2021",
    )
    noise_steps: int = setting(
        1000, "Noise steps T from clean to pure noise, in training", low=10, high=4000, group="Noise", when=_DIFFUSION,
        source="Ho et al. 2020, 4",
    )
    ema: float = setting(
        0.999, "Decay rate of the exponential moving average (EMA) of the weights, which is what samples. 0: off",
        low=0, high=0.99999, group="Training", label="EMA", live=True, source="Ho et al. 2020, B",
    )
    sampler: Literal["ddim", "heun", "ddpm"] = setting(
        "ddim", "How samples are made during and after training: ddim and heun are deterministic; heun evaluates the "
        "network twice per step and needs fewer steps; ddpm adds fresh noise in every step", group="Sampling",
        main=True, live=True,
        source="ddim: Song et al. 2021; heun: Karras et al. 2022; ddpm: Ho et al. 2020",
    )
    sampling_steps: int = setting(
        50, "Steps from noise to a sample", low=1, high=4000, group="Sampling", main=True, live=True,
    )
    eta: float = setting(
        0.0, "DDIM: fresh noise in each step, from 0 (deterministic) to 1 (as random as DDPM)", low=0, high=1,
        group="Sampling", when="sampler=ddim", live=True, source="Song et al. 2021, eq. 16",
    )
    variance: Literal["posterior", "beta"] = setting(
        "posterior", "DDPM: variance of the noise added in a step, beta-tilde of the posterior, or beta itself",
        group="Sampling", when="sampler=ddpm", live=True, source="Ho et al. 2020, 3.2",
    )
    guidance: float = setting(
        1.0, "Strength of the class: 0 ignores it, 1 is the conditional model, more exaggerates the class at the cost "
        "of variety", low=0, high=20, group="Sampling", when="conditional=True", live=True, main=True,
        source="Ho & Salimans 2022",
    )

    def noise_levels(self) -> Schedule | Flow:
        """The noise that the network is trained with."""
        if self.objective == "flow":
            return Flow()
        return (linear_schedule if self.noise_schedule == "linear" else cosine_schedule)(self.noise_steps)

    @property
    def usual_sampler(self) -> Sampler:
        """How samples are made where nothing else is asked for."""
        return Sampler(self.sampler, self.sampling_steps, self.eta, self.guidance, self.variance)


def size_problems(config: UNetSize, shape: Shape) -> Iterator[Problem]:
    """Why a U-Net cannot read pictures of this size."""
    most = min(shape.height, shape.width) // _LEAST
    if most < config.patch:
        yield Problem("patch", f"pictures of {shape.width} x {shape.height} pixels are too small for it; choose "
            f"{max(most, 1)} or smaller")
    elif most < config.patch * 2**config.halvings:
        patches = f" in patches of {config.patch} pixels" if config.patch > 1 else ""
        yield Problem("halvings", f"pictures of {shape.width} x {shape.height} pixels cannot be halved {config.halvings} "
            f"times{patches}; choose {(most // config.patch).bit_length() - 1} or fewer")


def told_time() -> Network:
    """The cost of what codes the time."""
    return networks.linear(FREQUENCIES, CONDITION) + networks.linear(CONDITION, CONDITION)


def unet(config: UNetSize, shape: Shape) -> Network:
    """The cost of a U-Net for pictures of this shape."""
    return networks.unet(
        shape.channels, config.channels, config.halvings, CONDITION, shape.height, shape.width, blocks=config.blocks,
        attention=config.attention, patch=config.patch,
    )  # fmt: skip
