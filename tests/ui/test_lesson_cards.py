"""Every step of every lesson fits its panel, in the smallest window and on a projector, and lessons take as long as they say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from every_screen import cut, settle
from PySide6.QtWidgets import QApplication

from genstudio.ui.lessons.lesson import Lesson, TrainFor, all_lessons
from genstudio.ui.lessons.panel import LessonPanel
from genstudio.ui.window import MainWindow

WORDS_PER_MINUTE = 180
"""Of a text that is read to be understood."""
PER_STEP = 0.25, 1.0
"""Minutes that a step takes beside its words and its training, at least and at most: to find a control, to look at a chart."""
SAID = {
    "a few seconds": (1, 20), "half a minute": (20, 40), "a minute and a half": (80, 100), "one minute": (50, 70),
    "two minutes": (100, 130),
}  # fmt: skip


def unfitting(window: MainWindow, panel: LessonPanel) -> list[str]:
    """What is cut in the panel, once it is laid out; that its text scrolls is no fault, across it cannot scroll."""
    found: list[str] = []
    for _ in range(8):
        QApplication.processEvents()
        wide = panel.area.widget().minimumSizeHint().width() - panel.area.viewport().width()
        found = [*cut(window), *([f"{wide} pixels of the text are out of sight"] if wide > 0 else [])]
        if not found:
            break
    return found


def steps_of(window: MainWindow, lesson: Lesson) -> list[str]:
    """What is cut at any step of a lesson, before and after its question is answered."""
    player, panel, found = window.player, window.lesson_panel, []
    player.lesson, player.steps, player.chosen = lesson, lesson.step, {}
    for player.at, step in enumerate(lesson.step):
        for _ in range(1 + bool(step.question)):
            panel._refresh()
            found += [f"{lesson.key}, step {player.at + 1}: {fault}" for fault in unfitting(window, panel)]
            player.chosen[player.at] = 0
    return found


@pytest.mark.parametrize("size", [(960, 560), (1280, 692)])
def test_every_step_of_every_lesson_fits_its_panel(open_window: Callable[..., MainWindow], size: tuple[int, int]) -> None:
    window = open_window("lessons")
    window.resize(*size)
    panel, lessons = window.lesson_panel, all_lessons().lessons
    panel.open()
    window.player.begin(lessons[0])
    panel.open()
    window.tabs.hide()  # what is cut in the rooms is another test's matter
    settle(window)
    assert [fault for lesson in lessons for fault in steps_of(window, lesson)] == []
    long = lessons[0].model_copy(update={"step": (lessons[0].step[0].model_copy(update={"text": "W" * 400}),)})
    assert steps_of(window, long), "the broken twin: a word that is wider than the panel"
    window.player.end()


def planned(lesson: Lesson) -> tuple[float, int]:
    """Minutes of trainings that are planned in time, and how many are planned in steps; what is skipped where a model is there
    counts for nothing."""
    plans = [action.plan() for step in lesson.step if not step.skip for action in step.do if isinstance(action, TrainFor)]
    return sum(seconds or 0.0 for _, seconds in plans) / 60, sum(steps is not None for steps, _ in plans)


def bounds(lesson: Lesson) -> tuple[float, float]:
    """The least and the most minutes that a lesson can take by its words, its steps and its trainings."""
    steps = [step for step in lesson.step if not step.skip]
    words = sum(len(" ".join([step.text, step.question, *step.answers, step.reveal]).split()) for step in steps)
    trained, counted = planned(lesson)
    shortest, longest = PER_STEP
    read = words / WORDS_PER_MINUTE
    return max(read, trained) + shortest * len(steps) / 2, read + trained + 1.5 * counted + longest * len(steps)


@pytest.mark.parametrize("lesson", all_lessons().lessons, ids=lambda lesson: lesson.key)
def test_the_minutes_of_a_lesson_are_true(lesson: Lesson) -> None:
    least, most = bounds(lesson)
    assert least <= lesson.minutes <= most, f"it takes {least:.1f} to {most:.1f} minutes"
    assert 3 <= lesson.minutes <= 8, "as the README says"
    seconds = None
    for step in lesson.step:
        seconds = next((action.plan()[1] for action in step.do if isinstance(action, TrainFor)), seconds)
        said = next((words for words in SAID if f"training takes {words}" in step.text), None)
        if said is not None and seconds is not None:
            low, high = SAID[said]
            assert low <= seconds <= high, f"'{said}' is said of {seconds:g} seconds"


def test_minutes_that_are_not_true_are_noticed() -> None:
    """The broken twins: a lesson that promises too little, and one that promises too much."""
    lesson = all_lessons().lessons[0]
    least, most = bounds(lesson)
    assert least > 1 and most < 20
