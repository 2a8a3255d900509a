"""The engine: every frame arrives, jobs take turns, and nothing outlives it."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from genstudio.errors import DataError, Failure
from genstudio.events import Frame, Series
from genstudio.tasks.compare import Both
from genstudio.tasks.models import ModelRef
from genstudio.tasks.task import Frames, Quiet
from genstudio.training.changes import Change, SaveNow
from genstudio.ui.asking import Asking
from genstudio.ui.engine import Engine
from helpers import LONG


@pytest.fixture
def engine(qtbot: Any) -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def frame(step: int) -> Frame:
    return Frame(series={"loss": Series(np.array([step]), np.array([1.0 / step]))})


@dataclass(frozen=True)
class Counting:
    """Counts to `last`, a frame a step."""

    last: int
    log: list[str] = field(default_factory=list)

    def run(self, models: Any) -> Frames[int]:
        try:
            for step in range(1, self.last + 1):
                yield frame(step)
            return self.last
        finally:
            self.log.append("closed")


class Panic(BaseException):
    """What a Rust extension raises."""


@dataclass(frozen=True)
class Failing:
    error: BaseException

    def run(self, models: Any) -> Iterator[Frame]:
        yield frame(1)
        raise self.error


@dataclass(frozen=True)
class Halting:
    """Halts once, and goes on when resumed."""

    def run(self, models: Any) -> Iterator[Frame]:
        yield frame(1)
        yield Frame(halt="The disk is full.")
        yield frame(2)


class Steered:
    def __init__(self) -> None:
        self.changes: list[Change] = []

    def run(self, models: Any) -> Steered:
        return self

    def __iter__(self) -> Steered:
        return self

    def __next__(self) -> Frame:
        return frame(len(self.changes) + 1)

    def adjust(self, change: Change) -> Frame:
        self.changes.append(change)
        return frame(100)

    def close(self) -> None:
        self.changes.append(Change())


def steps(frames: list[Frame]) -> list[int]:
    return [int(step) for f in frames if f.series for step in f.series["loss"].steps]


def test_every_frame_arrives_in_order(engine: Engine, qtbot: Any) -> None:
    frames: list[Frame] = []
    with qtbot.waitSignal(engine.ended, timeout=LONG) as blocker:
        engine.start(Counting(2_000), frames.append)
    assert steps(frames) == list(range(1, 2_001))
    assert blocker.args[1] is None
    assert engine.running == {}


def test_a_result_comes_once_after_the_last_frame_and_before_the_end(engine: Engine, qtbot: Any) -> None:
    heard: list[Any] = []
    with qtbot.waitSignal(engine.ended, timeout=120_000):
        engine.start(
            Counting(3), lambda _: heard.append("frame"), lambda _: heard.append("end"), on_result=heard.append
        )
    assert heard == ["frame", "frame", "frame", 3, "end"]


@pytest.mark.parametrize("task", [Failing(DataError("The file is gone.")), Counting(10**9)], ids=["failed", "stopped"])
def test_what_failed_or_was_stopped_has_no_result(engine: Engine, qtbot: Any, task: Any) -> None:
    results: list[Any] = []
    with qtbot.waitSignal(engine.ended, timeout=120_000):
        name = engine.start(task, lambda _: engine.stop(name), on_result=results.append)
    assert results == []


def test_jobs_take_turns(engine: Engine, qtbot: Any) -> None:
    order: list[str] = []
    engine.framed.connect(lambda name, _frame: order.append(name))
    ended: list[str] = []
    engine.ended.connect(lambda name, _failure: ended.append(name))
    engine.start(Counting(200), name="a")
    engine.start(Counting(200), name="b")
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=LONG)
    first_b, last_a = order.index("b"), len(order) - 1 - order[::-1].index("a")
    assert first_b < last_a


@pytest.mark.parametrize(
    "error",
    [
        DataError("The file is gone."),
        RuntimeError("boom"),
        KeyboardInterrupt(),
        SystemExit(3),
        Panic("rust"),
        MemoryError(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_every_kind_of_error_becomes_a_message(engine: Engine, qtbot: Any, error: BaseException) -> None:
    with qtbot.waitSignal(engine.ended, timeout=LONG) as blocker:
        engine.start(Failing(error))
    failure = blocker.args[1]
    assert isinstance(failure, Failure)
    assert failure.kind == type(error).__name__
    assert failure.expected == isinstance(error, DataError)
    assert pickle.loads(pickle.dumps(failure)) == failure
    with qtbot.waitSignal(engine.ended, timeout=LONG) as blocker:
        engine.start(Counting(3))
    assert blocker.args[1] is None


def test_pause_holds_and_resume_goes_on(engine: Engine, qtbot: Any) -> None:
    frames: list[Frame] = []
    task = Steered()
    name = engine.start(task, frames.append)
    qtbot.waitUntil(lambda: len(frames) > 5)
    engine.pause(name)
    with qtbot.waitSignal(engine.ended, timeout=LONG):
        engine.start(Counting(1))
    held = len(frames)
    with qtbot.waitSignal(engine.ended, timeout=LONG):
        engine.start(Counting(50))
    assert len(frames) == held
    engine.resume(name)
    qtbot.waitUntil(lambda: len(frames) > held)
    engine.stop(name)
    qtbot.waitUntil(lambda: not engine.running)


def test_stop_closes_the_job(engine: Engine, qtbot: Any) -> None:
    task = Counting(10**9)
    name = engine.start(task)
    with qtbot.waitSignal(engine.framed, timeout=LONG):
        pass
    with qtbot.waitSignal(engine.ended, timeout=LONG) as blocker:
        engine.stop(name)
    assert task.log == ["closed"]
    assert blocker.args == [name, None]


def test_a_job_is_stopped_once(engine: Engine, qtbot: Any) -> None:
    """Whoever hears of the change may stop it again."""
    name = engine.start(Counting(10**9))
    states: list[dict[str, str]] = []
    engine.changed.connect(lambda: states.append(dict(engine.running)))
    engine.changed.connect(lambda: engine.stop(name))
    engine.stop(name)
    assert states == [{name: "stopping"}]
    qtbot.waitUntil(lambda: not engine.running)


def test_a_halted_job_waits_for_the_person(engine: Engine, qtbot: Any) -> None:
    frames: list[Frame] = []
    with qtbot.waitSignal(engine.halted, timeout=LONG) as blocker:
        name = engine.start(Halting(), frames.append)
    assert blocker.args[1] == "The disk is full."
    assert engine.running[name] == "paused"
    with qtbot.waitSignal(engine.ended, timeout=LONG):
        engine.resume(name)
    assert steps(frames) == [1, 2]


def test_a_paused_job_can_be_adjusted(engine: Engine, qtbot: Any) -> None:
    frames: list[Frame] = []
    task = Steered()
    name = engine.start(task, frames.append)
    qtbot.waitUntil(lambda: bool(frames))
    engine.pause(name)
    engine.adjust(name, SaveNow())
    qtbot.waitUntil(lambda: 100 in steps(frames))
    assert task.changes == [SaveNow()]


@pytest.mark.parametrize("paused", [False, True])
def test_what_is_cut_off_by_closing_has_no_result(qtbot: Any, paused: bool) -> None:
    engine, results, ends = Engine(), [], []
    name = engine.start(Counting(10**9), on_result=results.append, on_end=ends.append)
    with qtbot.waitSignal(engine.framed, timeout=LONG):
        pass
    if paused:
        engine.pause(name)
    engine.close()
    qtbot.waitUntil(lambda: bool(ends), timeout=LONG)
    assert ends == [None] and not results


def test_closing_the_engine_closes_running_and_paused_jobs(qtbot: Any) -> None:
    engine = Engine()
    running, paused = Counting(10**9), Counting(10**9)
    seen: set[str] = set()
    engine.framed.connect(lambda name, _frame: seen.add(name))
    engine.start(running)
    name = engine.start(paused)
    qtbot.waitUntil(lambda: len(seen) == 2)
    engine.pause(name)
    engine.close()
    engine.close()
    assert running.log == paused.log == ["closed"]


class Emitter(QObject):
    sent = Signal(object)


def test_the_binding_survives_two_thousand_emits(qtbot: Any) -> None:
    emitter, got = Emitter(), []
    emitter.sent.connect(got.append)
    for number in range(2_000):
        emitter.sent.emit({"number": number})
    assert [item["number"] for item in got] == list(range(2_000))


def test_a_paused_job_gives_one_frame_at_a_time(engine: Engine, qtbot: Any) -> None:
    seen: list[int] = []
    name = engine.start(Halting(), lambda f: seen.append(len(seen)))
    qtbot.waitUntil(lambda: engine.running.get(name) == "paused")
    before = len(seen)
    at: list[int] = []
    engine.advanced.connect(lambda _name: at.append(len(seen)))
    with qtbot.waitSignal(engine.advanced):
        engine.advance(name)
    assert engine.running[name] == "paused" and len(seen) == before + 1
    assert at == [before + 1], "the frame comes before the word that it came"


def test_a_job_that_runs_or_is_gone_is_not_advanced(engine: Engine, qtbot: Any) -> None:
    with qtbot.waitSignal(engine.ended):
        name = engine.start(Counting(2))
        engine.advance(name)
    engine.advance(name)
    with qtbot.waitSignal(engine.ended) as end:
        other = engine.start(Failing(DataError("broken")))
        engine.pause(other)
        engine.advance(other)
        engine.advance(other)
    assert end.args is not None
    assert end.args[0] == other and isinstance(end.args[1], Failure)


@dataclass(frozen=True)
class Looking(Quiet):
    """What a page asks for by itself."""

    task: Counting

    def run(self, models: Any) -> Iterator[Frame]:
        return self.task.run(models)


def test_only_what_a_person_started_counts_as_work(engine: Engine, qtbot: Any) -> None:
    started = engine.start(Counting(10**9))
    looking = engine.start(Looking(Counting(10**9)))
    both = engine.start(Both(Looking(Counting(1)), ModelRef("none")))
    assert set(engine.work()) == {started} and set(engine.running) == {started, looking, both}
    engine.stop(looking)
    qtbot.waitUntil(lambda: set(engine.running) == {started})
    engine.stop(started)
    qtbot.waitUntil(lambda: not engine.running)
    assert not engine.work()
    again = engine.start(Counting(10**9), name=looking)
    assert set(engine.work()) == {again}


@dataclass(frozen=True)
class Slow:
    """Gives two frames and a result, or fails, as slowly as the test wants."""

    name: str
    fails: bool = False

    def run(self, models: Any) -> Iterator[Frame]:
        yield frame(1)
        yield frame(2)
        if self.fails:
            raise DataError(self.name)
        return self.name


@pytest.mark.parametrize("seed", range(4))
def test_only_the_newest_question_of_its_kind_is_answered(engine: Engine, qtbot: Any, seed: int) -> None:
    """Whatever is asked, replaced and dropped in whatever order, what arrives is of the question that is open."""
    rng, asking = random.Random(seed), Asking(engine)
    current: dict[str, str] = {}
    heard: list[tuple[str, str, str]] = []
    answered: set[str] = set()

    def hear(kind: str, name: str, what: str) -> None:
        heard.append((name, what, current.get(kind, "")))
        if what == "end":
            answered.add(current.pop(kind))

    for number in range(300):
        kind, name = rng.choice("ab"), f"question {number}"
        if rng.random() < 0.7:
            current[kind] = name
            asking.ask(
                kind,
                Slow(name, rng.random() < 0.3),
                lambda _, k=kind, n=name: hear(k, n, "frame"),
                lambda _, k=kind, n=name: hear(k, n, "end"),
                on_result=lambda _, k=kind, n=name: hear(k, n, "result"),
            )
        elif rng.random() < 0.3:
            asking.drop(kind)
            current.pop(kind, None)
        if rng.random() < 0.2:
            qtbot.waitUntil(lambda: not engine.running)
    qtbot.waitUntil(lambda: not engine.running)
    assert heard and all(name == wanted for name, _, wanted in heard)
    assert not current and len(answered) > 5 and "a" not in asking


def test_a_result_may_ask_again_or_drop_its_own_question(engine: Engine, qtbot: Any) -> None:
    asking, heard = Asking(engine), list[str]()

    def again(name: str) -> None:
        heard.append(name)
        asking.ask("a", Slow("second"), None, lambda _: heard.append("end"), on_result=last)

    def last(name: str) -> None:
        heard.append(name)
        asking.ask("b", Slow("third"), None, lambda _: heard.append("end of the third"), on_result=dropping)

    def dropping(name: str) -> None:
        heard.append(name)
        asking.drop("b")

    asking.ask("a", Slow("first"), None, lambda _: heard.append("end of the first"), on_result=again)
    qtbot.waitUntil(lambda: "third" in heard and not engine.running, timeout=LONG)
    assert heard == ["first", "second", "end", "third"] and "a" not in asking and "b" not in asking
