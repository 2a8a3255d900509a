"""Settings of the diffusion family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.settings import Batches, Descent, Split, restated
from genstudio.sampling.diffusion import Flow, Sampler, Schedule, cosine_schedule, linear_schedule

_DIFFUSION = "objective=noise|x0|v"


class DiffusionConfig(Batches, Descent, Split):
    """Settings of a network that removes noise, of the noise, and of the way back from noise to a sample."""

    network: Literal["mlp", "unet"] = setting(
        "mlp", "Architecture: residual fully connected layers, for points; or a U-Net of convolutions, for pictures",
        group="Model", main=True, source="unet: Ronneberger et al. 2015; Ho et al. 2020",
    )
    width: int = setting(
        128, "Neurons in each hidden layer", low=8, high=4096, group="Model", main=True, when="network=mlp",
    )
    layers: int = setting(3, "Residual blocks of two layers", low=1, high=12, group="Model", when="network=mlp")
    channels: int = setting(
        32, "Feature maps at full picture size; twice as many at all smaller sizes", low=8, high=512, group="Model",
        main=True, when="network=unet",
    )
    patch: int = setting(
        1, "Squares of this many pixels per side are read and written as one place: 2 makes a step about three times as "
        "fast; fine "
        "detail suffers", low=1, high=8, group="Model", when="network=unet", label="Patch size", source="Luhman & Luhman 2022",
    )
    halvings: int = setting(
        1, "How often the U-Net halves the picture; pictures whose sides cannot be halved so often are padded",
        low=0, high=4, group="Model", when="network=unet",
    )
    blocks: int = setting(
        1, "Residual blocks at each size, on the way down and on the way up", low=1, high=4, group="Model",
        when="network=unet",
    )
    attention: bool = setting(
        True, "Self-attention at the smallest size, so that distant parts of a picture agree", group="Model",
        when="network=unet", source="Ho et al. 2020, 4",
    )
    conditional: bool = setting(
        False, "Give the network the class, so that you can choose which class to generate; the data must have labels",
        group="Model", main=True, source="Ho & Salimans 2022",
    )
    class_dropout: float = setting(
        0.1, "Share of the training samples whose class is hidden: the network also learns to work without a class, "
        "which guidance needs", low=0, high=1, group="Model", when="conditional=True", live=True,
        source="Ho & Salimans 2022, 3.2",
    )
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
    shared_targets: bool = setting(
        False, "Let every sample of the batch that could have become a noisy one count in its target, by how probable that is: "
        "the same target on average, with less randomness; helps most with points", group="Noise", label="Shared targets",
        source="Xu, Tong & Jaakkola 2023",
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
    evaluate_every: int = restated(Batches, "evaluate_every", 500)

    def rules(self) -> Iterator[Problem]:
        if self.conditional and not self.class_dropout and self.guidance != 1:
            yield Problem("guidance", "compares with samples of no class, which the network never sees; choose 1, or hide some "
                                      "classes")  # fmt: skip

    def noise_levels(self) -> Schedule | Flow:
        """The noise that the network is trained with."""
        if self.objective == "flow":
            return Flow()
        return (linear_schedule if self.noise_schedule == "linear" else cosine_schedule)(self.noise_steps)

    @property
    def usual_sampler(self) -> Sampler:
        """How samples are made where nothing else is asked for."""
        return Sampler(self.sampler, self.sampling_steps, self.eta, self.guidance, self.variance)
