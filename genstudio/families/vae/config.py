"""Settings of the VAE family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from typing import Literal

from genstudio.config import setting
from genstudio.families.settings import Batches, Coder, Descent, Split


class VAEConfig(Coder, Batches, Descent, Split):
    """Settings of an encoder to a distribution over codes, a decoder back, and of their bound."""

    likelihood: Literal["gaussian", "bernoulli"] = setting(
        "gaussian", "How the decoder's answer is scored: as the mean of a Gaussian; or each pixel as the probability of white",
        group="Loss", main=True, source="Kingma & Welling 2014, C",
    )
    noise: Literal["learnt", "fixed"] = setting(
        "learnt", "The deviation of that Gaussian: one number that is learnt too, or the one below", group="Loss", main=True,
        when="likelihood=gaussian", source="learnt: Rybkin et al. 2021",
    )
    deviation: float = setting(
        0.3, "The deviation, or where it begins; with values of deviation near 1, or pixels from 0 to 1", low=1e-3, high=10,
        group="Loss", logarithmic=True, when="likelihood=gaussian",
    )
    beta: float = setting(
        1.0, "Weight of the KL to the prior: 1 is the bound of a VAE, more presses codes together, 0 is an autoencoder with "
        "noise on its codes", low=0, high=100, group="Loss", main=True, live=True, source="Higgins et al. 2017",
    )
    kl_warmup: int = setting(
        0, "Steps in which that weight rises from 0, so that codes mean something before they are pressed", low=0,
        high=1_000_000, group="Loss", label="KL warm-up", live=True, source="Bowman et al. 2016",
    )
    conditional: bool = setting(
        False, "Both halves are told the class, so that a class can be asked for and the code says the rest; the data must "
        "have labels", group="Model", main=True, source="Sohn et al. 2015",
    )
    importance: int = setting(
        50, "Codes for each sample in the importance-weighted bound of an evaluation", low=1, high=5000, group="Training",
        label="Importance samples", source="Burda et al. 2016",
    )

    def weight(self, step: int) -> float:
        """The weight of the KL in a step (from 1)."""
        return self.beta * min(1.0, step / self.kl_warmup) if self.kl_warmup else self.beta
