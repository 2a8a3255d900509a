"""The first batch of a training that has not begun: the same data, the same draw, without the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from genstudio import families
from genstudio.config import Values
from genstudio.data import shelf
from genstudio.data.batches import Batch
from genstudio.errors import DataError
from genstudio.events import Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import Frames, frames_of
from genstudio.tasks.train import Train, fitting


@dataclass(frozen=True)
class FirstBatch:
    """What step 1 of a training with these settings will be fed."""

    data: str
    config: Values = field(default_factory=dict)
    family: str = ""
    seed: int = 0

    def run(self, models: Models) -> Frames[Batch]:
        name = self.family
        if not name:
            learning = families.taking(shelf.find_dataset(self.data))
            name = learning[0].name if learning else next(iter(families.NAMES))
        family, config = Train(name, self.data, self.config).parsed()
        yield Frame(progress=Progress("Reading the dataset"))
        info = fitting(family, self.data)
        if family.batch is None:
            raise DataError(f"{family.title} has no batches to show.", "Start the training.")
        data: Any = yield from frames_of(family.prepare(config, models.dataset(info)), "Preparing the data")
        return family.batch(config, data, self.seed, 1)
