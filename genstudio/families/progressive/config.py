"""Settings of the progressive family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from typing import Literal

from genstudio.config import setting
from genstudio.families.settings import AdversarialDescent, Batches, restated
from genstudio.nn.sizes import maps_of

_GROWING = "Karras et al. 2018"
_PENALTY = "Mescheder et al. 2018"


class ProgressiveConfig(AdversarialDescent, Batches):
    """Settings of a generator and a discriminator that grow together."""

    grow: bool = setting(
        True, "Begin with pictures of 4 x 4 pixels and add layers until they have their full size. Off: the same networks are "
        "trained at full size from the start", group="Growth", main=True, label="Grow from 4 x 4", source=_GROWING,
    )
    growth: Literal["plan", "steps", "clock"] = setting(
        "plan", "When the next size begins: the planned training, steps or time, is shared out among the sizes; after a fixed "
        "number of steps; or after a fixed time", group="Growth", main=True, when="grow=True", label="Growth by", live=True,
        plan="plan: the pictures stay at their first size",
    )
    full_share: float = setting(
        0.8, "Share of the planned training that is left for the full size; the smaller sizes share the rest evenly", low=0.01,
        high=0.99, group="Growth", when="growth=plan", label="Share of full size", live=True,
    )
    stage_steps: int = setting(
        300, "Steps at each size, with its fade-in", low=1, high=1_000_000, group="Growth", when="growth=steps",
        label="Steps per size", live=True,
    )
    stage_seconds: float = setting(
        30.0, "Seconds of training at each size, with its fade-in. Runs of one seed then differ with the speed of the machine",
        low=0.1, high=1e6, group="Growth", when="growth=clock", label="Seconds per size", live=True,
    )
    fade: float = setting(
        0.5, "Share of the time at a size over which its new layers fade in. 0: they are switched on at once", low=0, high=1,
        group="Growth", main=True, when="grow=True", label="Fade-in", live=True, source=_GROWING,
    )
    hold_size: bool = setting(
        False, "Stay at this size, and at this point of a fade-in, until this is switched off again", group="Growth",
        when="grow=True", label="Hold the size", live=True,
    )
    advance_size: int = setting(
        0, "Raise this by one to move the growth forward at once: a fade-in is completed, or else the next size begins",
        low=0, high=100, group="Growth", when="grow=True", label="Advance the size", live=True,
    )
    channels: int = setting(
        16, "Feature maps at full size; doubled at each smaller size", low=2, high=512, group="Model", main=True,
        source=_GROWING,
    )
    largest: int = setting(
        64, "The most feature maps at any size", low=2, high=1024, group="Model", label="Most channels", source=_GROWING,
    )
    latent: int = setting(
        32, "Size of the noise vector z", low=1, high=1024, group="Model", main=True, label="Latent size",
        source="Goodfellow et al. 2014",
    )
    conditional: bool = setting(
        False, "Give both networks the class, at every size, so that you can choose which class to generate; the data must have "
        "labels", group="Model", main=True, source="Mirza & Osindero 2014; as a product with the last features: Miyato & Koyama "
        "2018",
    )
    equalised: bool = setting(
        True, "Weights of deviation 1, scaled whenever they are used: each layer learns at the same pace. Off: the usual "
        "initialisation (He et al. 2015)", group="Model", label="Equalised rates", source=f"{_GROWING}, 4.1",
    )
    pixel_norm: bool = setting(
        True, "Scale the features of each pixel of the generator to a mean square of 1, and the noise too", group="Model",
        label="Pixel normalisation", source=f"{_GROWING}, 4.2",
    )
    deviation: bool = setting(
        True, "Tell the discriminator how much the pictures of a batch differ, so that lack of variety gives fakes away",
        group="Model", label="Minibatch deviation", source=f"{_GROWING}, 3",
    )
    loss: Literal["nonsaturating", "least_squares", "hinge", "wasserstein_gp"] = setting(
        "nonsaturating", "Objective of the two networks; the paper takes wasserstein_gp, which keeps the critic's slope near 1",
        group="Loss", main=True, live=True,
        source="Goodfellow et al. 2014; least_squares: Mao et al. 2017; hinge: Lim & Ye 2017; wasserstein_gp: Gulrajani et al. "
        "2017",
    )
    gradient_penalty: float = setting(
        10.0, "Weight of the penalty on critic slopes other than 1, at points between real and fake pictures", low=0, high=1000,
        group="Loss", when="loss=wasserstein_gp", live=True, source="Gulrajani et al. 2017",
    )
    r1: float = setting(
        0.1, "Weight of the penalty on the discriminator's slope at real pictures (gamma)", low=0, high=1000, group="Loss",
        label="R1 penalty", main=True, live=True, source=_PENALTY,
    )
    penalty_every: int = setting(
        4, "Apply R1 only once in this many steps, scaled up to match", low=1, high=64, group="Loss", live=True,
        source="Karras et al. 2020, lazy regularisation",
    )
    d_rate: float = restated(AdversarialDescent, "d_rate", 2e-3)
    g_rate: float = restated(AdversarialDescent, "g_rate", 2e-3)
    hold: float = restated(AdversarialDescent, "hold", 0.7)
    ema: float = setting(
        0.995, "Decay rate of the exponential moving average (EMA) of the generator's weights, shown and sampled beside the raw "
        "generator. 0: off", low=0, high=0.99999, group="Training", label="Generator EMA", live=True,
        source=f"{_GROWING}; Yazici et al. 2019",
    )
    batch: int = restated(Batches, "batch", 32, help="Pictures processed together in one update")
    examples: int = restated(
        Batches, "examples", 0, help="Train on only this many pictures, to see the effect of too few; 0: all"
    )
    evaluate_every: int = restated(Batches, "evaluate_every", 250)

    @property
    def bounded(self) -> bool:
        """Whether the discriminator's opinion is a probability: the logistic loss."""
        return self.loss == "nonsaturating"

    def maps(self, sizes: int) -> tuple[int, ...]:
        """Feature maps at each of so many sizes, the smallest size first."""
        return maps_of(sizes, self.channels, self.largest)
