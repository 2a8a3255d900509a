"""The training loop: a generator that knows nothing of files, windows, printing or optimisers."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from genstudio.events import Notice, Snapshot
from genstudio.training.activity import preview
from genstudio.training.device import available
from genstudio.training.learner import (
    Cut,
    Evaluates,
    EvaluatesEarly,
    InStages,
    Learner,
    Marks,
    Measured,
    Metrics,
    Score,
    Tick,
)

Event = Metrics | Snapshot | Tick | Cut | Notice


@dataclass(slots=True)
class Plan:
    """How long to train: `steps` in all, or `seconds` of training time in all. It may change while training.

    `by_stages`: stop at every stage of a step, where a learner has some.
    """

    steps: int | None = None
    seconds: float | None = None
    by_stages: bool = False

    @classmethod
    def of(cls, total: Mapping[str, float]) -> Plan:
        """The plan of what a run folder says of it: {"steps": n} or {"seconds": s}."""
        steps = total.get("steps")
        return cls(None if steps is None else int(steps), total.get("seconds"))

    @property
    def total(self) -> dict[str, float]:
        """What `of` reads."""
        return {"steps": self.steps} if self.steps is not None else {"seconds": self.seconds or 0.0}

    def progress(self, step: int, elapsed: float) -> float:
        """The share done after `step` steps and `elapsed` seconds, in [0, 1]."""
        if self.steps is not None:
            return min(step / max(self.steps, 1), 1.0)
        return min(elapsed / max(self.seconds or 0.0, 1e-9), 1.0)

    def over(self, step: int, elapsed: float) -> bool:
        return self.progress(step, elapsed) >= 1.0


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent inside an iterator, not between its turns: a pause does not count."""

    total: float = 0.0
    _began: float | None = field(default=None, repr=False)

    @property
    def elapsed(self) -> float:
        return self.total + (time.monotonic() - self._began if self._began is not None else 0.0)

    def restart(self) -> None:
        """Count from now on."""
        self.total, self._began = 0.0, None if self._began is None else time.monotonic()

    def over(self, events: Iterator[Any]) -> Iterator[Any]:
        """The same events, timed."""
        while True:
            self._began = time.monotonic()
            try:
                event = next(events, None)
            finally:
                self.total, self._began = self.elapsed, None
            if event is None:
                return
            yield event


def fit(
    learner: Learner,
    plan: Plan,
    watch: Stopwatch,
    *,
    start: int = 0,
    stop_after: int | None = None,
    evaluate_every: int = 100,
    preview_every: float = 1.0,
) -> Generator[Event, None, None]:
    """Train `learner` from step `start` on and yield what happens; stop by closing the generator.

    Previews cost at most a tenth of the time: a slow one is asked for less often. What is measured before the first step
    does not count: it may have to train a network to measure with. The last step of all is always previewed.
    """
    due = 0.0
    seed = _seeding()
    early = [step for step in learner.evaluate_early if step < evaluate_every] if isinstance(learner, EvaluatesEarly) else ()
    marks = learner.marks if isinstance(learner, Marks) else None  # such a check takes its time: once, not at each step
    for done in itertools.count(start):
        if done % evaluate_every == 0 and (done > start or start == 0):
            yield from _validate(_scores(learner), done)
            if not done:
                watch.restart()
        ends = plan.over(done, began := watch.elapsed)
        if done in early and start < done and not ends:
            yield from _validate(_scores(learner), done)
        if ends or began >= due:
            yield from (_at(done, event) for event in preview(learner))
            now = watch.elapsed
            due = now + max(preview_every, 9 * (now - began))
        if ends and plan.over(done, watch.elapsed):  # it may have been extended meanwhile
            if done % evaluate_every and done > start:
                yield from _validate(_scores(learner), done)
            return
        if done - start == stop_after:
            return
        step = done + 1
        seed((learner.seed * 1_000_003 + step) % 2**32)
        progress = plan.progress(done, watch.elapsed)
        if plan.by_stages and isinstance(learner, InStages):
            yield from _in_stages(learner, plan, step, progress)
        else:
            yield Metrics(step, learner.training_step(learner.batch(step), step, progress))
        if marks is not None:
            yield from (Notice(step, "milestone", text) for text in marks())


def _seeding() -> Callable[[int], Any]:
    """What seeds torch's generators. torch.manual_seed writes down the stack for each kind of accelerator, also where
    there is none: 0.2 ms a step."""
    return torch.manual_seed if len(available()) > 1 else torch.default_generator.manual_seed


def _in_stages(learner: Learner, plan: Plan, step: int, progress: float) -> Iterator[Event]:
    """A step with a Cut for each of its stages; closed half way, the learner is as it was before the step."""
    assert isinstance(learner, InStages)
    before = _state(learner)
    values, stages = learner.in_stages(learner.batch(step), step, progress)
    whole = False
    try:
        for shown in stages[:-1]:
            if plan.by_stages:
                yield Cut(shown)
        whole = True
        yield Metrics(step, values)
    finally:
        if not whole:
            _put_back(learner, before)
    if plan.by_stages and stages:
        yield Cut(stages[-1])


def _state(learner: Learner) -> tuple[dict[str, Any], dict[str, Any]]:
    # copies: state_dict gives the very tensors that the step writes into
    modules = {name: copy.deepcopy(module.state_dict()) for name, module in learner.model.modules.items()}
    return modules, {name: copy.deepcopy(optimizer.state_dict()) for name, optimizer in learner.optimizers.items()}


def _put_back(learner: Learner, before: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for name, module in learner.model.modules.items():
        module.load_state_dict(before[0][name])
    for name, optimizer in learner.optimizers.items():
        optimizer.load_state_dict(before[1][name])
        optimizer.zero_grad()


def _scores(learner: Learner) -> Iterator[Score]:
    return learner.model.evaluate() if isinstance(learner.model, Evaluates) else iter(())


def _validate(scores: Iterator[Score], step: int) -> Iterator[Metrics | Tick]:
    values: Mapping[str, float] = {}
    for scored in scores:
        values = scored.values
        yield Tick(scored.preparing if isinstance(scored, Measured) else None)
    if values:
        yield Metrics(step, values)


def _at(step: int, event: Snapshot | Tick) -> Snapshot | Tick:
    return replace(event, step=step) if isinstance(event, Snapshot) else event
