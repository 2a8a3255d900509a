"""Settings of text to picture: what the decoder is told, the prior, and the decoder. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.denoising import Noising, UNetSize
from genstudio.families.settings import Batches, Descent, restated

_RAMESH = "Ramesh et al. 2022"


class UnclipConfig(Noising, UNetSize, Descent):
    """Settings of a prior from a text's vector to a picture's, and of a diffusion decoder from that to a picture. Both stand on a
    CLIP run, whose towers stay as they are; its split is theirs."""

    reader: str = setting(
        "", "A CLIP run whose towers read texts and pictures, by its id, name or folder; they are copied and stay as they are. "
        "Empty: your newest one that learned from the same pictures, or the one that is included", group="Model", main=True,
        label="CLIP run", run="imagetext", empty="the newest", source=_RAMESH,
    )
    condition: Literal["picture", "text"] = setting(
        "picture", "What the decoder is conditioned on. picture: CLIP's vector of the picture (the prior makes one from a "
                   "text); text: CLIP's vector of the caption, without a prior", group="Model", main=True,
        source=f"picture: {_RAMESH}, 2; text: Nichol et al. 2022",
    )
    prior: bool = setting(
        True, "Turn the vector of a text into one of a picture before the decoder reads it. Off: the decoder, trained only "
              "on vectors of pictures, is given that of the text", group="Model", main=True, when="condition=picture", live=True,
        label="Use the prior", source=f"{_RAMESH}, 2.2 and figure 8",
    )
    prior_width: int = setting(
        256, "Neurons in each layer of the prior", low=8, high=4096, group="Model", when="condition=picture",
    )
    prior_layers: int = setting(2, "Residual blocks of the prior", low=1, high=12, group="Model", when="condition=picture")
    condition_dropout: float = setting(
        0.1, "Share of the training pictures whose condition is hidden, so that the decoder also learns to work without "
             "one; guidance needs this", low=0, high=1, group="Model", live=True, label="Hidden conditions",
        source=f"{_RAMESH}, 2.1",
    )
    shuffled: bool = setting(
        False, "Give every picture the caption of another, so that texts say nothing about pictures: what chance looks like",
        group="Data", label="Shuffle captions",
    )
    channels: int = restated(UNetSize, "channels", 32)
    patch: int = restated(UNetSize, "patch", 2)
    objective: Literal["noise", "x0", "v", "flow"] = restated(Noising, "objective", "x0")
    batch: int = restated(Batches, "batch", 64)
    ema: float = restated(Noising, "ema", 0.99)
    sampling_steps: int = restated(Noising, "sampling_steps", 20)
    guidance: float = restated(
        Noising, "guidance", 1.5, help="Strength of the condition: 0 ignores it, 1 is the conditional model, more exaggerates "
        "what the text says at the cost of variety",
    )
    evaluate_every: int = restated(Batches, "evaluate_every", 250)

    def rules(self) -> Iterator[Problem]:
        if not self.condition_dropout and self.guidance != 1:
            yield Problem("guidance", "needs a decoder that was trained with some conditions hidden; choose 1, or hide some "
                                      "conditions")  # fmt: skip

    @property
    def has_prior(self) -> bool:
        """Whether there is a prior to be trained."""
        return self.condition == "picture"
