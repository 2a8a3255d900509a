"""One slider over everything that a run showed: it goes back in time, plays, and follows a training again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QSlider, QVBoxLayout, QWidget

from genstudio.errors import Failure
from genstudio.events import Answer, Frame, Snapshot
from genstudio.tasks.film import KINDS, ExportTimeline, videos
from genstudio.tasks.timeline import CHANNELS, Moment, ReadMoments, ReadTimeline, Timeline
from genstudio.ui import theme
from genstudio.ui.datasets.parts import choice, row
from genstudio.ui.engine import Engine
from genstudio.ui.widgets import ElidedLabel, button, icon_button, plain_label, tooltip

ROOM = 96_000_000
"""Bytes of moments that are kept for scrubbing; the ones used longest ago go first."""
SPEEDS = {"Slow": 400, "Normal": 150, "Fast": 60}
"""Milliseconds a step."""
_AHEAD, _BEHIND = 12, 4
_LOOK_AGAIN_MS = 2000


class TimeMachine(QWidget):
    """A row with the slider. `moment_shown(Moment)` when there is another one to look at, `cursor_moved(step | None)` as
    soon as the slider moves; None means that the newest is followed. `failed(Failure)`.

    The panel hands every frame to `passing`, which holds back what would replace the past that is looked at.
    """

    moment_shown = Signal(object)
    cursor_moved = Signal(object)
    failed = Signal(object)

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.setObjectName("time_machine")
        self._engine = engine
        self.path, self._live = "", False
        self.steps: tuple[int, ...] = ()
        self.step: int | None = None
        self._newest: dict[str, Snapshot] = {}
        self._kept: OrderedDict[int, Moment] = OrderedDict()
        self._bytes = 0
        self._listing = self._reading = self._writing = ""
        self._asked: tuple[int, ...] = ()
        self._direction = 1
        self.play = QPushButton("Play")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.where = plain_label("", name="time_where")
        self.speed = choice("time_speed", "How fast it plays", *SPEEDS)
        self.export = button("Export", "time_export", "save", "Export as an animation or a sheet")
        self.channel: Callable[[], str] = str
        self.newest = icon_button("resume", "time_newest", "Follow the newest step again")
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
        if changed or live != self._live:
            self._live = live
            self._watch()
            self._list()

    def clear(self) -> None:
        """Forget the run."""
        self._stop_reading()
        self.play.setChecked(False)
        self.path, self.steps, self.step = "", (), None
        self._newest.clear()
        self._forget()
        self.note.setText("")
        self._show_steps()

    def passing(self, frame: Frame) -> Frame:
        """The frame without what belongs to the newest step, while another one is looked at."""
        mine = {snapshot.channel: snapshot for snapshot in frame.snapshots if snapshot.channel in CHANNELS}
        self._newest |= mine
        if any(isinstance(snapshot, Answer) and snapshot.channel == "back" for snapshot in frame.snapshots):
            self._forget()
            self.follow()
            self._list()
        if self.following or not mine:
            return frame
        return replace(frame, snapshots=tuple(s for s in frame.snapshots if s.channel not in mine))

    def go_to(self, step: int) -> None:
        """Look at the kept step next to this one."""
        if self.steps:
            self.slider.setValue(int(np.argmin([abs(there - step) for there in self.steps])))

    def follow(self) -> None:
        """Back to the newest."""
        self.play.setChecked(False)
        self._stop_reading()
        was, self.step = self.step, None
        self._show_steps()
        if was is not None:
            self.cursor_moved.emit(None)
            if self._newest:
                step = max(snapshot.step for snapshot in self._newest.values())
                self.moment_shown.emit(Moment(step, tuple(self._newest.values())))

    def tell(self, words: str) -> None:
        """Numbers of the step that is shown."""
        self.note.setText(words)

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
        if self.path and not self._listing and self.isVisible():
            self._listing = self._engine.start(ReadTimeline(self.path), self._listed, self._list_ended)

    def _listed(self, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            found = snapshot.value if isinstance(snapshot, Answer) else None
            if isinstance(found, Timeline) and found.path == self.path and found.steps != self.steps:
                self.steps = found.steps
                self._show_steps()

    def _list_ended(self, failure: Failure | None) -> None:
        self._listing = ""
        if failure is not None:
            self._again.stop()
            self.failed.emit(failure)

    def _show_steps(self) -> None:
        """The slider over all steps; it stays at its step, or at the end."""
        last = max(len(self.steps) - 1, 0)
        place = last if self.step is None or not self.steps else int(np.searchsorted(self.steps, self.step))
        self.slider.blockSignals(True)
        self.slider.setRange(0, last)
        self.slider.setPageStep(max(1, last // 10))
        self.slider.setValue(min(place, last))
        self.slider.blockSignals(False)
        for widget in (self.slider, self.play, self.speed):
            widget.setEnabled(last > 0)
        self.export.setEnabled(bool(self.steps) and not self._writing)
        self.newest.setEnabled(self.step is not None)
        self._say()

    def _say(self) -> None:
        count = len(self.steps)
        if not count:
            words = "No steps kept yet"
        elif self.step is None:
            words = f"newest of {count} steps" if self._live else f"step {self.steps[-1]:,}, last of {count}"
        else:
            words = f"step {self.step:,}, {self.slider.value() + 1} of {count}"
        self.where.setText(words)
        self.slider.setAccessibleDescription(words)

    def _moved(self, place: int) -> None:
        if place >= len(self.steps) - 1:
            self.follow()
            return
        step = self.steps[place]
        self._direction = 1 if self.step is not None and step > self.step else -1
        if self.play.isChecked():
            self._direction = 1
        self.step = step
        self.newest.setEnabled(True)
        self._say()
        self.cursor_moved.emit(step)
        if step in self._kept:
            self._show(self._kept[step])
        self._read(place)

    def _show(self, moment: Moment) -> None:
        self._kept.move_to_end(moment.step)
        if moment.damaged:
            self.note.setText(" ".join(moment.damaged))
        self.moment_shown.emit(moment)

    def _read(self, place: int) -> None:
        """Read this step and its neighbours, most of them in the direction of travel."""
        wanted = [place] + [place + self._direction * n for n in range(1, _AHEAD + 1)]
        wanted += [place - self._direction * n for n in range(1, _BEHIND + 1)]
        missing = tuple(self.steps[n] for n in wanted if 0 <= n < len(self.steps) and self.steps[n] not in self._kept)
        if not missing or (self._reading and self.steps[place] in (*self._kept, *self._asked)):
            return
        self._stop_reading()
        self._asked = missing
        path = self.path
        self._reading = self._engine.start(
            ReadMoments(path, missing),
            lambda frame: self._read_one(path, frame),
            lambda failure: self._read_ended(path, missing, failure),
        )

    def _read_one(self, path: str, frame: Frame) -> None:
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Answer) and isinstance(snapshot.value, Moment) and path == self.path:
                found = snapshot.value
                if found.step not in self._kept:
                    self._bytes += found.bytes
                self._kept[found.step] = found
                if found.step == self.step:
                    self._show(found)
        while len(self._kept) > 1 and self._bytes > ROOM:
            self._bytes -= self._kept.popitem(last=False)[1].bytes

    def _forget(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _read_ended(self, path: str, asked: tuple[int, ...], failure: Failure | None) -> None:
        if asked is self._asked:
            self._reading, self._asked = "", ()
        if failure is not None and path == self.path:
            self.failed.emit(failure)

    def _stop_reading(self) -> None:
        if self._reading:
            self._engine.stop(self._reading)
        self._reading, self._asked = "", ()

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
        elif self.step in self._kept or not self._reading:
            self.slider.setValue(self.slider.value() + 1)

    def write(self, out: str) -> None:
        """Export the run as its suffix says, of the channel that is looked at."""
        if self.path and not self._writing:
            task = ExportTimeline(self.path, out, self.channel())
            self._writing = self._engine.start(task, self._wrote, self._write_ended)
            self._show_steps()

    def _ask(self, suffix: str) -> None:
        name = f"{Path(self.path).name}{suffix}"
        chosen, _ = QFileDialog.getSaveFileName(self, "Export", name, f"{KINDS[suffix]} (*{suffix})")
        if chosen:
            self.write(chosen if Path(chosen).suffix.lower() == suffix else f"{chosen}{suffix}")

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

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        for suffix, words in KINDS.items():
            if suffix != ".mp4" or videos():
                action = menu.addAction(f"{words} ({suffix[1:].upper()})…")
                action.setObjectName(f"time_export_{suffix[1:]}")
                action.triggered.connect(lambda _=False, suffix=suffix: self._ask(suffix))
        return menu

    def _name_things(self) -> None:
        for widget, name, says in (
            (self.play, "time_play", "Play what was kept of the training"),
            (self.slider, "time_slider", "Step that is looked at"),
            (self.note, "time_note", "Numbers of the step that is looked at"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(says)
        self.play.setCheckable(True)
        theme.set_icon(self.play, "play")
        self.play.setToolTip(tooltip("Play through the steps that were kept"))
        self.slider.setToolTip(tooltip("Drag back in time; a click on a chart jumps there too"))
        self.speed.setCurrentText("Normal")

    def _lay_out(self) -> None:
        self.export.setMenu(self._export_menu())
        self.where.setMinimumWidth(self.fontMetrics().horizontalAdvance("step 100,000, 200 of 200") + 8)
        above = row(self.play, self.slider, self.where, self.newest)
        below = row(self.note, self.speed, self.export)
        above.setStretch(1, 1)
        below.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        layout.addLayout(below)
