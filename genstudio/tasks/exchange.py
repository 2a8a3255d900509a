"""Models from other programs, and for them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from genstudio import families, paths, runs, storage
from genstudio.errors import GenstudioError, StorageError
from genstudio.events import Answer, Frame, Progress
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.task import sliced


@dataclass(frozen=True)
class AdoptModel:
    """Make a run of a GPT-2 style folder: the playground can use it like any other."""

    folder: str
    name: str = ""
    family: str = "gpt"
    runs_folder: Path | None = None

    def run(self, models: Models) -> Generator[Frame, None, None]:
        yield Frame(progress=Progress("Opening the model"))
        from genstudio.training import checkpoint

        family, place = families.get(self.family), Path(self.folder).expanduser()
        if family.adopt is None or not place.is_dir():
            raise GenstudioError(f"{place} is not a folder.", "Choose the folder that holds config.json.", place)
        config, data, weights = yield from sliced(family.adopt(place), "Opening the model")
        learner = family.learner(config, data, "cpu", 0)
        for name, module in learner.parts.items():
            module.load_state_dict({**module.state_dict(), **weights} if name == "model" else module.state_dict())
        with runs.create(
            self.runs_folder or paths.runs(),
            family=family.name,
            name=self.name or place.resolve().name,
            config=config.model_dump(),
            dataset={"id": "", "title": "made elsewhere", "hash": ""},
            seed=0,
            device="cpu",
            plan={"steps": 1},
            kept=family.keep(data),
        ) as run:
            checkpoint.save(run, 0, learner, {"elapsed": 0.0})
            yield Frame(snapshots=(Answer("run", 0, str(run.folder)),), progress=Progress("Opened", 1.0))


@dataclass(frozen=True)
class ExportModel:
    """Write a model into a new folder in a form that other programs read: `hf` or `safetensors`."""

    model: ModelRef
    folder: str
    form: str = "safetensors"

    def run(self, models: Models) -> Generator[Frame, None, None]:
        yield Frame(progress=Progress("Opening the model"))
        opened, place = models.get(self.model), Path(self.folder).expanduser()
        family = families.get(opened.family)
        if family.export is None:
            raise GenstudioError(f"A {family.title} cannot be exported.", "Copy its run folder instead.")
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise StorageError(f"{place} is there already.", "Name a folder that does not exist yet.", place)
        files = family.export(opened.learner, self.form)
        yield Frame(progress=Progress("Writing", 0.5))
        with storage.StagedFolder(place) as stage:
            for name, data in files.items():
                stage.write(name, data)
            stage.commit(replace=True)
        yield Frame(snapshots=(Answer("exported", opened.step, str(place)),), progress=Progress("Exported", 1.0))
