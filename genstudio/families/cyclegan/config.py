"""Settings of the CycleGAN family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from typing import Literal

from genstudio.config import setting
from genstudio.families.settings import AdversarialDescent, Batches, restated

_CYCLE = "Zhu et al. 2017"


class CycleGANConfig(AdversarialDescent, Batches):
    """Settings of two generators, two discriminators, and of what holds the generators together."""

    data_b: str = setting(
        "", "The pictures of set B: another dataset. Empty: two classes of the first dataset are the sets", group="Data",
        main=True, label="Second dataset", dataset="images",
    )
    from_: str = setting(
        "", "Set A: a class of the first dataset. Empty: all of its pictures, or its first class where there is no second "
        "dataset", group="Data", main=True, label="From class (A)", part="data",
    )
    to: str = setting(
        "", "Set B: a class of the second dataset, or of the first where there is no second. Empty: all of its pictures, or "
        "the next class", group="Data", main=True, label="To class (B)", part="data_b",
    )
    channels: int = setting(
        16, "Feature maps of the generators at full size, and of the discriminators at half of it; doubled at each halving",
        low=2, high=256, group="Model", main=True,
    )
    halvings: int = setting(
        1, "How often the generators halve the pictures before their residual blocks", low=0, high=4, group="Model",
        source="Johnson et al. 2016",
    )
    blocks: int = setting(
        2, "Residual blocks of each generator", low=0, high=12, group="Model", source="Johnson et al. 2016",
    )
    patch_layers: int = setting(
        2, "Halvings in each discriminator, which judges the patches that are left: more of them see larger patches", low=1,
        high=5, group="Model", source="Isola et al. 2017",
    )
    norm: Literal["none", "instance"] = setting(
        "none", "Instance normalisation in the generators; it hides how light or strong a picture is as a whole", group="Model",
        source="Ulyanov et al. 2016",
    )
    loss: Literal["least_squares", "nonsaturating", "hinge"] = setting(
        "least_squares", "Objective of generators and discriminators", group="Loss", live=True,
        source="least_squares: Mao et al. 2017; nonsaturating: Goodfellow et al. 2014; hinge: Lim & Ye 2017",
    )
    cycle: float = setting(
        2.0, "Weight of the cycle loss of A: a picture that goes to B and back should come back as it was; the paper takes 10",
        low=0, high=1000, group="Loss", main=True, live=True, label="Cycle A → B → A", source=_CYCLE,
    )
    cycle_back: float = setting(
        2.0, "Weight of the cycle loss of B: the same for a picture that goes to A and back", low=0, high=1000, group="Loss",
        main=True, live=True, label="Cycle B → A → B", source=_CYCLE,
    )
    identity: float = setting(
        1.0, "Weight of the identity loss: a generator should leave a picture alone that is in its target set already", low=0,
        high=1000, group="Loss", main=True, live=True, label="Identity loss", source=f"Taigman et al. 2017; {_CYCLE}, 5.2",
    )
    generator_weight: float = setting(
        1.0, "Weight of the discriminators' opinion in the generators' loss", low=0, high=100, group="Loss", live=True,
        label="Adversarial loss",
    )
    r1: float = setting(
        0.0, "Weight of the penalty on the discriminators' slope at real pictures (gamma)", low=0, high=1000, group="Loss",
        label="R1 penalty", live=True, source="Mescheder et al. 2018",
    )
    pool: int = setting(
        50, "Earlier fakes kept for each discriminator: half of the fakes that it judges come from them. 0: off", low=0,
        high=1000, group="Training", label="Picture pool", source="Shrivastava et al. 2017",
    )
    d_rate: float = restated(
        AdversarialDescent, "d_rate", 1e-3, help="Step size of the discriminators' Adam", label="Discriminators' rate"
    )
    g_rate: float = restated(
        AdversarialDescent, "g_rate", 1e-3, help="Step size of the generators' Adam", label="Generators' rate"
    )
    beta1: float = restated(AdversarialDescent, "beta1", 0.5)
    beta2: float = restated(AdversarialDescent, "beta2", 0.999)
    batch: int = restated(Batches, "batch", 8, help="Pictures of each set in one update")
    examples: int = restated(
        Batches, "examples", 0, help="Use only this many pictures of each set, to see the effect of too few; 0: all"
    )
    evaluate_every: int = restated(Batches, "evaluate_every", 500)

    @property
    def bounded(self) -> bool:
        """Whether the discriminators' opinion is a probability: the logistic loss."""
        return self.loss == "nonsaturating"
