"""One slider over everything that a run showed: it goes back in time, plays, and follows a training again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QPushButton, QToolButton, QWidget

from genstudio.errors import Failure
from genstudio.events import Frame, Snapshot
from genstudio.tasks.film import ExportTimeline
from genstudio.tasks.timeline import ReadTimeline, Timeline, TimelineEntry
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import choice, hbox
from genstudio.ui.marked_slider import MarkedSlider
from genstudio.ui.parts import export_menu
from genstudio.ui.train.moments import Moments
from genstudio.ui.widgets import ElidedLabel, icon_button, tooltip

SPEEDS = {"Slow": 400, "Normal": 150, "Fast": 60}
"""Milliseconds a step."""
_LOOK_AGAIN_MS = 2000


class TimeMachine(QWidget):
    """A row with the slider. `moment_shown(Moment)` when there is another one to look at, `cursor_moved(step | None)` as
    soon as the slider moves; None means that the newest is followed. `failed(Failure)`.

    The panel hands every frame to `passing`, which holds back what would replace the past that is looked at: `channels` move
    with time.
    """

    moment_shown = Signal(object)
    cursor_moved = Signal(object)
    failed = Signal(object)

    def __init__(self, engine: Engine, channels: Collection[str]) -> None:
        super().__init__()
        self._channels = frozenset(channels)
        self.setObjectName("time_machine")
        self._engine = engine
        self.path, self._live = "", False
        self.steps: tuple[int, ...] = ()
        self.step: int | None = None
        self._newest: dict[str, Snapshot] = {}
        self._milestones: set[int] = set()
        self.moments = Moments(engine, self)
        self._listing = self._writing = ""
        self._list_again = False
        self.play = QPushButton("Play")
        self.slider = MarkedSlider()
        self.where = ElidedLabel()
        self.speed = choice("time_speed", "Playback speed", *SPEEDS)
        self.export = icon_button("save", "time_export", "Export as an animation or a contact sheet")
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.channel: Callable[[], str] = str
        self.newest = icon_button("resume", "time_newest", "Follow the newest step again (Shift+F8)")
        self.note = ElidedLabel()
        self._again, self._beat = QTimer(self), QTimer(self)
        self._again.setInterval(_LOOK_AGAIN_MS)
        self._name_things()
        self._lay_out()
        self.slider.valueChanged.connect(self._moved)
        self.play.toggled.connect(self._playing)
        self.newest.clicked.connect(self.follow)
        self.speed.currentTextChanged.connect(lambda speed: self._beat.setInterval(SPEEDS[speed]))
        self._beat.timeout.connect(self._tick)
        self._again.timeout.connect(self._list)
        self.moments.arrived.connect(self._arrived)
        self.moments.failed.connect(self.failed)
        self._show_steps()

    @property
    def following(self) -> bool:
        """Whether the newest step is shown, and stays so while there are newer ones."""
        return self.step is None

    def set_run(self, path: str, live: bool) -> None:
        """The run whose time this is, and whether more of it may come."""
        changed = path != self.path
        if changed:
            self.clear()
            self.path = path
            self.moments.set_run(path)
        if changed or live != self._live:
            self._live = live
            self._say()
            self._watch()
            self._list()

    def clear(self) -> None:
        """Forget the run."""
        self.play.setChecked(False)
        self.path, self.steps, self.step = "", (), None
        self._newest.clear()
        self._milestones.clear()
        self.moments.set_run("")
        self.tell("")
        self._show_steps()

    def passing(self, frame: Frame) -> Frame:
        """The frame without what belongs to the newest step, while another one is looked at."""
        mine = {snapshot.channel: snapshot for snapshot in frame.snapshots if snapshot.channel in self._channels}
        self._newest |= mine
        if reached := {notice.step for notice in frame.notices if notice.kind == "milestone"} - self._milestones:
            self._milestones |= reached
            self._show_marks()
        if frame.back is not None:
            self._milestones = {step for step in self._milestones if step <= frame.back}
            self.moments.set_run(self.path)
            self.follow()
            self._list()
        if self.following or not mine:
            return frame
        return replace(frame, snapshots=tuple(s for s in frame.snapshots if s.channel not in mine))

    def go_to(self, step: int) -> None:
        """Look at the kept step next to this one."""
        if self.steps:
            self.slider.setValue(int(np.argmin([abs(there - step) for there in self.steps])))

    def step_by(self, count: int) -> None:
        """So many kept steps on, or back."""
        if self.slider.isEnabled():
            self.slider.setValue(self.slider.value() + count)

    def to_first(self) -> None:
        """To the first step that was kept."""
        if self.slider.isEnabled():
            self.slider.setValue(0)

    def follow(self) -> None:
        """Back to the newest."""
        self.play.setChecked(False)
        self.moments.stop()
        was, self.step = self.step, None
        self._show_steps()
        if was is not None:
            self.cursor_moved.emit(None)
            if self._newest:
                step = max(snapshot.step for snapshot in self._newest.values())
                self.moment_shown.emit(TimelineEntry("moment", step, tuple(self._newest.values())))

    def tell(self, words: str) -> None:
        """Numbers of the step that is shown."""
        self.note.setText(words)
        self.note.setVisible(bool(words))  # the position needs the room

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch()
        self._list()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._again.stop()
        self.play.setChecked(False)

    def _watch(self) -> None:
        if self._live and self.isVisible():
            self._again.start()
        else:
            self._again.stop()

    def _list(self) -> None:
        """Find out which steps there are."""
        self._list_again = bool(self._listing)
        if self.path and not self._listing and self.isVisible():
            self._listing = self._engine.start(
                ReadTimeline(self.path), on_end=self._list_ended, on_result=self._listed
            )

    def _listed(self, found: Timeline) -> None:
        if found.path == self.path and found.steps != self.steps:
            self.steps = found.steps
            self._show_steps()

    def _list_ended(self, failure: Failure | None) -> None:
        self._listing = ""
        if failure is not None:
            self._again.stop()
            self.failed.emit(failure)
        if self._list_again:
            self._list()

    def _show_steps(self) -> None:
        """The slider over all steps; it stays at its step, or at the end."""
        last = max(len(self.steps) - 1, 0)
        place = last if self.step is None or not self.steps else int(np.searchsorted(self.steps, self.step))
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
            self.slider.setPageStep(max(1, last // 10))
            self.slider.setValue(min(place, last))
        self._show_marks()
        for widget in (self.slider, self.play, self.speed):
            widget.setEnabled(last > 0)
        self.export.setEnabled(bool(self.steps) and not self._writing)
        self.newest.setEnabled(self.step is not None)
        self._say()

    def _show_marks(self) -> None:
        """The milestones of the training, each at the first step that was kept after it."""
        places = {int(np.searchsorted(self.steps, step)) for step in self._milestones}
        self.slider.set_marks(tuple(sorted(place for place in places if place < len(self.steps))))

    def _say(self) -> None:
        count = len(self.steps)
        if not count:
            words = "No snapshots yet"
        elif self.step is None:
            words = f"newest of {count:,}" if self._live else f"step {self.steps[-1]:,}, last of {count}"
        else:
            words = f"step {self.step:,}, {self.slider.value() + 1} of {count}"
        self.where.setText(words)
        self.slider.setAccessibleDescription(words)

    def _moved(self, place: int) -> None:
        if place >= len(self.steps) - 1:
            self.follow()
            return
        step = self.steps[place]
        ahead = self.play.isChecked() or (self.step is not None and step > self.step)
        self.step = step
        self.newest.setEnabled(True)
        self._say()
        self.cursor_moved.emit(step)
        if (found := self.moments.get(step)) is not None:
            self._show(found)
        self.moments.read(self.steps, place, 1 if ahead else -1)

    def _show(self, moment: TimelineEntry) -> None:
        if moment.damaged:
            self.tell(" ".join(moment.damaged))
        self.moment_shown.emit(moment)

    def _arrived(self, moment: TimelineEntry) -> None:
        if moment.step == self.step:
            self._show(moment)

    def _playing(self, on: bool) -> None:
        self.play.setText("Pause" if on else "Play")
        theme.set_icon(self.play, "pause" if on else "play")
        if not on:
            self._beat.stop()
            return
        if self.step is None:
            self.slider.setValue(0)
        self._beat.start(SPEEDS[self.speed.currentText()])

    def _tick(self) -> None:
        """On to the next step, once the one before it has been seen."""
        if self.step is None:
            self.play.setChecked(False)
        elif self.moments.get(self.step) is not None or not self.moments.reading:
            self.slider.setValue(self.slider.value() + 1)

    def write(self, out: str) -> None:
        """Export the run as its suffix says, of the channel that is looked at."""
        if self.path and not self._writing:
            task = ExportTimeline(self.path, out, self.channel())
            self._writing = self._engine.start(task, self._wrote, self._write_ended)
            self._show_steps()

    def _wrote(self, frame: Frame) -> None:
        if frame.progress is not None and frame.progress.done is not None:
            self.where.setText(f"{frame.progress.text} {frame.progress.done:.0%}")

    def _write_ended(self, failure: Failure | None) -> None:
        self._writing = ""
        self._show_steps()
        if failure is not None:
            self.failed.emit(failure)
        else:
            self.where.setText("Exported")

    def _name_things(self) -> None:
        for widget, name, says in (
            (self.play, "time_play", "Play the snapshots of the training"),
            (self.slider, "time_slider", "Step shown"),
            (self.where, "time_where", "Position in the training"),
            (self.note, "time_note", "Metrics of the step shown"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(says)
        self.play.setCheckable(True)
        theme.set_icon(self.play, "play")
        self.play.setToolTip(tooltip("Play the snapshots of the training (F7)"))
        self.slider.setToolTip(
            tooltip(
                "Drag back in time; a click on a chart jumps there too.\nF6 and F8: a step back or on, also the arrow keys.\n"
                "Shift+F6 or Home: the first step. Shift+F8 or End: the newest."
            )
        )
        self.speed.setCurrentText("Normal")

    def _lay_out(self) -> None:
        self.export.setMenu(export_menu(self, "time_export", lambda: Path(self.path).name, self.write))
        self.slider.setMinimumWidth(64)
        self.speed.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.speed.setMinimumContentsLength(4)
        hbox(
            self.play, (self.slider, 3), self.newest, (self.where, 4), (self.note, 2), self.speed, self.export, into=self,
            spacing=6,
        )  # fmt: skip
