"""Plays a lesson in a window: shows each step beside the real program, does what it is told to, and sees what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QAbstractButton, QWidget
from shiboken6 import isValid

from genstudio import families
from genstudio.errors import GenstudioError
from genstudio.runs.plan import ENDLESS
from genstudio.ui.layouts import single_shot
from genstudio.ui.lessons import controls
from genstudio.ui.lessons.conditions import Since, holds, words
from genstudio.ui.lessons.lesson import ControlHas, HasModel, Keys, Lesson, Part, Press, Pressed, Put, Step, TrainFor
from genstudio.ui.lessons.outline import Outline

if TYPE_CHECKING:
    from genstudio.ui.window import MainWindow

_LEARNED = 200
"""Steps from which on a model in training has learned something that can be looked at."""
_SETTLE_MS = 60
"""After this time what was opened for a step has its place, and can be scrolled to."""
_AGAIN_MS = 400
"""How often what a step asks for is looked at again, where no signal says that it may have been done."""


class Player(QObject):
    """One lesson at a time in a window. `changed()`: another step, or more of this one is done; `ended(key, finished)`.

    `most` cuts every plan of a training to this many steps, and what is waited for with it: a lesson can then be played in
    a moment, by the same controls and the same conditions.
    """

    changed = Signal()
    ended = Signal(str, bool)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.most: int | None = None
        self.lesson: Lesson | None = None
        self.steps: tuple[Step, ...] = ()
        self.at = 0
        self.note = ""
        self.chosen: dict[int, int] = {}
        self._passed: set[int] = set()
        self._did: set[int] = set()
        self._early = False
        self._since = Since()
        self._entering = False
        self._wired: list[tuple[QAbstractButton, object]] = []
        self.outline = Outline(window)
        self._settled = single_shot(self, _SETTLE_MS)
        self._settled.timeout.connect(self.reveal)
        self._timer = QTimer(self)
        self._timer.setInterval(_AGAIN_MS)
        self._timer.timeout.connect(self.check)
        for signal in (window.engine.changed, window.tabs.currentChanged):
            signal.connect(lambda *_: self.check())

    @property
    def step(self) -> Step:
        """The step that is shown. Raises IndexError while there is none."""
        return self.steps[self.at]

    @property
    def done(self) -> bool:
        """Whether what the step asks for has been done; its question is another matter."""
        return self.at in self._passed

    @property
    def answered(self) -> bool:
        """Whether the step has no question, or one that was answered."""
        return not self.step.question or self.at in self.chosen

    @property
    def passed(self) -> bool:
        """Whether the next step can be shown."""
        return self.done and self.answered

    @property
    def last(self) -> bool:
        return self.at == len(self.steps) - 1

    def begin(self, lesson: Lesson) -> None:
        """Show the first step."""
        self._leave()
        runs = {tab.run_path for tab in self._window.links.trainers().values()} - {""}
        self._since = Since(runs=runs, most=self.most)
        self.lesson, self.chosen = None, {}
        self._passed, self._did = set(), set()
        self._choose_trained(lesson)
        self.steps = tuple(step for step in lesson.step if not self._left_away(step))
        self.lesson, self._early = lesson, not self._window.ready
        self._enter(0)

    def _choose_trained(self, lesson: Lesson) -> None:
        """What has hardly begun to learn has nothing to show: where any model will do, take one that ships instead."""
        wanted = {each.model for step in lesson.step for each in step.skip if isinstance(each, HasModel)}
        if not wanted:
            return
        play = self._window.playground
        live = {tab.live_path: tab.step for tab in self._window.links.trainers().values() if tab.live_path}
        info = play.choice.info()
        if info is None or live.get(str(info.folder), _LEARNED) >= _LEARNED:
            return
        able = (one for one in self._window.library.included if wanted <= {*families.get(one.family).has(one.config)})
        if (found := next(able, None)) is not None:
            play.choose(str(found.folder))

    def end(self, *, finished: bool = False) -> None:
        """Show no lesson any more."""
        if self.lesson is not None:
            key = self.lesson.key
            self._leave()
            self.lesson, self.steps = None, ()
            self.ended.emit(key, finished)

    def back(self) -> None:
        """The step before."""
        if self.lesson is not None and self.at > 0:
            self._enter(self.at - 1)

    def next(self) -> None:
        """The next step, or the end of the lesson; nothing while this one is not passed."""
        self.check()
        if self.lesson is None or not self.passed:
            return
        if self.last:
            self.end(finished=True)
        else:
            self._enter(self.at + 1)

    def answer(self, index: int) -> None:
        """Answer the question of the step, once."""
        if self.lesson is not None and self.step.question:
            self.chosen.setdefault(self.at, index)
            self.changed.emit()

    def show_me(self) -> None:
        """Do what the step asks for."""
        if self.lesson is None:
            return
        self._did.add(self.at)
        self.note = ""
        try:
            for action in self.step.do:
                self._act(action)
        except GenstudioError as error:
            self.note = f"{error.message} {error.hint}"
        self.highlight()
        self.check()
        self.changed.emit()

    def advance(self) -> None:
        """What a teacher's key does: do what is asked for, then show the answer, then the next step."""
        if self.lesson is None:
            return
        self.check()
        if not self.done and self.step.do and (self.at not in self._did or self.note):
            self.show_me()
        elif not self.answered:
            self.answer(self.step.right - 1)
        else:
            self.next()

    def asked(self) -> list[tuple[str, bool]]:
        """What the step asks for, and whether that has been done."""
        return [(words(self._window, one, self._since), self.done or holds(self._window, one, self._since))
            for one in self.step.check]

    def check(self) -> None:
        """See whether the step has been done by now; what was done once stays so."""
        if self.lesson is None or self._entering:
            return
        if self._early and self._window.ready:  # only now it is known which models there are
            self._early = False
            if self.at == 0 and 0 not in self._did and len(self.steps) > 1 and self._left_away(self.step):
                self.steps = self.steps[1:]
                self._enter(0)
                return
        self.highlight()
        if not self.done:
            if all(holds(self._window, one, self._since) for one in self.step.check):
                self._passed.add(self.at)
                self.note = ""
            self.changed.emit()

    def control(self) -> QWidget | None:
        """The control that the step is about. Raises ControlError where there is none of that name."""
        name = self.step.show
        if not name:
            return None
        found = controls.find(self._window, self.step.room, name)
        if found is None:
            raise controls.ControlError(f"This step is about '{name}', which cannot be found.", "The lesson needs a correction.")
        return found

    def highlight(self) -> None:
        """Put the ring around the control, which may have been built again."""
        try:
            self.outline.show_around(self.control() if self.lesson is not None else None)
        except GenstudioError as error:
            self.outline.show_around(None)
            self.note = self.note or f"{error.message} {error.hint}"

    def reveal(self) -> None:
        """Bring the control into view."""
        if self.lesson is None:
            return
        try:
            widget = self.control()
        except GenstudioError:
            widget = None
        if widget is not None:
            controls.reveal(self._window, widget)
        self.highlight()

    def _left_away(self, step: Step) -> bool:
        if not step.skip:
            return False
        since = Since(room=step.room, runs=self._since.runs)
        return all(holds(self._window, one, since) for one in step.skip)

    def _enter(self, at: int) -> None:
        self._unwire()
        self.at, self._entering = at, True  # a room that is built for the step sends signals
        step, window = self.step, self._window
        if step.room in window.tabs.rooms:
            window.tabs.show_room(step.room)
        if step.page:
            window.playground.inspectors.open(step.page)
        self._since.room = step.room
        self._since.pressed, self._since.before = set(), {}
        for one in step.check:
            self._watch(one)
        self._entering, self.note = False, ""
        self.reveal()
        self._settled.start()
        self._timer.start()
        self.check()
        self.changed.emit()

    def _watch(self, asked: Part) -> None:
        """Note what the step begins with, and hear when buttons are pressed."""
        if isinstance(asked, ControlHas) and asked.changed:
            widget = controls.find(self._window, self.step.room, asked.control)
            if widget is not None:
                self._since.before[asked.control] = controls.value(widget)
        if isinstance(asked, Pressed):
            widget = controls.find(self._window, self.step.room, asked.pressed)
            if isinstance(widget, QAbstractButton):
                wire = widget.clicked.connect(lambda _=False, name=asked.pressed: self._press(name))
                self._wired.append((widget, wire))

    def _press(self, name: str) -> None:
        self._since.pressed.add(name)
        self.check()

    def _act(self, action: Part) -> None:
        window = self._window
        if isinstance(action, TrainFor):
            steps, seconds = self._cut(action.plan())
            self._window.links.trainer(self.step.room).setup.set_plan(steps, seconds)
            return
        if isinstance(action, Put | Keys):
            widget = self._find(action.into)
            controls.reveal(window, widget)
            controls.put(widget, action.put) if isinstance(action, Put) else controls.keys(widget, action.keys)
        elif isinstance(action, Press):
            widget = self._find(action.press)
            controls.reveal(window, widget)
            controls.press(widget)

    def _cut(self, plan: tuple[int | None, float | None]) -> tuple[int | None, float | None]:
        steps, _ = plan
        return plan if self.most is None or steps == ENDLESS else (min(steps or self.most, self.most), None)

    def _find(self, name: str) -> QWidget:
        found = controls.find(self._window, self.step.room, name)
        if found is None:
            raise controls.ControlError(f"There is no control '{name}'.", "The lesson needs a correction.")
        return found

    def _unwire(self) -> None:
        for widget, wire in self._wired:
            if isValid(widget):
                widget.disconnect(wire)  # type: ignore[call-overload]
        self._wired = []

    def _leave(self) -> None:
        self._timer.stop()
        self._settled.stop()
        self._unwire()
        self.outline.show_around(None)
