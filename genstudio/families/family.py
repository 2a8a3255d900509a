"""What a family is: its settings, its data, and how to build its learner. No torch here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from genstudio.config import Config
from genstudio.families.dashboard import Dashboard
from genstudio.families.drawing import Drawing

if TYPE_CHECKING:
    from genstudio.data.batches import Batch
    from genstudio.data.info import DatasetInfo
    from genstudio.errors import Problem
    from genstudio.evaluation.figures import Figure
    from genstudio.events import Diagnosis
    from genstudio.training.doctor import Doctor
    from genstudio.training.learner import Learner, Model

C = TypeVar("C", bound=Config)
D = TypeVar("D")
Room = Literal["transformer", "gan", "latent", "basics"]
"""The tab in which a family is trained."""


@dataclass(frozen=True, slots=True)
class Size:
    """Settings that set the size of a model, and how many `steps` it needs at least to be better than a smaller one."""

    steps: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings that belong together: what they cost and what to expect of them.

    `steps` or `seconds` are how long it takes to get there; in the window an `endless` one trains until it is stopped.
    `data` names the dataset that it is meant for. A lesson is built to fail: `cure` are the settings that repair it,
    `cure_text` says why they do.
    One of a given time has `sizes`, the smallest first, of which a computer trains the largest that it can; `values` are
    those of an ordinary one, two cores. `offers` are settings that are chosen beside it, with their values: such that hardly
    change how long a step takes. `formerly` are names of presets that it replaces.
    """

    name: str
    title: str
    expect: str
    values: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    steps: int | None = None
    data: str = ""
    cure: Mapping[str, Any] = field(default_factory=dict)
    cure_text: str = ""
    endless: bool = False
    sizes: tuple[Size, ...] = ()
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formerly: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[Mapping[str, Any], ...]:
        """The settings that it stands for: `values`, and those of each size."""
        return (self.values, *({**self.values, **size.values} for size in self.sizes))

    def fitted(
        self, per_step: Callable[[Mapping[str, Any]], float | None]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """The settings of the largest size whose steps fit into its time, where a step of a size takes `per_step` seconds,
        None if that is not known; and the size that has to be measured to know more, if any.

        >>> small, large = Size(100, {"width": 1}), Size(1000, {"width": 2})
        >>> preset = Preset("minute", "1 minute", "", {"width": 1, "counts": True}, seconds=60, sizes=(small, large))
        >>> preset.fitted(lambda size: None)
        ({'width': 1, 'counts': True}, {'width': 1})
        >>> [preset.fitted(lambda size: taken * size["width"])[0]["width"] for taken in (0.02, 0.05, 9.0)]
        [2, 1, 1]
        """
        best: Mapping[str, Any] | None = None
        for size in self.sizes:
            if (taken := per_step(size.values)) is None:
                return best or self.values, size.values
            if size.steps * taken > (self.seconds or 0.0):
                return best or {**self.values, **size.values}, None
            best = {**self.values, **size.values}
        return best or self.values, None


@dataclass(frozen=True)
class Imported(Generic[C, D]):
    """What a folder of another program gave: settings, data without content, weights by module and name.

    `notes` say in sentences what was left out or read in another way than it was written.
    """

    config: C
    data: D
    weights: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a training costs: `parameters` of all modules, `bytes` held in training, floating-point operations of a step, and
    how many `items` a step reads: tokens or samples."""

    parameters: int
    bytes: float
    flops_per_step: float
    items: int
    item: Literal["token", "sample"] = "sample"


@dataclass(frozen=True)
class Family(Generic[C, D]):
    """A kind of model.

    `room` is the tab in which it is trained; `abilities` names the protocols of `abilities.py` that its models satisfy.
    `abilities_by(settings)` names those of a model of these settings, where they depend on them.
    `once_read(settings)` names the abilities that a model of these settings has besides, once it has read a source.
    `prepare(config, dataset)` turns an opened dataset into the data D the learner reads, in slices (a generator that
    yields a fraction in [0, 1] and returns D), so that long work never holds the engine; a third argument is what a run
    kept, where the data must be that of the run.
    `model(config, data, device, seed)` builds the modules, `learner(model, seed)` what trains them; both import torch.
    `metadata(data)` names what a run must hold to be opened without its dataset: file name -> JSON-able object;
    `from_metadata(config, metadata)` is data without content, enough to generate.
    `cost(config, info, tokens)` is what a training on a dataset costs, for a vocabulary of so many tokens where there is
    one; no torch.
    `dashboard` is what a run shows.
    `batch(config, data, seed, step)` is what the learner will be fed at a step, for people to look at; no torch.
    `export(model, format, step)` is the files that other programs read; `import_(folder)` reads what they wrote;
    `reads` names the model types, as config.json says them, that are this family's: other folders go to the first that imports.
    `doctor(told, data)` watches a training, given what it has told of the run so far.
    `drawing(config, info, tokens)` is what the model is made of; without it one box is drawn.
    `usual_data` is the dataset that presets are meant for which name none.
    `misfits(config, info)` is why these settings cannot be trained on a dataset, as far as its description tells.
    `preset_for(info, now)` is the preset to begin with on a dataset, by name, where `now` is chosen; none where all fit.
    `resolve(config)` is the same settings with those that follow from others, such as the size of a run that is started from;
    it is asked before anything is prepared, and raises ConfigError.
    `bench()` measures on this computer how fast it is trained and used.
    `saves_memory` says in words what to take where memory runs out.
    """

    name: str
    title: str
    data_kinds: tuple[str, ...]
    config: type[C]
    presets: tuple[Preset, ...]
    prepare: Callable[..., Generator[float, None, Any]]
    model: Callable[[C, D, str, int], Model]
    learner: Callable[[Any, int], Learner]
    metadata: Callable[[D], dict[str, Any]]
    from_metadata: Callable[[C, Mapping[str, Any]], D]
    cost: Callable[[C, DatasetInfo, int], Cost]
    dashboard: Dashboard
    room: Room = "basics"
    abilities: tuple[str, ...] = ()
    abilities_by: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    once_read: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None
    batch: Callable[[C, D, int, int], Batch] | None = None
    export: Callable[[Any, str, int], Mapping[str, bytes]] | None = None
    import_: Callable[[Path], Generator[float, None, Imported[C, D]]] | None = None
    reads: tuple[str, ...] = ()
    folder: Path | None = None
    doctor: Callable[[Iterable[Diagnosis], D | None], Doctor] | None = None
    preset_for: Callable[[DatasetInfo, str], str] | None = None
    misfits: Callable[[C, DatasetInfo], Iterable[Problem]] | None = None
    resolve: Callable[[C], C] | None = None
    saves_memory: tuple[str, ...] = ("a smaller batch", "a smaller model")
    usual_data: str = ""
    drawing: Callable[[C, DatasetInfo, int], Drawing] | None = None
    bench: Callable[[], Generator[float, None, tuple[Figure, ...]]] | None = None

    @property
    def short(self) -> str:
        """The title without what explains it."""
        return self.title.partition(" (")[0].partition(" and ")[0]

    def takes(self, info: DatasetInfo) -> bool:
        """Whether it learns from what a dataset holds."""
        return any(kind in self.data_kinds for kind in info.kinds)

    def kind_of(self, info: DatasetInfo) -> str:
        """As which of its kinds of data it learns from a dataset; its first where it does not."""
        return next((kind for kind in info.kinds if kind in self.data_kinds), self.data_kinds[0])

    def can(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Abilities of a model of these settings, with those that it has once it has read a source."""
        return self.has(settings) + (self.once_read(settings) if self.once_read is not None else ())

    def has(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Abilities of a model of these settings."""
        return self.abilities if self.abilities_by is None else self.abilities_by(settings)


def deferred(module: str, name: str) -> Callable[..., Any]:
    """A function or class of a module that is imported at its first call: what builds or trains a model brings torch."""

    def call(*arguments: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments)

    return call


def preset_called(presets: Iterable[Preset], name: str) -> Preset | None:
    """The preset of this name, else the one that has replaced it; None where there is no such."""
    listed = tuple(presets)
    same = (preset for preset in listed if preset.name == name)
    return next(same, next((preset for preset in listed if name in preset.formerly), None))


def made_for(presets: tuple[Preset, ...], info: DatasetInfo, now: str, otherwise: str) -> str:
    """Name of the preset to begin with on a dataset: one made for it, that of `now` first; else `otherwise`."""
    made = [preset.name for preset in presets if preset.data == info.id]
    return now if now in made else made[0] if made else otherwise
