"""What a model can do: protocols that tasks, commands and pages ask for, whatever its family is. No torch here.

A model satisfies an ability by having its members; a family names those of its models in `Family.abilities`, and a test
holds the two equal. A task that needs something opens its model with that ability, `models.open(reference, Samples)`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from genstudio.events import Array

if TYPE_CHECKING:
    import torch
    from torch import nn

    from genstudio.config import Config
    from genstudio.data.learnable.samples import SampleData
    from genstudio.data.tokenizers import Tokenizer
    from genstudio.nn.transformer import Transformer
    from genstudio.sampling.reader import LanguageModel
    from genstudio.snapshots.layers import LayerStatistics
    from genstudio.training.learner import Measured, Scored, Tick


@runtime_checkable
class Model(Protocol):
    """What is opened from a checkpoint: settings, data, and modules by the names of their parts in the checkpoint.

    It has no optimiser. `data` may be without content, as it is opened from what a run kept.
    """

    @property
    def config(self) -> Config: ...

    @property
    def data(self) -> Any: ...

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...

    @property
    def device(self) -> torch.device: ...


A = TypeVar("A", bound=Model)


@runtime_checkable
class Writes(Model, Protocol):
    """Writes text, token by token. `language_model` is what `sampling.reader` and `sampling.score` read with."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def context(self) -> int:
        """How many tokens it sees at once."""

    @property
    def language_model(self) -> LanguageModel: ...


@runtime_checkable
class Traces(Model, Protocol):
    """Stands on a `Transformer` stack that can be looked into, and reads the tokens of a text."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def transformer(self) -> Transformer: ...

    def with_transformer(self, stack: Transformer) -> Traces:
        """The same with another stack in place of its own: a frozen copy, or one computed in 8 bits."""

    def layers(self, ids: Array) -> Generator[Tick, None, LayerStatistics]:
        """Activations, weights and gradients of every layer for ids (T,); changes nothing in the model."""


@dataclass(frozen=True, slots=True)
class LatentSpec:
    """What a sample is made of: `size` numbers, each standard normal, or uniform in [-1, 1]."""

    size: int
    kind: Literal["normal", "uniform"] = "normal"


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """`samples`: points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8. `scores` (n,): the discriminator's
    output for each, None where nothing judges."""

    samples: Array
    scores: Array | None = None


@runtime_checkable
class Samples(Model, Protocol):
    """Makes samples of latents.

    `variants` are the weights or outputs that can be sampled, the usual one first. `classes` are those that can be asked
    for, none for a model that knows none.
    """

    @property
    def data(self) -> SampleData: ...

    @property
    def latent(self) -> LatentSpec: ...

    @property
    def variants(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def fixed(self) -> tuple[Array, Array | None]:
        """Latents (n, latent) of the samples that are shown at every step, and the classes (n,) asked for."""

    def noise(self, count: int, seed: int) -> Array:
        """Latents (count, latent) float32 that depend on count and seed alone."""

    def sample(self, latents: Array, labels: Array | None, variant: str) -> Iterator[Made]:
        """Samples of latents (n, latent) float32 and classes (n,) int64: the last one is the result, earlier ones are the
        way to it."""

    def first_weight(self, variant: str) -> Array | None:
        """The linear map (features, latent) that the latents meet first; None where there is none."""


@runtime_checkable
class Encodes(Model, Protocol):
    """Turns samples into latents."""

    def encode(self, samples: Array) -> Array:
        """Points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8 -> latents (n, latent)"""


@runtime_checkable
class Reconstructs(Model, Protocol):
    """Makes samples again that it has seen."""

    def reconstruct(self, samples: Array) -> Array:
        """Points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8 -> the same, as the model makes them"""


@runtime_checkable
class Judges(Model, Protocol):
    """Says how real samples are: a probability where `bounded`, else a score without bounds."""

    @property
    def bounded(self) -> bool: ...

    def judge(self, samples: Array, labels: Array | None) -> Array:
        """Points (n, 2) in the dataset's units or pictures (n, h, w, c) uint8, classes (n,) -> scores (n,)"""


@runtime_checkable
class Evaluates(Model, Protocol):
    """Can be measured."""

    def on(self, data: Any) -> Evaluates:
        """The same modules with other data of the same kind."""

    def evaluate(self, exact: bool = False, share: float = 1.0) -> Iterator[Scored | Measured]:
        """How good it is, on a fixed sample of the data (`share` of the usual one), or on all of it; the last one is the
        result. Yields nothing where there is too little data."""


@runtime_checkable
class KeepsBeside(Model, Protocol):
    """Works something out once for its data and keeps it in the folder of the run, where there is one."""

    folder: Path | None


ABILITIES: Mapping[str, tuple[type[Model], str]] = {
    "Writes": (Writes, "write text"),
    "Traces": (Traces, "be looked into layer by layer"),
    "Samples": (Samples, "make samples"),
    "Encodes": (Encodes, "turn samples into latents"),
    "Reconstructs": (Reconstructs, "make given samples again"),
    "Judges": (Judges, "judge how real samples are"),
    "Evaluates": (Evaluates, "be evaluated"),
}
"""By name: the protocol, and what completes the sentence "this model can ..."."""


def able(model: Model) -> tuple[str, ...]:
    """Names of the abilities that a model has."""
    return tuple(name for name, (ability, _) in ABILITIES.items() if isinstance(model, ability))


def words(name: str) -> str:
    """What a model with this ability can do, to complete "it can ...": "write text"."""
    return ABILITIES[name][1]
