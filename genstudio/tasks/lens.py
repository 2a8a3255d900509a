"""The logit lens and saliency, as tasks."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Frame, Lens, Progress, Saliency
from genstudio.sampling.choose import likeliest
from genstudio.tasks.inside import steady, window
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Quiet, sliced

CHOICES = 10


@dataclass(frozen=True, slots=True)
class LookThroughLens(Quiet):
    """What each depth would say after each of the last `positions` tokens of `prompt`."""

    model: ModelRef
    prompt: Prompt
    positions: int = 24

    def run(self, models: Models) -> Generator[Frame, None, None]:
        from genstudio.families.gpt.inside import walk
        from genstudio.families.gpt.lens import depths

        yield Frame(progress=Progress("Opening the model"))
        opened = models.get(self.model)
        step = opened.step
        model, tokenizer = steady(opened), opened.learner.data.tokenizer
        ids, _ = window(opened, self.prompt)
        first = max(0, len(ids) - self.positions)
        inside = yield from sliced(walk(model, ids, ("residual",)), "Reading the text")
        found = yield from sliced(depths(model, inside["residual"][:, first:], ids[first:]), "Asking every layer")
        names = _names(tokenizer, np.unique(found.top))
        tokens = tokenizer.pieces(ids[first:])
        yield Frame(
            snapshots=(
                Lens("lens", step, tokens, first, found.top, found.chances, found.rank, found.chance, names),
            )
        )


@dataclass(frozen=True, slots=True)
class Explain(Quiet):
    """Which tokens moved a prediction: that of the token at `position` of the window (from 0), or, without one, that of
    what follows the prompt: of `target`, or of the likeliest token.

    Layers in 8 bits have no gradients, so a model in 8 bits is explained as it was before that.
    """

    model: ModelRef
    prompt: Prompt
    position: int | None = None
    target: int | None = None

    def run(self, models: Models) -> Generator[Frame, None, None]:
        from genstudio.families.gpt.lens import gradient_times_input

        yield Frame(progress=Progress("Opening the model"))
        opened = models.get(replace(self.model, precision="float32"))
        step = opened.step
        tokenizer, (ids, _) = opened.learner.data.tokenizer, window(opened, self.prompt)
        position, target = len(ids), self.target
        if self.position is not None and 0 < self.position < len(ids):
            position, target = self.position, int(ids[self.position])
        if target is not None and not 0 <= target < tokenizer.size:
            raise DataError("This model has no such token.", "Choose one of the likely tokens.")
        work = gradient_times_input(steady(opened), ids[:position], target)
        scores, logprobs, target = yield from sliced(work, "Going back through the layers")
        likely = likeliest(logprobs, CHOICES)
        named = _names(tokenizer, np.append(likely, target))
        choices = tuple((int(i), named[int(i)], float(np.exp(logprobs[i]))) for i in likely)
        tokens = tokenizer.pieces(ids)
        yield Frame(
            snapshots=(
                Saliency(
                    "saliency", step, tokens, position, scores, target, named[target], float(logprobs[target]),
                    choices,
                ),
            )
        )  # fmt: skip


def _names(tokenizer: Any, ids: Iterable[int]) -> dict[int, str]:
    wanted = [int(i) for i in ids]
    return dict(zip(wanted, tokenizer.pieces(np.array(wanted, np.int32)), strict=True))
