"""Models from other programs, and for them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from genstudio import families, paths, runs, storage
from genstudio.data.tokenizers.model_folder import read_json
from genstudio.errors import GenstudioError, StorageError
from genstudio.events import Frame, Progress
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import Frames, frames_of


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """The folder of a new run, and what was left out of the model or read in another way, in sentences."""

    folder: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImportModel:
    """Make a run of a GPT-2 style folder: the playground can use it like any other."""

    folder: str
    name: str = ""
    family: str = ""
    runs_folder: Path | None = None

    def run(self, models: Models) -> Frames[ImportedModel]:
        yield Frame(progress=Progress("Opening the model"))
        from genstudio.training import checkpoint

        family, place = self._family(), paths.expanded(self.folder)
        if family.import_ is None:
            raise GenstudioError(f"{family.title} cannot be imported.", "Train a model instead.")
        if not place.is_dir():
            raise GenstudioError(f"{place} is not a folder.", "Choose the folder that holds config.json.", place)
        found = yield from frames_of(family.import_(place), "Opening the model")
        model = family.model(found.config, found.data, "cpu", 0)
        for name, weights in found.weights.items():
            module = model.modules[name]
            module.load_state_dict({**module.state_dict(), **weights})
        with runs.create(
            self.runs_folder or paths.runs(),
            family=family.name,
            name=self.name or place.resolve().name,
            config=found.config.model_dump(),
            dataset={"id": "", "title": "imported", "hash": ""},
            seed=0,
            device="cpu",
            plan={"steps": 1},
            kept=family.metadata(found.data),
        ) as run:
            checkpoint.save(run, 0, family.learner(model, 0), {"elapsed": 0.0})
            yield Frame(progress=Progress("Opened", 1.0))
            return ImportedModel(str(run.folder), found.notes)

    def _family(self) -> families.AnyFamily:
        """The one that is named, else the one whose model type config.json says, else the first that imports."""
        if self.family:
            return families.get(self.family)
        importing = [family for family in families.all_families() if family.import_ is not None]
        with contextlib.suppress(GenstudioError):
            kind = read_json(paths.expanded(self.folder) / "config.json").get("model_type")
            importing.sort(key=lambda family: kind not in family.reads)
        return importing[0]


@dataclass(frozen=True)
class ExportModel:
    """Write a model into a new folder in a form that other programs read: `hf` or `safetensors`."""

    model: ModelRef
    folder: str
    form: str = "safetensors"

    def run(self, models: Models) -> Frames[str]:
        """Returns the new folder."""
        yield Frame(progress=Progress("Opening the model"))
        opened, place = models.get(self.model), paths.expanded(self.folder)
        family = families.get(opened.family)
        if family.export is None:
            raise opened.refusal("be exported")
        if place.exists() and (not place.is_dir() or storage.listed(place)):
            raise StorageError(f"{place} already exists.", "Name a folder that does not exist yet.", place)
        files = family.export(opened.model, self.form, opened.step)
        yield Frame(progress=Progress("Writing", 0.5))
        with storage.StagedFolder(place) as stage:
            for name, data in files.items():
                stage.write(name, data)
            stage.commit(replace=True)
        yield Frame(progress=Progress("Exported", 1.0))
        return str(place)
