"""A task of the playground: activations, weights and gradients of every layer for a text."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from genstudio.data.work import mapped
from genstudio.events import Frame, Progress
from genstudio.families.abilities import Traces
from genstudio.snapshots.layers import LayerStatistics
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Prompt
from genstudio.tasks.task import Frames, Quiet
from genstudio.tasks.translate import encode_target


@dataclass(frozen=True)
class LookAtLayers(Quiet):
    """Statistics of every layer for the last tokens of a prompt, `most` at most; of an encoder, for the source, with the
    prompt as the translation.

    The gradients are those of the text's mean loss; they need the weights that are trained, so a model in 8 bits is shown
    as it was before that. Raises RunError, DataError.
    """

    model: ModelRef
    prompt: Prompt
    most: int = 256

    def run(self, models: Models) -> Frames[LayerStatistics]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(replace(self.model, precision="float32"), Traces)
        model, step = opened.model, opened.step
        ids = encode_target(opened, self.prompt).ids[-(min(model.transformer.context, self.most) + 1) :]
        if opened.live:  # the training goes on between two slices
            model = model.with_transformer(copy.deepcopy(opened.transformer))
        found = yield from mapped(model.layers(ids), lambda _: Frame(progress=Progress("Reading the layers")))
        return replace(found, step=step)
