"""The first batch of a training that has not begun: the same data, the same draw, without the model."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genstudio.errors import DataError
from genstudio.events import Answer, Frame, Progress
from genstudio.tasks.models import Models
from genstudio.tasks.task import sliced
from genstudio.tasks.train import Train, fitting


@dataclass(frozen=True)
class FirstBatch:
    """What step 1 of a training with these settings will be fed. Answers `first_batch`: (id of the dataset, batch)."""

    data: str
    config: Mapping[str, Any] = field(default_factory=dict)
    family: str = "gpt"
    seed: int = 0

    def run(self, models: Models) -> Generator[Frame, None, None]:
        family, config = Train(self.family, self.data, self.config).parsed()
        yield Frame(progress=Progress("Reading the dataset"))
        info = fitting(family, self.data)
        if family.batch is None:
            raise DataError(f"{family.title} shows no batches.", "Start the training.")
        data: Any = yield from sliced(family.prepare(config, models.dataset(info)), "Preparing the data")
        batch = family.batch(config, data, self.seed, 1)
        yield Frame(snapshots=(Answer("first_batch", 0, (info.id, batch)),))
