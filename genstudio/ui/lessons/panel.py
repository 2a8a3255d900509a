"""The panel of a lesson: at the right of the window, or below where that is narrow."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QDockWidget,
    QFrame,
    QMainWindow,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, vbox
from genstudio.ui.lessons.keys import BACK_KEYS, NEXT_KEYS, SHOW_KEYS
from genstudio.ui.lessons.player import Player
from genstudio.ui.look import Look
from genstudio.ui.widgets import ElidedLabel, button, icon_button, plain_label, primary_button, restyle, with_keys

_WIDTH, _HEIGHT = 300, 190
_SIDE_BY_SIDE = 1200
"""Width of a window that has room for a lesson at the side, in pixels of the usual text size."""


class Answer(QPushButton):
    """One answer to a question: a button whose words take as many lines as they need."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.setObjectName(f"lesson_answer_{number}")
        self._label = plain_label(wrap=True)
        self._label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._sign = plain_label()
        self._sign.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._sign.setFixedWidth(14)
        hbox(self._sign, (self._label, 1), into=self, margins=(8, 4, 8, 4), spacing=6)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def say(self, text: str, sign: str = "") -> None:
        """The answer, and a sign before it once the question is answered."""
        if (text, sign) != (self._label.text(), self._sign.text()):
            self._label.setText(text)
            self._sign.setText(sign)
            said = {"✓": ", the right answer", "✗": ", not right"}.get(sign, "")
            self.setAccessibleName(f"Answer: {text}{said}")
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        tall = self._label.heightForWidth(max(self.width() - 36 - 8, 60)) + 14
        if tall != self.minimumHeight():
            self.setFixedHeight(tall)


class LessonPanel(QDockWidget):
    """Step, text, what is still to be done, question and answers, and the buttons of a lesson that is played.

    In teacher's mode the text is large and the window fills the screen; Space steps unless a text field has the focus, and
    Page Down and Page Up, which remotes for presenters send, step wherever the focus is.
    """

    def __init__(self, window: QMainWindow, player: Player, look: Look) -> None:
        super().__init__(window)
        self._main, self._player, self._look = window, player, look
        self.setObjectName("lesson_dock")
        self.setAccessibleName("Lesson")
        self.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self.setTitleBarWidget(QWidget())
        self.teaching = False
        self._shown: object = None
        self._focus: QWidget | None = None
        self._make()
        self._lay_out()
        self._connect()
        self._teach_keys()
        window.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Show the panel for the lesson that begins."""
        self._shown = None
        self._dock()
        self.show()
        self._refresh()

    def do_step(self) -> None:
        """Have the step done. What is left for a person are its question, or the next step: the keys go there."""
        self._player.show_me()
        if self._player.done and not self.teaching:
            self.go_to_control()

    def teach(self, on: bool) -> None:
        """Teacher's mode: a presentation, and keys that step."""
        self.teaching = on
        if self._look.presenting != on:
            self._look.present()
        self.teacher.setChecked(on)
        for shortcut in self._teacher_keys:
            shortcut.setEnabled(on)
        self._follow_focus(None, QApplication.focusWidget())
        self._dock()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._main and event.type() == QEvent.Type.Resize:
            self._dock()
        elif watched is self._focus and self.teaching and event.type() == QEvent.Type.ShortcutOverride:
            # a field of text would keep these two keys for itself
            return isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        return False

    def step(self) -> None:
        """The next step, as by its key; where only the question is left, the keys go to its answers."""
        if self._player.lesson is not None and self._player.done and not self._player.answered:
            self.answers[0].setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self._player.next()

    def go_to_control(self) -> None:
        """The keys go to what the step is about: its control, else its question, else the button to the next step."""
        player = self._player
        target = player.outline.target if player.lesson is not None and not player.done else None
        if target is not None and target.isVisible():
            stop = target if target.focusPolicy() & Qt.FocusPolicy.TabFocus else _first_stop(target)
            if stop is not None:
                stop.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return
        if not player.answered:
            self.answers[0].setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif player.passed:
            self.next.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _make(self) -> None:
        self.title = named(ElidedLabel(), "lesson_title")
        self.title.setFont(theme.font(theme.NORMAL, bold=True))
        self.count = plain_label(role="quiet", name="lesson_step")
        self.end = icon_button("close", "lesson_end", "End the lesson")
        self.teacher = named(QPushButton("Teacher's mode"), "lesson_teacher", "Teacher's mode")
        self.teacher.setCheckable(True)
        self.teacher.setToolTip("Full screen and large text. Space or Page Down steps, Page Up goes back.")
        self.progress = named(QProgressBar(), "lesson_progress", "Progress of the lesson")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.text = plain_label(wrap=True, name="lesson_text")
        self.text.setFont(theme.font(14))
        self.source = plain_label(role="quiet", wrap=True, name="lesson_source")
        self.todo = plain_label(wrap=True, name="lesson_todo")
        self.todo.setProperty("quiet", True)
        self.note = plain_label(role="problem", wrap=True, name="lesson_note")
        self.question = plain_label(wrap=True, name="lesson_question")
        self.question.setFont(theme.font(theme.NORMAL, bold=True))
        self.answers = [Answer(number + 1) for number in range(4)]
        self.reveal = plain_label(wrap=True, name="lesson_reveal")
        self.back = icon_button("chevron-left", "lesson_back", "Previous step")
        self.show_me = button("Show me", "lesson_show_me", "play", "Let the lesson do this step for you")
        self.next = primary_button("Next", "lesson_next", "chevron-right")
        self.back.setToolTip(with_keys("Previous step", BACK_KEYS))
        self.back.setFixedSize(30, 30)
        self.show_me.setToolTip(with_keys("Let the lesson do this step for you", SHOW_KEYS))
        self.next.setToolTip(with_keys("The next step", NEXT_KEYS))

    def _lay_out(self) -> None:
        inside = named(QFrame(), "lesson_panel")
        inside.setProperty("panel", True)
        asked = QWidget()
        # below the last answer there is room for its border: answers grow a little once they know their width
        vbox(self.question, *self.answers, self.reveal, None, into=asked, margins=(0, 0, 0, 8), spacing=6)
        self._asked = asked
        read = QWidget()
        vbox(self.text, self.source, self.todo, self.note, None, into=read, spacing=8)
        self._body = QWidget()
        self._flow = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._body)
        self._flow.setContentsMargins(0, 0, 4, 0)
        self._flow.setSpacing(10)
        self._flow.addWidget(read)
        self._flow.addWidget(asked)
        self._flow.addStretch(1)
        self.area = named(QScrollArea(), "lesson_scroll", "Step of the lesson")
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self._body)
        self.area.viewport().setAutoFillBackground(False)
        self._body.setAutoFillBackground(False)
        self._name_row = hbox((self.title, 1), self.end, spacing=4)
        self._step_row = hbox(self.count, None, self.teacher, spacing=6)
        self._head = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._head.setSpacing(8)
        for row in (self._name_row, self._step_row):
            self._head.addLayout(row)
        vbox(
            self._head,
            self.progress,
            (self.area, 1),
            hbox(self.back, self.show_me, None, self.next, spacing=6),
            into=inside, margins=(12, 8, 12, 10), spacing=8,
        )  # fmt: skip
        holder = QWidget()
        self._holder = QVBoxLayout(holder)
        self._holder.addWidget(inside)
        self.setWidget(holder)

    def _connect(self) -> None:
        player = self._player
        player.changed.connect(self._refresh)
        player.ended.connect(lambda *_: self._close())
        self.back.clicked.connect(lambda: player.back())
        self.end.clicked.connect(lambda: player.end())
        self.show_me.clicked.connect(self.do_step)
        self.next.clicked.connect(lambda: player.next())
        self.teacher.clicked.connect(self.teach)
        for index, answer in enumerate(self.answers):
            answer.clicked.connect(lambda _=False, index=index: player.answer(index))

    def _teach_keys(self) -> None:
        self._teacher_keys = []
        for keys, does in (("Space", self._player.advance), ("PgDown", self._player.advance), ("PgUp", self._player.back)):
            shortcut = QShortcut(QKeySequence(keys), self._main)
            shortcut.setAutoRepeat(False)
            shortcut.setEnabled(False)
            shortcut.activated.connect(does)
            self._teacher_keys.append(shortcut)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._follow_focus)

    def _follow_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        if self._focus is not None and self._focus is not self._main:
            self._focus.removeEventFilter(self)
        self._focus = now if self.teaching and now is not self._main else None
        if self._focus is not None:
            self._focus.installEventFilter(self)

    def _close(self) -> None:
        if self.teaching:
            self.teach(False)
        self.hide()

    def _dock(self) -> None:
        """At the side, or below where the window is too narrow for that."""
        wide = self._main.width() >= theme.scaled(_SIDE_BY_SIDE)
        area = Qt.DockWidgetArea.RightDockWidgetArea if wide else Qt.DockWidgetArea.BottomDockWidgetArea
        if self._main.dockWidgetArea(self) != area:
            self._main.addDockWidget(area, self)
        self._flow.setDirection(QBoxLayout.Direction.TopToBottom if wide else QBoxLayout.Direction.LeftToRight)
        self._head.setDirection(self._flow.direction())
        (self._name_row if wide else self._step_row).addWidget(self.end)  # last in the row that ends at the right
        for index, share in enumerate((0, 0, 1) if wide else (1, 1, 0)):
            self._flow.setStretch(index, share)
        self._holder.setContentsMargins(*((0, 8, 12, 8) if wide else (12, 0, 12, 8)))
        unlimited = 16_777_215
        self.setFixedWidth(theme.scaled(_WIDTH)) if wide else self.setMinimumWidth(0)
        if not wide:
            self.setMaximumWidth(unlimited)
            self.setFixedHeight(min(theme.scaled(_HEIGHT), self._main.height() // 2))
        else:
            self.setMinimumHeight(0)
            self.setMaximumHeight(unlimited)

    def _refresh(self) -> None:
        player = self._player
        if player.lesson is None:
            return
        step, place = player.step, (player.lesson.key, player.at)
        fresh, self._shown = place != self._shown, place
        self.title.setText(player.lesson.title)
        self.count.setText(f"Step {player.at + 1} of {len(player.steps)}")
        self.progress.setRange(0, len(player.steps))
        self.progress.setValue(player.at + int(player.passed))
        for label, text in (
            (self.text, step.text), (self.source, step.source and f"Source: {step.source}"), (self.note, player.note),
            (self.todo, _list(player.asked())), (self.question, step.question),
        ):  # fmt: skip
            label.setText(text)
            label.setVisible(bool(text))
        answering = any(answer.hasFocus() for answer in self.answers)
        self._show_question()
        self.back.setEnabled(player.at > 0)
        self.show_me.setVisible(bool(step.do))
        self.show_me.setEnabled(not player.done)
        self.next.setText("Finish" if player.last else "Next")
        self.next.setAccessibleName(self.next.text())
        self.next.setEnabled(player.passed)
        if answering and player.passed:  # else the keys would be on the button back, the next one that can be used
            self.next.setFocus(Qt.FocusReason.OtherFocusReason)
        if fresh:
            self.area.verticalScrollBar().setValue(0)
            if self.isVisible():
                self.go_to_control()

    def _show_question(self) -> None:
        player, step = self._player, self._player.step
        chosen = player.chosen.get(player.at)
        self._asked.setVisible(bool(step.question))
        for index, answer in enumerate(self.answers):
            answer.setVisible(index < len(step.answers))
            if index < len(step.answers):
                right = index == step.right - 1
                sign = "" if chosen is None else "✓" if right else "✗" if index == chosen else ""
                answer.say(step.answers[index], sign)
                answer.setEnabled(chosen is None)
                restyle(answer, "answer", "" if chosen is None else "right" if right else "wrong" if index == chosen else "")
        self.reveal.setText("" if chosen is None else step.reveal)
        before = self.reveal.isVisibleTo(self)
        self.reveal.setVisible(chosen is not None and bool(step.reveal))
        if chosen is not None and not before:
            self._flow.activate()
            self.area.ensureWidgetVisible(self.reveal)


def _list(asked: list[tuple[str, bool]]) -> str:
    return "\n".join(f"{'✓' if done else '○'}  {words}" for words, done in asked)


def _first_stop(widget: QWidget) -> QWidget | None:
    inside = (child for child in widget.findChildren(QWidget) if child.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return next((child for child in inside if child.isVisible() and child.isEnabled()), None)
