"""Tasks that read a dense network with every number: that of a run, or a new one as its settings make it."""

from __future__ import annotations

from dataclasses import dataclass, field

from genstudio import families
from genstudio.config import Values
from genstudio.data import shelf
from genstudio.errors import DataError
from genstudio.events import Frame, Progress
from genstudio.families.abilities import ShowsNumbers, words
from genstudio.runs import Run
from genstudio.snapshots.network import NetworkState
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, frames_of


@dataclass(frozen=True)
class ReadNetwork:
    """The network of a run as it is now, or was at a checkpoint. Raises RunError for a model that is none."""

    model: ModelRef

    def run(self, models: Models) -> Frames[NetworkState]:
        yield Frame(progress=Progress("Opening the model"))
        opened = models.open(self.model, ShowsNumbers)
        model = yield from opened.with_data(Run.open(self.model.run))
        return model.network_state(opened.step)


@dataclass(frozen=True)
class NewNetwork:
    """The network that these settings make for a dataset, before its first step. Raises DataError where the family has none."""

    family: str
    data: str
    config: Values = field(default_factory=dict, hash=False)
    seed: int = 0

    def run(self, models: Models) -> Frames[NetworkState]:
        yield Frame(progress=Progress("Building the network"))
        family = families.get(self.family)
        config = family.config.parse(self.config)
        dataset = models.dataset(shelf.find_dataset(self.data, family.data_kinds))
        data = yield from frames_of(family.prepare(config, dataset), "Preparing the data")
        model = family.model(config, data, "cpu", self.seed)
        if not isinstance(model, ShowsNumbers):
            raise DataError(f"A {family.short} cannot {words('ShowsNumbers')}.", "Choose a dense network.")
        return model.network_state(0)
