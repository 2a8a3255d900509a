"""The models that are open: the ones in training, and the checkpoints somebody looks at."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genstudio import families, paths
from genstudio.data import shelf
from genstudio.data.shelf import DatasetInfo
from genstudio.errors import ConfigError, DataError, DeviceError, RunError
from genstudio.runs import Run
from genstudio.tasks import live

if TYPE_CHECKING:
    from genstudio.nn.transformer import Transformer


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by where it is: a run's folder, and `live`, `last`, `best` or the step of a checkpoint.

    With int8 its linear layers are computed in 8 bits, on the CPU: faster, and a little less exact.
    """

    run: str
    which: Literal["live", "last", "best"] | int = "last"
    precision: Literal["float32", "int8"] = "float32"


@dataclass(slots=True)
class Opened:
    """A model ready to be used. `step` is that of its weights."""

    learner: Any
    step: int
    title: str
    family: str
    live: bool = False
    _readers: Any = None
    _pieces: tuple[str, ...] = ()
    _int8: Opened | None = None

    @property
    def words(self) -> str:
        """The model, and which of its weights answer."""
        return f"{self.title}, weights of step {self.step:,}" if self.live else self.title

    @property
    def tokenizer(self) -> Any:
        """Raises RunError for a model that does not write text."""
        tokenizer = getattr(self.learner.data, "tokenizer", None)
        if tokenizer is None:
            raise RunError(f"'{self.title}' does not write text.", "Choose a model that was trained on a text.")
        return tokenizer

    @property
    def transformer(self) -> Transformer:
        """The stack that can be looked into. Raises RunError for a model that has none."""
        from genstudio.nn.transformer import Transformer

        model = getattr(self.learner, "model", None)
        if not isinstance(model, Transformer):
            raise RunError(f"'{self.title}' has no attention to look into.", "Choose a model of the Transformer tab.")
        return model

    def int8(self) -> Opened:
        """The same with linear layers in 8 bits. Raises DeviceError where it has none, or torch cannot compute with them."""
        if not hasattr(self.learner, "model"):
            raise DeviceError(f"'{self.title}' cannot be computed in 8 bits.", "Choose float32.")
        if self._int8 is None or self._int8.step != self.step:
            from genstudio.nn import int8

            if not int8.available():
                raise DeviceError("This build of torch has no 8-bit layers for this processor.", "Choose float32.")
            learner = copy.copy(self.learner)
            learner.model = int8.quantised(self.learner.model)
            learner.device = next(learner.model.parameters()).device
            self._int8 = Opened(learner, self.step, f"{self.title}, int8", self.family, self.live)
        return self._int8

    @property
    def readers(self) -> Any:
        """What keeps the texts that the model has read (`sampling.reader.Readers`), for these weights alone."""
        if self._readers is None:
            from genstudio.sampling.reader import Readers

            self._readers = Readers(self.learner.model, lambda: self.step)
        return self._readers

    @property
    def pieces(self) -> tuple[str, ...]:
        """Every token in a form that can be seen: one tuple for all who ask."""
        if not self._pieces:
            self._pieces = tuple(self.tokenizer.pieces(range(self.tokenizer.size)))
        return self._pieces


@dataclass(slots=True)
class Models:
    """Belongs to the thread that runs the jobs; keeps the few checkpoints used last."""

    keep: int = 3
    training: dict[str, Opened] = field(default_factory=dict)
    looked: list[Any] = field(default_factory=list)
    stream: Any = None
    _read: OrderedDict[tuple[str, int], Opened] = field(default_factory=OrderedDict)
    _dataset: tuple[tuple[str, str, str], Any] | None = None

    def get(self, ref: ModelRef) -> Opened:
        """The model of `ref`; `live` falls back to the newest checkpoint. Raises RunError, CheckpointError or DeviceError."""
        return self._get(ref).int8() if ref.precision == "int8" else self._get(ref)

    def _get(self, ref: ModelRef) -> Opened:
        key = str(Path(ref.run).resolve())
        if ref.which == "live" and key in self.training:
            return self.training[key]
        from genstudio.training import weights

        run = Run.open(ref.run)
        step = weights.resolve(run, "last" if ref.which == "live" else ref.which)
        if (key, step) not in self._read:
            self._read[key, step] = self._open(run, step)
            while len(self._read) > self.keep:
                self._read.popitem(last=False)
        self._read.move_to_end((key, step))
        return self._read[key, step]

    def _open(self, run: Run, step: int) -> Opened:
        from genstudio.nn.layout import lay_out_for_writing
        from genstudio.training import weights
        from genstudio.training.device import choose

        family, config = settings_of(run)
        data = family.from_metadata(config, run.kept())
        learner = family.learner(config, data, choose("auto"), run.info.seed)
        weights.load(run, step, learner.parts)
        live.restore(run, learner, step)
        if hasattr(learner, "model"):
            lay_out_for_writing(learner.model)
        return Opened(learner, step, f"{run.info.name}, step {step:,}", family.name)

    def dataset(self, info: DatasetInfo) -> Any:
        """The opened dataset. The one asked for last stays open, so that looking closer does not read it again."""
        key = (info.id, info.sha256, str(info.path))
        if self._dataset is None or self._dataset[0] != key:
            self._dataset = None
            self._dataset = (key, shelf.open_dataset(info))
        return self._dataset[1]

    def forget(self, run: str) -> None:
        """Drop the checkpoints of a run that is being deleted."""
        key = str(Path(run).resolve())
        self.looked.clear()
        self.stream = None
        for stale in [found for found in self._read if found[0] == key]:
            del self._read[stale]


def dataset_of(run: Run) -> DatasetInfo:
    """The dataset that a run was trained on, by its id or, imported once more under another name, by its content.

    Raises DataError where it is not on the shelf, or holds something else than it did.
    """
    said = run.info.dataset
    name, sha256, title = (str(said.get(key) or "") for key in ("id", "hash", "title"))
    known = shelf.list_datasets()
    of_id = next((info for info in known if name and info.id == name), None)
    if of_id is not None and sha256 in ("", of_id.sha256):
        return of_id
    for info in known:
        if sha256 and info.sha256 == sha256:
            return info
    if not name:
        raise DataError("This model was made elsewhere, so its training data is not here.", "Choose another run.", run.folder)
    if of_id is None:
        raise DataError(
            f"The dataset '{title or name}' of this run is no longer on the shelf; the run is intact.",
            "Import the same file again, then try again.",
            paths.datasets(),
        )
    raise DataError(
        f"The dataset '{of_id.title}' has changed since this run was trained; the run is intact.",
        "Restore the file as it was, or start a new run on the new data.",
        of_id.path,
    )


def settings_of(run: Run) -> tuple[families.Family[Any, Any], Any]:
    """The family and config of a run; its file may come from somebody else. Raises RunError."""
    try:
        family = families.get(run.info.family)
    except KeyError:
        raise RunError(
            f"This run is of the family '{run.info.family}', which this version does not know.",
            "Open it with the version that made it.",
            run.folder,
        ) from None
    try:
        return family, family.config.parse(run.info.config)
    except ConfigError as error:
        raise RunError(f"The settings of this run cannot be used: {error.message}", "", run.folder) from None
