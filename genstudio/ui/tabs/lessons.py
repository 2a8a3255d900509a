"""The Lessons tab: what a newcomer meets first. Quick ways to a first model of one's own, and lessons to play."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QScrollArea, QSizePolicy, QWidget

from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, hbox, named, vbox
from genstudio.ui.lessons.lesson import Lesson, all_lessons, own_folder
from genstudio.ui.library import Library
from genstudio.ui.remember import State
from genstudio.ui.widgets import button, plain_label

_CARD = 290
_INTRO = (
    "Each lesson takes a few minutes and drives the real program: you train real models on this computer and answer a "
    "question before you see what happens. No internet connection is needed."
)
_STARTS = (
    ("Shakespeare", "text", "shakespeare", "Train a model on text"),
    ("A ring of points", "points", "gaussian-ring", "Train a model on points in the plane"),
    ("Digits", "images", "digits8", "Train a model on handwritten digits"),
)


def _subject(lesson: Lesson) -> str:
    return lesson.subject or ("Your lessons" if lesson.mine else "More lessons")


class LessonCard(QPushButton):
    """A lesson as a button: its number and title, a line, how long it takes, and whether it was finished."""

    def __init__(self, number: int, lesson: Lesson) -> None:
        super().__init__()
        self.lesson = lesson
        self.setObjectName(f"lesson_{lesson.key.replace('/', '_').replace('-', '_')}")
        self.setProperty("card", True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title = plain_label(f"{number}. {lesson.title}", wrap=True)
        self._title.setFont(theme.font(theme.NORMAL, bold=True))
        self._line = plain_label(lesson.line, role="quiet", wrap=True)
        self._foot = plain_label(role="quiet")
        for label in (self._title, self._line, self._foot):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        vbox(self._title, self._line, None, self._foot, into=self, margins=(14, 10, 14, 10), spacing=4)
        self.show_done(False)

    def show_done(self, done: bool) -> None:
        """Whether the person has finished it."""
        minutes = f"{self.lesson.minutes} minute{'s' * (self.lesson.minutes > 1)}"
        mine = "  ·  yours" if self.lesson.mine else ""
        self._foot.setText(f"{minutes}{mine}" + ("  ·  ✓ done" if done else ""))
        self.setAccessibleName(f"Lesson: {self._title.text()}, {self._foot.text()}")
        self.setAccessibleDescription(self.lesson.line)

    def fit(self, width: int) -> None:
        """Be as tall as the words need in this width."""
        inner = width - 28
        tall = sum(label.heightForWidth(inner) for label in (self._title, self._line))
        self.setFixedHeight(tall + self._foot.sizeHint().height() + 32)


class LessonsTab(QWidget):
    """Cards of all lessons. `lesson_wanted(key)`: play it; `train_wanted(dataset, family)`, `file_wanted()`: begin without."""

    lesson_wanted = Signal(str)
    train_wanted = Signal(str, str)
    file_wanted = Signal()

    def __init__(self, engine: Engine, library: Library) -> None:
        super().__init__()
        self.setObjectName("lessons_tab")
        found = all_lessons()
        self.lessons = {lesson.key: lesson for lesson in found.lessons}
        subjects = dict.fromkeys(_subject(lesson) for lesson in found.lessons)
        in_order = sorted(found.lessons, key=lambda lesson: list(subjects).index(_subject(lesson)))
        self.cards = [LessonCard(number, lesson) for number, lesson in enumerate(in_order, 1)]
        self._headings = {
            subject: plain_label(subject, role="heading", name=f"lessons_subject_{number}")
            for number, subject in enumerate(subjects, 1)
        }
        self._done: set[str] = set()
        self.problems = [plain_label(f"{error.message} {error.hint}", role="problem", wrap=True) for error in found.problems]
        for number, label in enumerate(self.problems, 1):
            label.setObjectName(f"lesson_problem_{number}")
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        self._columns = 0
        self._lay_out()
        for card in self.cards:
            card.clicked.connect(lambda _=False, key=card.lesson.key: self.lesson_wanted.emit(key))

    @property
    def finished(self) -> Collection[str]:
        """Keys of the lessons that were finished."""
        return frozenset(self._done)

    def mark_done(self, key: str) -> None:
        """A lesson was finished; the keys go to the next one."""
        self._done.add(key)
        self._show_done()
        waiting = [card for card in self.cards if card.lesson.key not in self._done]
        if waiting:
            waiting[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def remembered(self) -> State:
        """What comes back at the next start."""
        return {"done": sorted(self._done)}

    def restore(self, state: State) -> None:
        """Bring back which lessons were finished."""
        done = state.get("done")
        self._done = {key for key in done if isinstance(key, str)} if isinstance(done, list) else set()
        self._show_done()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _show_done(self) -> None:
        for card in self.cards:
            card.show_done(card.lesson.key in self._done)
        self._counted.setText(f"{len(self._done & self.lessons.keys())} of {len(self.lessons)} done")

    def _arrange(self) -> None:
        """Below each subject, as many cards in a row as there is room for; those of a row are equally tall."""
        room = self.width() - 48
        columns = max(1, (room + 12) // (theme.scaled(_CARD) + 12))
        width = (room - 12 * (columns - 1)) // columns
        for column in range(max(columns, self._grid.columnCount())):
            self._grid.setColumnMinimumWidth(column, width if column < columns else 0)
        line = 0
        for subject, heading in self._headings.items():
            cards = [card for card in self.cards if _subject(card.lesson) == subject]
            if columns != self._columns:
                self._grid.addWidget(heading, line, 0, 1, columns)
            for first in range(0, len(cards), columns):
                line += 1
                row = cards[first : first + columns]
                for place, card in enumerate(row):
                    if columns != self._columns:
                        self._grid.addWidget(card, line, place)
                    card.fit(width)
                tall = max(card.minimumHeight() for card in row)
                for card in row:
                    card.setFixedHeight(tall)
            line += 1
        self._columns = columns

    def _lay_out(self) -> None:
        title = plain_label("Lessons", role="title", name="lessons_title")
        self._counted = plain_label(role="quiet", name="lessons_counted")
        intro = plain_label(_INTRO, role="quiet", wrap=True, name="lessons_intro")
        starts = [
            button(words, f"start_{data.replace('-', '_')}", icon, says, partial(self.train_wanted.emit, data, ""))
            for words, icon, data, says in _STARTS
        ]
        own = button("Your own data…", "start_own", "open", "Import your own text or pictures", self.file_wanted.emit)
        own_lessons = plain_label(
            f"Write lessons of your own: put their files into {own_folder()}.", role="quiet", wrap=True, name="lessons_own"
        )
        inside = QWidget()
        vbox(
            plain_label("Train a model", role="title", name="starts_title"), Flow(*starts, own), 8,
            hbox(title, None, self._counted), intro, self._grid, *self.problems, 8, own_lessons, None,
            into=inside, margins=(24, 16, 24, 16), spacing=8,
        )  # fmt: skip
        scroll = named(QScrollArea(), "lessons_scroll", "Lessons")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        vbox(scroll, into=self)
        self._show_done()
