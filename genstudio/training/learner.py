"""What a learner is, and what it tells of a step. No torch here."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from genstudio.events import Progress, Snapshot

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from genstudio.config import Config

Values = Mapping[str, "Tensor | float"]
"""Numbers of a step by name."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers of one step; tensors stay on their device until a frame reads them all at once."""

    step: int
    values: Values


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing to show, but time passed: a chance for others to take their turn. `progress` says what takes long."""

    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Sums over validation tokens: negative log-likelihood in nats, tokens and characters scored; `unknown` of the tokens
    stand for what the vocabulary lacks. `parts` are such sums of what a mixture consists of, by name: nats of each alone, and
    the `share` of one of them."""

    nats: float
    tokens: int
    characters: int
    done: float = 1.0
    unknown: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def loss(self) -> float:
        return self.nats / max(self.tokens, 1)

    @property
    def values(self) -> Mapping[str, float]:
        """What is logged of the step; of a mixture its parts and, to stand beside them, the whole once more."""
        if not self.tokens:
            return {}
        parts = {f"val_{name}": self._mean(name) for name in self.parts}
        return {"val_loss": self.loss, **parts, **({"val_together": self.loss} if parts else {})}

    @property
    def result(self) -> Mapping[str, float]:
        """What an evaluation answers, in full: nothing where there was no token to score."""
        if not self.tokens:
            return {}
        bits = self.nats / math.log(2) / max(self.characters, 1)
        counts = {"tokens": self.tokens, "unknown": self.unknown, "characters": self.characters}
        parts = {name if name == "share" else f"{name}_loss_nats": self._mean(name) for name in self.parts}
        return {"loss_nats": self.loss, "bits_per_char": bits, **parts, **counts}

    def _mean(self, part: str) -> float:
        return self.parts[part] / max(self.tokens, 1)


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers that say how good a model is, once they are known; until then none. `preparing` is what has to be made first.
    `answer` is what an evaluation answers, where that is more or called otherwise than what is logged of a step."""

    values: Mapping[str, float] = field(default_factory=dict)
    done: float = 1.0
    preparing: Progress | None = None
    answer: Mapping[str, Any] | None = None

    @property
    def result(self) -> Mapping[str, Any]:
        """What an evaluation answers, in full."""
        return self.values if self.answer is None else self.answer


class Score(Protocol):
    """What an evaluation has found so far, `done` of which is a share: `values` are logged of the step, `result` is the
    answer in full, plain data by name."""

    @property
    def done(self) -> float: ...

    @property
    def values(self) -> Mapping[str, float]: ...

    @property
    def result(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Cut:
    """Snapshots that are to be seen by themselves: they end a frame."""

    snapshots: tuple[Snapshot, ...] = ()


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


@runtime_checkable
class Evaluates(Model, Protocol):
    """Can be measured."""

    def on(self, data: Any) -> Evaluates:
        """The same modules with other data of the same kind."""

    def evaluate(self, exact: bool = False) -> Iterator[Score]:
        """How good it is, on a fixed sample of the data or, when `exact`, on all of it; the last one is the result.
        Yields nothing where there is too little data."""


class Learner(Protocol):
    """A model, and what trains it.

    All randomness of step s comes from (seed, s): `batch(step)` is a pure function, and `fit` seeds torch's generators
    before each step. So resuming needs no generator state, and previews cannot change the training.

    `criterion` names the number by which checkpoints are compared, lower being better. `tokens_per_step` is 0 where
    nothing is counted in tokens. `preview_every` is in seconds. `threads` is how many a step is fastest with, None for the
    usual number.
    """

    @property
    def model(self) -> Model: ...

    optimizers: Mapping[str, torch.optim.Optimizer]
    seed: int
    tokens_per_step: int
    evaluate_every: int
    preview_every: float
    criterion: str
    threads: int | None

    def batch(self, step: int) -> Any:
        """The batch of a step (from 1)."""

    def training_step(self, batch: Any, step: int, progress: float) -> Values:
        """One update; `progress` in [0, 1] is the share of the planned training done before it."""

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Things to look at. Changes nothing in the learner."""


EARLY = (10, 40)
"""Steps at which most learners' models are also measured: a line with one point at its beginning says nothing yet."""


@runtime_checkable
class EvaluatesEarly(Protocol):
    """A learner whose model is also measured at the steps of `evaluate_early` that lie before `evaluate_every`."""

    evaluate_early: Collection[int]


@runtime_checkable
class Opens(Protocol):
    """A learner that has something to show before its first step."""

    def opening(self, step: int) -> Iterator[Snapshot]:
        """What can be shown before a model has seen anything."""


@runtime_checkable
class Marks(Protocol):
    """A learner in whose training there are moments that the time axis should show."""

    def marks(self) -> tuple[str, ...]:
        """What happened in the steps since the last time this was asked, in sentences."""


@runtime_checkable
class Watches(Protocol):
    """A learner whose previews show what comes of texts that a person gives."""

    def watch(self, values: Mapping[str, str]) -> None:
        """Show these, by name, from the next preview on; what is not named stays."""


@runtime_checkable
class StopsEarly(Protocol):
    """A learner whose training may end before its plan does, at its best checkpoint."""

    @property
    def patience(self) -> float:
        """The share of the training that its criterion may go without a lower value; 0: all of it."""


@runtime_checkable
class Steers(Protocol):
    """A learner whose live settings may change while it trains."""

    def change(self, values: Mapping[str, Any]) -> None:
        """Other values of settings from the next step on. Raises ConfigError."""


@runtime_checkable
class InStages(Protocol):
    """A learner whose step can be looked at stage by stage."""

    def in_stages(self, batch: Any, step: int, progress: float) -> tuple[Values, Sequence[tuple[Snapshot, ...]]]:
        """The same as `training_step`, and what there was to see after each stage, in order."""
