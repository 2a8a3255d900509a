"""Settings of the GAN family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.settings import AdversarialDescent, AdversarialLoss, Batches, restated

_PENALTY = "Mescheder et al. 2018"


class GANConfig(AdversarialDescent, Batches):
    """Settings of a generator, a discriminator and of their game."""

    network: Literal["mlp", "dcgan", "residual"] = setting(
        "mlp", "Architecture of both networks: fully connected layers; strided convolutions, for pictures; or "
        "residual blocks", group="Model", main=True,
        source="mlp: Goodfellow et al. 2014; dcgan: Radford et al. 2016; residual: Gulrajani et al. 2017",
    )
    width: int = setting(
        64, "Neurons in each hidden layer", low=2, high=4096, group="Model", main=True, when="network=mlp|residual",
    )
    layers: int = setting(
        3, "Hidden layers, or residual blocks for points", low=1, high=12, group="Model", when="network=mlp|residual",
    )
    channels: int = setting(
        32, "Feature maps at half the picture size; doubled at each further halving", low=2, high=512,
        group="Model", main=True, when="network=dcgan|residual", source="Radford et al. 2016",
    )
    latent: int = setting(
        2, "Size of the noise vector z", low=1, high=1024, group="Model", main=True,
        label="Latent size", source="Goodfellow et al. 2014",
    )
    latent_kind: Literal["normal", "uniform"] = setting(
        "normal", "Distribution of the noise: standard normal, or uniform between -1 and 1", group="Model",
        label="Latent distribution",
    )
    norm: Literal["none", "batch"] = setting(
        "none", "Batch normalisation in the generator", group="Model", source="Ioffe & Szegedy 2015",
    )
    conditional: bool = setting(
        False, "Give both networks the class, so that you can choose which class to generate; the data must have labels",
        group="Model", main=True, source="Mirza & Osindero 2014",
    )
    condition: Literal["embedding", "projection"] = setting(
        "embedding", "How the class is given to the discriminator: appended to its input, or as a product with its "
        "last features",
        group="Model", when="conditional=True", source="projection: Miyato & Koyama 2018",
    )
    spectral_norm: bool = setting(
        False, "Divide each weight matrix of the discriminator by its largest singular value, which bounds its slope",
        group="Model", source="Miyato et al. 2018",
    )
    pack: int = setting(
        1, "Samples that the discriminator judges together: lack of variety gives fakes away", low=1, high=8,
        group="Model",
        label="Packing", source="Lin et al. 2018, PacGAN",
    )
    loss: AdversarialLoss = setting(
        "nonsaturating", "Objective of the two networks; wasserstein: clips the critic's weights; wasserstein_gp: keeps "
        "its slope near 1", group="Loss", main=True, live=True,
        source="Goodfellow et al. 2014; least_squares: Mao et al. 2017; hinge: Lim & Ye 2017; wasserstein: Arjovsky et al. "
        "2017; wasserstein_gp: Gulrajani et al. 2017",
    )
    clip: float = setting(
        0.01, "Largest absolute value of a critic weight", low=1e-4, high=10, group="Loss", logarithmic=True,
        when="loss=wasserstein", label="Weight clipping", live=True, source="Arjovsky et al. 2017",
    )
    gradient_penalty: float = setting(
        10.0, "Weight of the penalty on critic slopes other than 1, at points between real and fake samples", low=0,
        high=1000,
        group="Loss", when="loss=wasserstein_gp", live=True, source="Gulrajani et al. 2017",
    )
    r1: float = setting(
        0.1, "Weight of the penalty on the discriminator's slope at real samples (gamma)", low=0, high=1000, group="Loss",
        label="R1 penalty", main=True, live=True, source=_PENALTY,
    )
    r2: float = setting(
        0.0, "Weight of the penalty on the discriminator's slope at fake samples", low=0, high=1000, group="Loss",
        label="R2 penalty", live=True, source=_PENALTY,
    )
    penalty_every: int = setting(
        4, "Apply R1 and R2 only once in this many updates of the discriminator, scaled up to match", low=1, high=64,
        group="Loss", live=True, source="Karras et al. 2020, lazy regularisation",
    )
    smoothing: float = setting(
        0.0, "One-sided label smoothing: the target for real samples is lowered from 1 by this amount", low=0, high=0.5,
        group="Loss", when="loss=nonsaturating|minimax|least_squares", label="Label smoothing", live=True,
        source="Salimans et al. 2016",
    )
    noise: float = setting(
        0.0, "Standard deviation of the noise added to the discriminator's input; the data have a deviation near 1",
        low=0, high=5, group="Loss", label="Instance noise", live=True, source="Sonderby et al. 2017",
        plan="*: the instance noise stays as strong as at the start",
    )
    noise_until: float = setting(
        0.5, "Share of the training over which the noise falls to zero", low=0, high=1, group="Loss",
        label="Noise ends at", live=True,
    )
    real_weight: float = setting(
        1.0, "Weight of the real samples in the discriminator's loss", low=0, high=100, group="Loss", live=True,
    )
    fake_weight: float = setting(
        1.0, "Weight of the fakes in the discriminator's loss", low=0, high=100, group="Loss", live=True,
    )
    generator_weight: float = setting(
        1.0, "Weight of the generator's loss; Adam cancels most of its effect", low=0, high=100, group="Loss",
        live=True,
    )
    d_updates: int = setting(
        1, "Updates of the discriminator per step", low=1, high=20, group="Training", label="Discriminator's updates",
        live=True, source="Goodfellow et al. 2014, k",
    )
    g_updates: int = setting(
        1, "Updates of the generator per step", low=1, high=20, group="Training", label="Generator's updates",
        live=True,
    )
    trained: Literal["both", "discriminator", "generator"] = setting(
        "both", "Which networks are trained; the other stays fixed", group="Training", label="Trained networks",
        live=True,
    )
    pretrain_discriminator: int = setting(
        0, "Number of first steps in which only the discriminator is trained", low=0, high=100_000, group="Training",
        label="Discriminator first",
    )
    pretrain_generator: int = setting(
        0, "Number of steps after those in which only the generator is trained", low=0, high=100_000, group="Training",
        label="Generator first",
    )
    ema: float = setting(
        0.995, "Decay rate of the exponential moving average (EMA) of the generator's weights, shown and sampled "
        "beside the raw generator. 0: off",
        low=0, high=0.99999, group="Training", label="Generator EMA", live=True, source="Yazici et al. 2019",
    )
    evaluate_every: int = restated(Batches, "evaluate_every", 500)

    def rules(self) -> Iterator[Problem]:
        if self.batch % self.pack:
            yield Problem("batch", f"a batch of {self.batch} cannot be packed by {self.pack}; take a multiple of it")
        if self.conditional and self.condition == "projection" and self.pack > 1:
            yield Problem("pack", "the projection discriminator judges one sample at a time; choose 1, or embedding")

    @property
    def bounded(self) -> bool:
        """Whether the discriminator's opinion is a probability: the logistic losses."""
        return self.loss in ("nonsaturating", "minimax")

    def learning(self, step: int) -> tuple[bool, bool]:
        """Whether the discriminator and the generator learn in a step (from 1)."""
        if step <= self.pretrain_discriminator:
            return True, False
        if step <= self.pretrain_discriminator + self.pretrain_generator:
            return False, True
        return self.trained != "generator", self.trained != "discriminator"
