"""Exact loss of a model over a whole validation split, and the reference lines it is compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from genstudio import families
from genstudio.data import shelf
from genstudio.data.learnable.tokens import all_validation
from genstudio.errors import DataError
from genstudio.events import Frame, Progress
from genstudio.runs import Run
from genstudio.tasks.models import ModelRef, Models, dataset_of, settings_of
from genstudio.tasks.sample import with_data
from genstudio.tasks.task import Frames, sliced


@dataclass(frozen=True)
class Evaluate:
    """Every validation token scored once; with `data`, every token of that text instead. Of a GAN: its fidelity and
    diversity, each number beside what real samples reach."""

    model: ModelRef
    data: str | None = None

    def run(self, models: Models) -> Frames[dict[str, float]]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.get(self.model)
        run = Run.open(self.model.run)
        if hasattr(opened.learner, "sampled"):
            return (yield from self._measured(run, opened))
        data = yield from self._data(run, opened)
        learner = opened.learner.on(data)
        scored = None
        for scored in learner.evaluate(exact=True):
            yield Frame(progress=Progress("Scoring", scored.done))
        if scored is None or not scored.tokens:
            raise DataError("There is nothing to score: the text is shorter than two tokens.", "Choose a longer text.")
        yield Frame(progress=Progress("Scored", 1.0))
        return {
            "loss_nats": scored.loss,
            "bits_per_char": scored.nats / math.log(2) / max(scored.characters, 1),
            "tokens": scored.tokens,
            "unknown": data.validation_unknown,
            "characters": scored.characters,
            "step": opened.step,
        }

    def _measured(self, run: Run, opened: Any) -> Frames[dict[str, float]]:
        if self.data:
            raise DataError("A GAN is measured against the data it was trained on.", "Leave out --data.")
        learner = yield from with_data(run, opened)
        values: Mapping[str, float] = {}
        for measured in learner.evaluate(exact=True):
            values = measured.values
            yield Frame(progress=Progress("Measuring", measured.done))
        if not values:
            raise DataError("There is too little data to measure with.", "Two dozen pictures are the least.")
        yield Frame(progress=Progress("Measured", 1.0))
        return {**values, "step": opened.step}

    def _data(self, run: Run, opened: Any) -> Frames[Any]:
        if self.data:
            dataset = shelf.open_text(shelf.find_dataset(self.data))
            work = all_validation(dataset, opened.learner.data.tokenizer)
            return (yield from sliced(work, "Preparing the text"))
        try:
            info = dataset_of(run)
        except DataError as error:
            raise DataError(error.message, f"{error.hint} Or name a text to score.", error.path) from None
        family, config = settings_of(run)
        data: Any = yield from sliced(
            family.prepare(config, shelf.open_dataset(info), run.kept()), "Preparing the text"
        )
        return replace(data, tokenizer=opened.learner.data.tokenizer)


@dataclass(frozen=True)
class ReadReferences:
    """What the charts of a family compare a run on this dataset with: values by name, see `Dashboard.references`."""

    family: str
    data: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def run(self, models: Models) -> Frames[Mapping[str, float]]:
        family = families.get(self.family)
        if family.dashboard.references is None:
            return {}
        config, info = family.config.parse(self.config), shelf.find_dataset(self.data, family.data_kinds)
        return (yield from sliced(family.dashboard.references(config, info), "Preparing the reference lines"))
