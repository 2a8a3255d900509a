"""What following a training costs: nothing while hidden, and a share of the engine that is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from genstudio.tasks.models import ModelRef
from genstudio.tasks.task import Quiet
from genstudio.ui.playground import page as module
from genstudio.ui.playground.page import REST, Page

LIVE = ModelRef("run", "live")


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Engine:
    """Takes tasks, and ends the newest when told to."""

    def __init__(self) -> None:
        self.ends: list[Any] = []

    def start(self, _task: Any, _on_frame: Any, on_end: Any, *, on_result: Any) -> str:
        self.ends.append(on_end)
        return "job"


class Counting(Page):
    looks = 0
    task: Any = Quiet()

    def look(self, model: ModelRef, prompt: Any) -> None:
        self.looks += 1
        self.ask("look", self.task, lambda frame: None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def counting(qtbot: Any, shown: bool = True) -> tuple[Counting, Engine]:
    engine: Any = Engine()
    page = Counting(engine, "counting", "Counting")
    qtbot.addWidget(page)
    page.setVisible(shown)
    return page, engine


def test_a_hidden_page_asks_for_nothing(qtbot: Any) -> None:
    page, engine = counting(qtbot, shown=False)
    for _ in range(5):
        page.look_at(LIVE, ("text",))
    assert not page.looks and not engine.ends
    page.show()
    assert page.looks == len(engine.ends) == 1


@pytest.mark.parametrize("took", [0.05, 0.5, 6.0])
def test_a_look_at_moving_weights_takes_a_share_of_the_time(qtbot: Any, clock: Clock, took: float) -> None:
    page, engine = counting(qtbot)
    working, began = 0.0, clock.now
    while clock.now < began + 40 * took + 40:
        page.look_at(LIVE, ("text",))
        if page.busy("look"):
            clock.now += took
            working += took
            engine.ends[-1](None)
        clock.now += 2.0
    assert page.looks > 3 and working / (clock.now - began) < 1.3 / (1 + REST)
    before = page.looks
    page.look_at(LIVE, ("another text",))
    assert page.looks == before + 1, "what a person does is answered at once"


def test_what_a_person_started_brings_no_rest(qtbot: Any, clock: Clock) -> None:
    page, engine = counting(qtbot)
    page.task = object()
    page.look_at(LIVE, ())
    clock.now += 60
    engine.ends[-1](None)
    page.look_at(LIVE, ())
    assert page.looks == 2


def test_what_another_model_showed_is_veiled_until_the_chosen_one_answers(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of the model before look like those of the one that was chosen; what comes of the one before lifts no veil."""
    page, engine = counting(qtbot)
    tasks: list[Any] = []
    monkeypatch.setattr(engine, "start", lambda _task, frame, end, *, on_result: tasks.append((frame, end)) or "job")
    page.look_at(ModelRef("first"), ("text",))
    tasks[0][0](None)
    assert not page._patience.isActive()
    assert not page._veil.isVisible()
    page.look_at(ModelRef("second"), ("text",))  # waits until the first look has ended
    assert not page._patience.isActive()
    tasks[0][1](None)
    assert not page._veil.isVisible() and len(tasks) == 2
    qtbot.waitUntil(page._veil.isVisible, timeout=120_000)
    assert page._veil.geometry() == page.rect()
    tasks[0][0](None)
    assert page._veil.isVisible()
    tasks[1][0](None)
    assert not page._veil.isVisible()
    page.look_at(ModelRef("second"), ("another text",))
    tasks[1][1](None)
    assert not page._patience.isActive()
    assert len(tasks) == 3 and not page._veil.isVisible()


def test_a_quick_answer_is_never_veiled(qtbot: Any) -> None:
    page, engine = counting(qtbot)
    page.look_at(ModelRef("first"), ())
    engine.ends[0](None)
    page.look_at(ModelRef("second"), ())
    assert page._patience.isActive() and not page._veil.isVisible()
    engine.ends[1](None)
    assert not page._patience.isActive()
    assert not page._veil.isVisible()
