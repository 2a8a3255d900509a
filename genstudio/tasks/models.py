"""The models that are open: the ones in training, and the checkpoints somebody looks at."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from genstudio.data import shelf
from genstudio.data.shelf import DatasetInfo
from genstudio.data.tokenizers import Tokenizer
from genstudio.errors import DataError, DeviceError, RunError
from genstudio.families.abilities import (
    A,
    Evaluates,
    Matches,
    Model,
    Reads,
    Samples,
    Traces,
    Translates,
    TranslatesPictures,
    Writes,
    able,
    words,
)
from genstudio.runs import Run
from genstudio.tasks import live
from genstudio.tasks.live import settings_of
from genstudio.tasks.task import Frames, frames_of

if TYPE_CHECKING:
    from genstudio.nn.transformer import Stack, Transformer
    from genstudio.sampling.reader import Readers
    from genstudio.tasks.inside import AttentionCache
    from genstudio.tasks.lens import Stream

Side = Literal["decoder", "encoder"]
M_co = TypeVar("M_co", bound=Model, covariant=True)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model by where it is: a run's folder, and `live`, `last`, `best` or the step of a checkpoint.

    With int8 its linear layers are computed in 8 bits, on the CPU: faster, and a little less exact. `source` is what a model
    that translates has read: it then writes the translation, like a model that `Writes`. `side` is the half of it that is looked
    into: that which writes, or that which has read the source.
    """

    run: str
    which: Literal["live", "last", "best"] | int = "last"
    precision: Literal["float32", "int8"] = "float32"
    source: str = ""
    side: Side = "decoder"


@dataclass(slots=True)
class Opened(Generic[M_co]):
    """A model ready to be used. `step` is that of its weights."""

    model: M_co
    step: int
    title: str
    family: str
    live: bool = False
    _readers: Readers | None = None
    _pieces: tuple[str, ...] = ()
    _int8: Opened[Model] | None = None
    _filled: Model | None = None
    _read: dict[Side, tuple[str, int, Opened[Model]]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The model, and which of its weights answer."""
        return f"{self.title}, weights of step {self.step:,}" if self.live else self.title

    def able(self, ability: type[A]) -> Opened[A]:
        """This model, which has an ability. Raises RunError where it has not, saying what it can do."""
        if isinstance(self.model, ability):
            return cast("Opened[A]", self)
        raise self.refusal(words(ability.__name__))

    def refusal(self, what: str) -> RunError:
        """Why a model is not asked for something, with what it can do instead."""
        can = [words(name) for name in able(self.model)]
        listed = " and ".join([", ".join(can[:-1]), can[-1]] if len(can) > 1 else can)
        return RunError(f"'{self.title}' cannot {what}; it can {listed or 'only be trained'}.", "Choose another model.")

    def int8(self) -> Opened[Model]:
        """The same with linear layers in 8 bits. Raises DeviceError where it has none, or torch cannot compute with them."""
        if not isinstance(self.model, Traces):
            raise DeviceError(f"'{self.title}' cannot run in 8-bit precision.", "Choose float32.")
        if self._int8 is None or self._int8.step != self.step:
            from genstudio.nn import int8

            if not int8.available():
                raise DeviceError("This build of PyTorch has no 8-bit layers for this processor.", "Choose float32.")
            model = self.model.with_transformer(int8.quantised(self.able(Traces).transformer))
            self._int8 = Opened(model, self.step, f"{self.title}, int8", self.family, self.live)
        return self._int8

    def reading(self, source: str, side: Side = "decoder") -> Opened[Model]:
        """The same once it has read a source, with the weights that it has now. Raises RunError for a model that does not
        translate; DataError for a source that it cannot read."""
        known = self._read.get(side)
        if known is None or known[:2] != (source, self.step):
            from genstudio.tasks import translate

            writer = translate.reading(self.able(Translates).model, source, side, frozen=self.live)
            known = self._read[side] = source, self.step, Opened(writer, self.step, self.words, self.family)
        return known[2]

    @property
    def tokenizer(self: Opened[Reads]) -> Tokenizer:
        return self.model.tokenizer

    @property
    def transformer(self: Opened[Traces]) -> Transformer:
        """Its stack, and the output layer on it. Raises RunError for an encoder, which has none."""
        from genstudio.nn.transformer import Transformer

        stack = self.model.transformer
        if isinstance(stack, Transformer):
            return stack
        raise RunError("An encoder has no output layer, so this cannot be shown of it.", "Look at the decoder.")

    def frozen_stack(self: Opened[Traces]) -> Stack:
        """Its stack as it is now: a copy where a training would change it between two slices."""
        stack = self.model.transformer
        return copy.deepcopy(stack).requires_grad_(False) if self.live else stack

    def frozen(self: Opened[Traces]) -> Transformer:
        """The same with its output layer. Raises RunError for an encoder, which has none."""
        stack = self.transformer
        return copy.deepcopy(stack).requires_grad_(False) if self.live else stack

    @property
    def readers(self: Opened[Writes]) -> Readers:
        """What keeps the texts that the model has read, for these weights alone."""
        if self._readers is None:
            from genstudio.sampling.reader import Readers

            self._readers = Readers(self.model.language_model, lambda: self.step)
        return self._readers

    @property
    def pieces(self: Opened[Reads]) -> tuple[str, ...]:
        """Every token in a form that can be seen: one tuple for all who ask."""
        if not self._pieces:
            tokenizer = self.model.tokenizer
            self._pieces = tuple(tokenizer.pieces(range(tokenizer.size)))
        return self._pieces

    def with_data(self, run: Run) -> Frames[M_co]:
        """The model with the data that it was trained on; read once while it stays open. Raises DataError."""
        if self.live:
            return self.model
        if self._filled is None:
            assert isinstance(self.model, Evaluates | Matches | Samples)
            family, _ = settings_of(run)
            work = family.prepare(self.model.config, shelf.open_dataset(dataset_of(run)), run.kept())
            self._filled = self.model.on((yield from frames_of(work, "Preparing the data")))
            keep_beside(self._filled, run)
        return cast("M_co", self._filled)


@dataclass(slots=True)
class Models:
    """Belongs to the thread that runs the jobs; keeps the few checkpoints used last."""

    keep: int = 3
    training: dict[str, Opened[Model]] = field(default_factory=dict)
    attention: list[AttentionCache] = field(default_factory=list)
    stream: Stream | None = None
    vectors: tuple[tuple[str, int, str], Any] | None = None
    """Vectors of the pictures that were searched last: of which run, step and part of the data."""
    _read: OrderedDict[tuple[str, int], Opened[Model]] = field(default_factory=OrderedDict)
    _dataset: tuple[tuple[str, str, str], Any] | None = None

    def open(self, ref: ModelRef, ability: type[A]) -> Opened[A]:
        """The model of `ref`, which must have an ability; `live` falls back to the newest checkpoint.

        Raises RunError, which says what the model can do instead; CheckpointError, DeviceError.
        """
        return self.get(ref).able(ability)

    def get(self, ref: ModelRef) -> Opened[Model]:
        """The model of `ref`, whatever it can do."""
        opened = self._get(ref).int8() if ref.precision == "int8" else self._get(ref)
        return opened.reading(ref.source, ref.side) if ref.source else opened

    def _get(self, ref: ModelRef) -> Opened[Model]:
        key = str(Path(ref.run).resolve())
        if ref.which == "live" and key in self.training:
            return self.training[key]
        from genstudio.training import weights

        run = Run.open(ref.run)
        step = weights.resolve(run, "last" if ref.which == "live" else ref.which)
        if (key, step) not in self._read:
            title = f"{run.info.name}, step {step:,}"
            self._read[key, step] = Opened(opened_at(run, step), step, title, run.info.family)
            while len(self._read) > self.keep:
                self._read.popitem(last=False)
        self._read.move_to_end((key, step))
        return self._read[key, step]

    def dataset(self, info: DatasetInfo) -> Any:
        """The opened dataset. The one asked for last stays open, so that looking closer skips it again."""
        key = (info.id, info.sha256, str(info.path))
        if self._dataset is None or self._dataset[0] != key:
            self._dataset = None
            self._dataset = (key, shelf.open_dataset(info))
        return self._dataset[1]

    def forget(self, run: str) -> None:
        """Drop the checkpoints of a run that is being deleted."""
        key = str(Path(run).resolve())
        self.attention.clear()
        self.stream = self.vectors = None
        for stale in [place for place in self._read if place[0] == key]:
            del self._read[stale]


def dataset_of(run: Run) -> DatasetInfo:
    """The dataset that a run was trained on, by its id or, imported once more under another name, by its content.

    Raises DataError where it is not on the shelf, or holds something else than it did.
    """
    said = run.info.dataset
    if not (said.get("id") or said.get("hash")):
        raise DataError("This model was imported, so its training data is not available.", "Choose another run.", run.folder)
    return shelf.find_again(said)


def built(run: Run, step: int) -> Model:
    """The model of a run, with the settings of a step and weights of no step. Raises RunError."""
    from genstudio.training.device import choose

    family, config = settings_of(run)[0], live.settings(run, step)
    return family.model(config, family.from_metadata(config, run.kept()), choose("auto"), run.info.seed)


def opened_at(run: Run, step: int) -> Model:
    """The model of a run as it was after a step, ready to be used. Raises RunError, CheckpointError."""
    from genstudio.nn.layout import lay_out_for_writing
    from genstudio.training import weights

    model = built(run, step)
    weights.load(run, step, model.modules)
    if isinstance(model, Writes):
        for module in model.modules.values():
            lay_out_for_writing(module)
    return model


def keep_beside(model: Model, run: Run) -> None:
    """What a model works out once for its data is kept in the folder of its run."""
    if isinstance(model, Samples | TranslatesPictures):
        model.reference.cache = run.folder
