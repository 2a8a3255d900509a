"""Settings of the VAE family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from typing import Literal

from genstudio.config import setting
from genstudio.families.settings import Batches, Coder, Descent, Split


class VAEConfig(Coder, Batches, Descent, Split):
    """Settings of an encoder to a distribution over codes, a decoder back, and of their bound."""

    likelihood: Literal["gaussian", "bernoulli"] = setting(
        "gaussian", "How the decoder's output is scored: as the mean of a Gaussian; or with each pixel as the "
        "probability of white",
        group="Loss", main=True, source="Kingma & Welling 2014, C",
    )
    noise: Literal["learnt", "fixed"] = setting(
        "learnt", "Standard deviation of that Gaussian: learned, or fixed to the value below", group="Loss", main=True,
        when="likelihood=gaussian", source="learned: Rybkin et al. 2021",
    )
    deviation: float = setting(
        0.3, "The standard deviation, or its initial value; relative to data of unit deviation, or pixels from 0 to 1",
        low=1e-3, high=10,
        group="Loss", logarithmic=True, when="likelihood=gaussian",
    )
    beta: float = setting(
        1.0, "Weight of the KL to the prior: 1 gives the bound of a VAE, more pulls the codes closer to the prior, 0 "
        "gives an autoencoder with noisy codes", low=0, high=100, group="Loss", main=True, live=True,
        source="Higgins et al. 2017",
    )
    kl_warmup: int = setting(
        0, "Steps over which that weight rises from 0, so that the codes become meaningful before the KL acts on them",
        low=0,
        high=1_000_000, group="Loss", label="KL warm-up", live=True, source="Bowman et al. 2016",
    )
    conditional: bool = setting(
        False, "Give encoder and decoder the class, so that you can choose which class to generate and the code "
        "describes the rest; the data must have labels", group="Model", main=True, source="Sohn et al. 2015",
    )
    importance: int = setting(
        50, "Codes per sample in the importance-weighted bound of an evaluation", low=1, high=5000, group="Training",
        label="Importance samples", source="Burda et al. 2016",
    )

    def weight(self, step: int) -> float:
        """The weight of the KL in a step (from 1)."""
        return self.beta * min(1.0, step / self.kl_warmup) if self.kl_warmup else self.beta
