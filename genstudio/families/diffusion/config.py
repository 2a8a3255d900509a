"""Settings of the diffusion family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import Config, setting
from genstudio.errors import Problem
from genstudio.families.denoising import Noising, UNetSize
from genstudio.families.settings import Batches, Descent, Split, restated

_UNET = "network=unet"


class Body(Config):
    """Which network removes noise, and the size of one for points."""

    network: Literal["mlp", "unet"] = setting(
        "mlp", "Architecture: residual fully connected layers, for points; or a U-Net of convolutions, for pictures",
        group="Model", main=True, source="unet: Ronneberger et al. 2015; Ho et al. 2020",
    )
    width: int = setting(
        128, "Neurons in each hidden layer", low=8, high=4096, group="Model", main=True, when="network=mlp",
    )
    layers: int = setting(3, "Residual blocks of two layers", low=1, high=12, group="Model", when="network=mlp")


class DiffusionConfig(Noising, UNetSize, Body, Batches, Descent, Split):
    """Settings of a network that removes noise, of the noise, and of the way back from noise to a sample."""

    channels: int = restated(UNetSize, "channels", 32, when=_UNET)
    patch: int = restated(UNetSize, "patch", 1, when=_UNET)
    halvings: int = restated(UNetSize, "halvings", 1, when=_UNET)
    blocks: int = restated(UNetSize, "blocks", 1, when=_UNET)
    attention: bool = restated(UNetSize, "attention", True, when=_UNET)
    conditional: bool = setting(
        False, "Give the network the class, so that you can choose which class to generate; the data must have labels",
        group="Model", main=True, source="Ho & Salimans 2022",
    )
    class_dropout: float = setting(
        0.1, "Share of the training samples whose class is hidden: the network also learns to work without a class, "
        "which guidance needs", low=0, high=1, group="Model", when="conditional=True", live=True,
        source="Ho & Salimans 2022, 3.2",
    )
    shared_targets: bool = setting(
        False, "Let every sample of the batch that could have become a noisy one count in its target, by how probable that is: "
        "the same target on average, with less randomness; helps most with points", group="Noise", label="Shared targets",
        source="Xu, Tong & Jaakkola 2023",
    )
    guidance: float = restated(Noising, "guidance", 1.0, when="conditional=True")
    evaluate_every: int = restated(Batches, "evaluate_every", 500)

    def rules(self) -> Iterator[Problem]:
        if self.conditional and not self.class_dropout and self.guidance != 1:
            yield Problem("guidance", "compares with samples of no class, which the network never sees; choose 1, or hide some "
                                      "classes")  # fmt: skip
