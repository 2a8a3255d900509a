"""Settings of two towers that learn which pictures and texts belong together. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.settings import Batches, Descent, Split, restated
from genstudio.families.towers import Towers

_RADFORD, _LU = "Radford et al. 2021", "Lu et al. 2019"
CONTRASTIVE, TWO_STREAM = "architecture=contrastive", "architecture=two_stream"


class ImageTextConfig(Towers, Batches, Descent, Split):
    """Settings of what reads pictures and texts, of what it learns from them, and of its training."""

    architecture: Literal["contrastive", "two_stream"] = setting(
        "contrastive", "contrastive: two towers that read pictures and texts into one space, where they are compared; "
        "two_stream: words and patches that look at each other, fill in what is masked and say whether they belong "
        "together", group="Model", main=True, source=f"contrastive: {_RADFORD}; two_stream: {_LU}",
    )
    joint_layers: int = setting(
        2, "Co-attention blocks, in which words look at patches and patches at words", low=1, high=24, group="Model", main=True,
        when=TWO_STREAM, label="Co-attention blocks", source=f"{_LU}, 3.1",
    )
    mask_share: float = setting(
        0.3, "Share of the words of a caption that are masked, at least one", low=0.02, high=0.9, group="Loss", main=True,
        when=TWO_STREAM, live=True, label="Share of words masked", source=f"{_LU}, 3.2; larger shares: Wettig et al. 2023",
    )
    hide_share: float = setting(
        0.15, "Share of the patches of a picture that are masked; the model fills in their pixels", low=0.0, high=0.9,
        group="Loss", when=TWO_STREAM, live=True, label="Share of patches masked", source=f"{_LU}, 3.2; pixels: He et al. 2022",
    )
    embedding: int = restated(Towers, "embedding", 64, when=CONTRASTIVE)
    temperature: float = setting(
        0.07, "Temperature at the beginning: cosines are divided by it before the softmax, so a small one makes small "
        "differences count", low=0.01, high=10, group="Loss", main=True, logarithmic=True, label="First temperature",
        when=CONTRASTIVE,
        source=f"{_RADFORD}, 2.5; Wu et al. 2018",
    )
    learn_temperature: bool = setting(
        True, "Learn the temperature with the weights. Off: it stays fixed", group="Loss", main=True,
        when=CONTRASTIVE, label="Learn the temperature", source=f"{_RADFORD}, 2.5",
    )
    shuffled: bool = setting(
        False, "Give every picture the caption of another, so that nothing can be learned: what chance looks like",
        group="Data", label="Shuffle captions",
    )
    hold_out: bool = setting(
        True, "Hold out the combinations of colour and shape that the dataset marks, to test whether they are understood "
              "without training. No effect on other datasets", group="Data", label="Hold out combinations",
    )
    shift: int = setting(
        0, "Shift each batch of pictures by up to this many pixels in each direction, so that fewer are memorised. Not for "
           "captions that name positions", low=0, high=16, group="Training", label="Random shifts", live=True,
    )
    word_dropout: float = setting(
        0.0, "Share of the words that are dropped from half of the captions, different ones at each step, so that short "
             "texts are understood where all captions are long", low=0.0, high=0.9, group="Training", label="Word dropout",
        live=True,
        when=CONTRASTIVE, source="Iyyer et al. 2015, 3.2",
    )
    batch: int = restated(
        Batches, "batch", 128, help="Captioned pictures per update: each has to be told apart from all the others, so a "
                                    "larger batch is harder"
    )
    evaluate_every: int = restated(Batches, "evaluate_every", 50)
    weight_decay: float = setting(
        0.05, "Weight decay: pulls weights towards zero", low=0, high=10, group="Training", source="Loshchilov & Hutter 2019",
    )
    beta2: float = restated(Descent, "beta2", 0.98)
    warmup: int = restated(Descent, "warmup", 50)
    hold: float = restated(Descent, "hold", 0.2)
    final_rate: float = restated(Descent, "final_rate", 0.02)

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if self.batch < 4:
            yield Problem("batch", "every picture is compared with the others in its batch: choose at least 4")
        if self.two_stream and self.pictures != "patches":
            yield Problem("pictures", "with two streams, words look at patches, so the picture tower must be one of patches")

    @property
    def two_stream(self) -> bool:
        """Whether words and patches look at each other."""
        return self.architecture == "two_stream"
