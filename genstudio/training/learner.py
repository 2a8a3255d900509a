"""What a learner is, and what it tells of a step. No torch here."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from genstudio.events import Progress, Snapshot

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers of one step; tensors stay on their device until a frame reads them all at once."""

    step: int
    values: Mapping[str, Tensor | float]


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing to show, but time passed: a chance for others to take their turn. `progress` says what takes long."""

    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Sums over validation tokens: negative log-likelihood in nats, tokens and characters scored; `unknown` of the tokens
    stand for what the vocabulary lacks."""

    nats: float
    tokens: int
    characters: int
    done: float = 1.0
    unknown: int = 0

    @property
    def loss(self) -> float:
        return self.nats / max(self.tokens, 1)

    @property
    def values(self) -> Mapping[str, float]:
        """What is logged of the step."""
        return {"val_loss": self.loss} if self.tokens else {}

    @property
    def result(self) -> Mapping[str, float]:
        """What an evaluation answers, in full: nothing where there was no token to score."""
        if not self.tokens:
            return {}
        bits = self.nats / math.log(2) / max(self.characters, 1)
        counts = {"tokens": self.tokens, "unknown": self.unknown, "characters": self.characters}
        return {"loss_nats": self.loss, "bits_per_char": bits, **counts}


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers that say how good a model is, once they are known; until then none. `preparing` is what has to be made first."""

    values: Mapping[str, float] = field(default_factory=dict)
    done: float = 1.0
    preparing: Progress | None = None

    @property
    def result(self) -> Mapping[str, float]:
        """What an evaluation answers, in full."""
        return self.values


@dataclass(frozen=True, slots=True)
class Cut:
    """Snapshots that are to be seen by themselves: they end a frame."""

    snapshots: tuple[Snapshot, ...] = ()


@runtime_checkable
class Staged(Protocol):
    """A learner whose step can be watched: `stages` does what `training_step` does, stopping on its way.

    `stage` shows a stop. The last stop of a step has `last`, and the generator returns what `training_step` would.
    """

    def stages(self, batch: Any, step: int, progress: float) -> Generator[Any, None, Mapping[str, Tensor | float]]: ...

    def stage(self, moment: Any) -> tuple[Snapshot, ...]: ...


@runtime_checkable
class EarlyScored(Protocol):
    """A learner that is also measured at the steps of `evaluate_early` that lie before `evaluate_every`, each time with a
    `share` of its validation sample: a line with one point at its beginning says nothing yet."""

    evaluate_early: Collection[int]

    def evaluate(self, exact: bool = False, share: float = 1.0) -> Iterator[Scored]: ...


class Learner(Protocol):
    """Modules and optimisers of one family.

    All randomness of step s comes from (seed, s): `batch(step)` is a pure function, and `fit` seeds torch's generators
    before each step. So resuming needs no generator state, and previews cannot change the training.

    `criterion` names the number by which checkpoints are compared, lower being better. `tokens_per_step` is 0 where
    nothing is counted in tokens. `preview_every` is in seconds.
    """

    parts: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]
    seed: int
    tokens_per_step: int
    evaluate_every: int
    preview_every: float
    criterion: str

    def batch(self, step: int) -> Any:
        """The batch of a step (from 1)."""

    def training_step(self, batch: Any, step: int, progress: float) -> Mapping[str, Tensor | float]:
        """One update; `progress` in [0, 1] is the share of the planned training done before it."""

    def evaluate(self, exact: bool = False) -> Iterator[Scored | Measured]:
        """Running sums over a fixed sample of the validation split, or over all of it, or what else says how good the
        model is; the last one is the result."""

    def preview(self) -> Iterator[Snapshot | Tick]:
        """Things to look at. Changes nothing in the learner."""


@runtime_checkable
class Watches(Protocol):
    """A learner whose previews show what comes of texts, which a person may change while it trains."""

    def watch(self, values: Mapping[str, str]) -> None:
        """Show these texts from now on, by name; others stay, and names that the learner does not know are left out."""
