"""Settings of two towers that learn which pictures and texts belong together. No torch here."""

from __future__ import annotations

from collections.abc import Iterator

from genstudio.config import setting
from genstudio.errors import Problem
from genstudio.families.settings import Batches, Descent, Split, restated
from genstudio.families.towers import Towers

_RADFORD = "Radford et al. 2021"


class ImageTextConfig(Towers, Batches, Descent, Split):
    """Settings of the towers, of how alike what they make has to be, and of their training."""

    temperature: float = setting(
        0.07, "Temperature at the beginning: cosines are divided by it before the softmax, so a small one makes small "
        "differences count", low=0.01, high=10, group="Loss", main=True, logarithmic=True, label="First temperature",
        source=f"{_RADFORD}, 2.5; Wu et al. 2018",
    )
    learn_temperature: bool = setting(
        True, "Learn the temperature with the weights. Off: it stays as it is", group="Loss", main=True,
        label="Learn the temperature", source=f"{_RADFORD}, 2.5",
    )
    shuffled: bool = setting(
        False, "Give every picture the caption of another one, so that nothing can be learned: what chance looks like",
        group="Data", label="Shuffle captions",
    )
    hold_out: bool = setting(
        True, "Keep the combinations of colour and shape that the dataset marks from training, to see whether they are "
        "understood all the same. Of other data there are none", group="Data", label="Keep combinations from training",
    )
    shift: int = setting(
        0, "Move each batch of pictures by up to so many pixels each way, so that fewer pictures are memorised; not where "
        "captions say where something is", low=0, high=16, group="Training", label="Random shifts", live=True,
    )
    batch: int = restated(
        Batches, "batch", 128, help="Pictures with captions in one update: each is told apart from all others, so more are harder"
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
            yield Problem("batch", "every picture is told apart from the others of its batch: take at least 4")
