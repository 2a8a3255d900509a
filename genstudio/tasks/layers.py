"""A task of the playground: activations, weights and gradients of every layer for a text."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from genstudio.errors import RunError
from genstudio.events import Frame, Progress
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.prompt import Prompt, encode


@dataclass(frozen=True)
class LookAtLayers:
    """Statistics of every layer for the last tokens of a prompt, as many as the context holds. Snapshot: LayerStatistics.

    The gradients are those of the text's mean loss. Raises RunError, DataError.
    """

    model: ModelRef
    prompt: Prompt

    def run(self, models: Models) -> Generator[Frame, None, None]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.get(self.model)
        learner = opened.learner
        if not hasattr(learner, "layers"):
            raise RunError("This kind of model has no layers to show.", "Choose a model of the Transformer tab.")
        ids = encode(learner.data.tokenizer, self.prompt).ids[-(learner.model.context + 1) :]
        work, step = learner.layers(ids), opened.step
        while True:
            try:
                next(work)
            except StopIteration as end:
                yield Frame(snapshots=(replace(end.value, step=step),))
                return
            yield Frame(progress=Progress("Looking at the layers"))
