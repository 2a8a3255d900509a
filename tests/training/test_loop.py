"""The loop and its frames, with a learner that only counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from tiny import TinyModel

from genstudio.errors import TrainingError
from genstudio.events import Snapshot
from genstudio.snapshots.text import Text
from genstudio.training import loop
from genstudio.training.frames import frames
from genstudio.training.learner import Metrics, Scored, Tick
from genstudio.training.loop import Plan, Stopwatch, fit


class Clock:
    """Time that passes only when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


class Halves(TinyModel):
    """A model without modules that is scored in two slices."""

    def __init__(self) -> None:
        self.modules = {}

    def evaluate(self, exact: bool = False) -> Iterator[Scored]:
        torch.rand(5)
        yield Scored(1.0, 1, 1, 0.5)
        yield Scored(4.0, 2, 2)


class Counter:
    """A learner whose steps and previews take a set time."""

    def __init__(self, clock: Clock, step: float = 0.01, preview: float = 0.02) -> None:
        self.clock, self.cost, self.looks = clock, (step, preview), 0
        self.model = Halves()
        self.optimizers: dict[str, Any] = {}
        self.seed, self.tokens_per_step, self.evaluate_every = 7, 1, 100
        self.drawn: list[float] = []

    def batch(self, step: int) -> int:
        return step

    def training_step(self, batch: int, step: int, progress: float) -> dict[str, torch.Tensor | float]:
        assert batch == step
        self.clock.now += self.cost[0]
        self.drawn.append(float(torch.rand(())))
        return {"train_loss": torch.tensor(1.0 / step), "progress": progress}

    def preview(self) -> Iterator[Any]:
        torch.rand(3)
        self.clock.now += self.cost[1]
        self.looks += 1
        yield Tick()
        yield Text("sample", -1, "a", "b")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def events(learner: Counter, plan: Plan, **options: Any) -> list[Any]:
    watch = Stopwatch()
    return list(watch.over(fit(learner, plan, watch, **options)))


def steps_of(found: list[Any], name: str = "train_loss") -> list[int]:
    return [e.step for e in found if isinstance(e, Metrics) and name in e.values]


def test_every_step_once_with_its_progress(clock: Clock) -> None:
    found = events(Counter(clock), Plan(steps=20), evaluate_every=10)
    assert steps_of(found) == list(range(1, 21))
    assert steps_of(found, "val_loss") == [0, 10, 20]
    assert [e.values["progress"] for e in found if isinstance(e, Metrics) and "progress" in e.values] == [
        i / 20 for i in range(20)
    ]
    assert all(e.values["val_loss"] == 2.0 for e in found if isinstance(e, Metrics) and "val_loss" in e.values)


def test_the_last_step_is_always_validated(clock: Clock) -> None:
    assert steps_of(events(Counter(clock), Plan(steps=25), evaluate_every=10), "val_loss") == [0, 10, 20, 25]


class Early(Counter):
    """Is also measured at some of the first steps."""

    evaluate_early = (2, 7, 12, 40)


@pytest.mark.parametrize(("steps", "every", "measured"), [
    (25, 10, [0, 2, 7, 10, 20, 25]),
    (30, 12, [0, 2, 7, 12, 24, 30]),
    (7, 100, [0, 2, 7]),
    (9, 2, [0, 2, 4, 6, 8, 9]),
])  # fmt: skip
def test_a_model_is_also_measured_at_first_steps(clock: Clock, steps: int, every: int, measured: list[int]) -> None:
    found = events(Early(clock), Plan(steps=steps), evaluate_every=every)
    assert steps_of(found, "val_loss") == measured
    plain = events(Counter(clock), Plan(steps=steps), evaluate_every=every)
    assert [e.values.get("train_loss") for e in found if isinstance(e, Metrics) and "train_loss" in e.values] == [
        e.values.get("train_loss") for e in plain if isinstance(e, Metrics) and "train_loss" in e.values
    ]


def test_what_went_on_in_the_middle_is_measured_at_the_steps_that_are_left(clock: Clock) -> None:
    found = events(Early(clock), Plan(steps=12), start=3, evaluate_every=10)
    assert steps_of(found, "val_loss") == [7, 10, 12]


def test_a_plan_in_seconds_counts_the_time_inside(clock: Clock) -> None:
    learner = Counter(clock, step=0.1, preview=0.0)
    watch = Stopwatch()
    count = 0
    for event in watch.over(fit(learner, Plan(seconds=1.0), watch)):
        clock.now += 5.0
        count += isinstance(event, Metrics) and "train_loss" in event.values
    assert count == 10


def test_measuring_before_the_first_step_does_not_count(clock: Clock) -> None:
    class Slow(Counter):
        def evaluate(self, exact: bool = False) -> Iterator[Scored]:
            self.clock.now += 50.0 if not self.drawn else 0.0
            yield Scored(1.0, 1, 1, 0.5)
            self.clock.now += 50.0 if not self.drawn else 0.0
            yield Scored(4.0, 2, 2)

    assert len(steps_of(events(Slow(clock, step=0.125, preview=0.0), Plan(seconds=1.0)))) == 8


def test_previews_cost_at_most_a_tenth(clock: Clock) -> None:
    learner = Counter(clock, step=0.01, preview=0.5)
    events(learner, Plan(seconds=60.0))
    assert 0.05 < learner.looks * 0.5 / 60.0 <= 0.11


@pytest.mark.parametrize("plan", [Plan(steps=30), Plan(seconds=0.3)])
def test_the_last_step_is_shown(clock: Clock, plan: Plan) -> None:
    found = events(Counter(clock, step=0.01, preview=0.001), plan, preview_every=1e9)
    shown = [event.step for event in found if isinstance(event, Snapshot)]
    assert shown == [0, steps_of(found)[-1]]


def test_previews_and_validation_do_not_touch_the_randomness_of_steps(clock: Clock) -> None:
    looked, blind = Counter(clock, preview=0.0), Counter(clock, preview=0.0)
    events(looked, Plan(steps=30), evaluate_every=3, preview_every=0.0)
    events(blind, Plan(steps=30), evaluate_every=1000, preview_every=1e9)
    assert looked.drawn == blind.drawn
    assert len(set(looked.drawn)) == 30


def test_without_seeding_each_step_previews_would_be_seen(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_seeding", lambda: lambda _seed: None)
    test = pytest.raises(AssertionError)
    with test:
        test_previews_and_validation_do_not_touch_the_randomness_of_steps(clock)


def test_stopping_is_closing(clock: Clock) -> None:
    learner, watch = Counter(clock), Stopwatch()
    job = watch.over(fit(learner, Plan(steps=1000), watch))
    assert len([e for e in itertools.islice(job, 30) if isinstance(e, Metrics)]) > 10
    job.close()
    assert len(learner.drawn) < 31


def test_frames_keep_every_number_and_the_newest_picture(clock: Clock) -> None:
    learner = Counter(clock, step=0.004, preview=0.001)
    found = list(frames(iter(events(learner, Plan(steps=500), preview_every=0.0)), 0.05))
    series = [f.series["train_loss"] for f in found if "train_loss" in f.series]
    assert np.concatenate([s.steps for s in series]).tolist() == list(range(1, 501))
    assert all(len(f.snapshots) <= 1 for f in found)
    assert not series[0].steps.flags.writeable and not series[0].values.flags.writeable


def test_a_fast_stream_becomes_few_frames(clock: Clock) -> None:
    def stream() -> Iterator[Metrics]:
        for step in range(1, 10_001):
            clock.now += 0.0001
            yield Metrics(step, {"train_loss": torch.tensor(1.0)})

    found = list(frames(stream(), 0.05))
    assert 15 <= len(found) <= 25
    assert sum(len(f.series["train_loss"]) for f in found) == 10_000


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_bad_number_ends_the_frames_at_that_step(clock: Clock, bad: float) -> None:
    taken: list[int] = []

    def stream() -> Iterator[Metrics]:
        for step in range(1, 100):
            taken.append(step)
            yield Metrics(step, {"train_loss": torch.tensor(bad if step == 7 else 1.0), "rate": 0.1})

    got: list[int] = []
    with pytest.raises(TrainingError, match="step 7"):
        for frame in frames(stream(), 10.0):
            got += frame.series["train_loss"].steps.tolist()
    assert got == [1, 2, 3, 4, 5, 6]
    assert taken[-1] == 7


def test_an_error_comes_after_the_numbers_before_it(clock: Clock) -> None:
    def stream() -> Iterator[Metrics]:
        yield Metrics(1, {"train_loss": 1.0})
        raise RuntimeError("out of memory")

    job = frames(stream(), 10.0)
    assert next(job).series["train_loss"].steps.tolist() == [1]
    with pytest.raises(RuntimeError):
        next(job)
