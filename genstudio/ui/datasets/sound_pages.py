"""Clips of sound: a list of them, the chosen one to be seen and heard, and figures of all."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QWidget

from genstudio.data.preview import AudioLook
from genstudio.data.shelf import DatasetInfo
from genstudio.snapshots.sound import Clip
from genstudio.ui.datasets.row_pages import RowsModel, plain_table
from genstudio.ui.layouts import Flow, hbox, splitter, vbox
from genstudio.ui.numbers import duration
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.bars import NamedBars
from genstudio.ui.views.histograms import HistogramView
from genstudio.ui.views.sound import ClipView
from genstudio.ui.widgets import button, plain_label

_QUIET_CLIP = 1.0


def clip_columns(look: AudioLook) -> tuple[list[str], list[str], tuple[str, str]]:
    """What each clip is called, how long it is, and the heads of the two columns."""
    names = look.names or [f"clip {place + 1}" for place in range(len(look.seconds))]
    words = [text or name for text, name in zip(look.transcripts or names, names, strict=True)]
    title = "Transcript" if look.transcripts else "File" if look.names else "Clip"
    return words, [f"{value:.2f} s" for value in look.seconds.tolist()], (title, "Length")


class ClipsPage(QWidget):
    """`clip_wanted(index)` when another clip is chosen; `show_clip` shows it. Clicking into the clip plays from there."""

    clip_wanted = Signal(int)

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self.setObjectName(f"{prefix}clips_page")
        self.model = RowsModel()
        self.table = plain_table(f"{prefix}clips_table", "Clips", self.model)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setMinimumWidth(32)
        self.table.setMinimumWidth(150)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view = ClipView("Clip", f"{prefix}clip_view")
        self.play = button("Play", f"{prefix}clip_play", "play", "Play this clip", self._play)
        self.stop = button("Stop", f"{prefix}clip_stop", "stop", "Stop playing", self._stop)
        self.next = button("Next", f"{prefix}clip_next", "chevron-right", "Choose and play the next clip", self._play_next)
        self.said = plain_label(role="quiet", wrap=True, name=f"{prefix}clips_said")
        self.why_not = plain_label(role="quiet", wrap=True, name=f"{prefix}clips_why_not")
        self.player = SoundPlayer(self)
        right = QWidget()
        vbox(Flow(self.play, self.stop, self.next), self.why_not, (self.view, 1), into=right)
        split = splitter(f"{prefix}clips_splitter", (self.table, 1), (right, 3), sizes=(400, 600), down=False)
        vbox(self.said, (split, 1), into=self, margins=(0, 10, 0, 0))
        self._play_when_shown = False
        self._timed = False
        self.table.selectionModel().currentRowChanged.connect(lambda now, _before: self._chosen(now.row()))
        self.view.chosen.connect(self._play_from)
        self.player.moved.connect(self.view.show_place)
        self.player.ended.connect(lambda: self.view.show_place(None))
        self.player.ended.connect(self._enable)
        self.player.changed.connect(self._enable)
        self._enable()

    def clear(self) -> None:
        """Another dataset comes."""
        self._stop()
        self._play_when_shown = False
        self.view.clear()
        self.said.setText("")
        self.model.show_columns((), (), ("", ""))
        self._enable()

    def show_look(self, _info: DatasetInfo, look: AudioLook) -> None:
        self.model.show_columns(*clip_columns(look))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        silent, cut = int((look.silent >= _QUIET_CLIP).sum()), int((look.clipped > 0).sum())
        pauses = float(np.average(look.silent, weights=look.seconds))
        parts = [
            f"{len(look.seconds):,} clips, {duration(float(look.seconds.sum()))} at {look.rate:,} samples per second",
            f"loudness {np.median(look.loudness):.0f} dB", f"{pauses:.0%} silence",
        ]  # fmt: skip
        parts += [f"{cut:,} clipped"] if cut else []
        parts += [f"{silent:,} silent throughout"] if silent else []
        self.said.setText("   ·   ".join(parts))
        self.table.selectRow(0)

    def show_clip(self, clip: Clip) -> None:
        """The clip that was asked for."""
        self.view.show_snapshot(clip)
        self._enable()
        if self._play_when_shown:
            self._play_when_shown = False
            self._play()

    def go_to(self, index: int) -> None:
        """Show this clip."""
        self.table.selectRow(index)
        self.table.scrollTo(self.model.index(index, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.player.prepare()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()

    def _chosen(self, row: int) -> None:
        if 0 <= row < len(self.model.order):
            self.player.stop()
            self.clip_wanted.emit(int(self.model.order[row]))

    def _play(self) -> None:
        self._play_from(0.0)

    def _play_from(self, seconds: float) -> None:
        clip = self.view.snapshot
        if clip is not None and not self.player.why_not:
            self.player.play(clip.samples, clip.rate, int(seconds * clip.rate))
            self._enable()

    def _stop(self) -> None:
        self.player.stop()

    def _play_next(self) -> None:
        row = self.table.currentIndex().row() + 1
        if row < self.model.rowCount():
            self._play_when_shown = True
            self.table.selectRow(row)

    def _enable(self) -> None:
        can, shown = not self.player.why_not, self.view.snapshot is not None
        self.play.setEnabled(can and shown)
        self.stop.setEnabled(self.player.playing)
        self.next.setEnabled(can and self.table.currentIndex().row() + 1 < self.model.rowCount())
        self.why_not.setText(self.player.why_not)
        self.why_not.setVisible(bool(self.player.why_not) and self.why_not.parent() is not None)


class ClipFigures(QWidget):
    """How long and how loud the clips are, and how long each phone sounds where that is known."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("clip_figures")
        self.durations = HistogramView("Lengths", "clip_durations", "seconds")
        self.levels = HistogramView("Loudness", "clip_levels", "dB of full scale")
        self.phones = NamedBars("Phones", "clip_phones", "seconds", lambda value: f"{value:,.1f}")
        for figure in (self.durations, self.levels):
            figure.setMinimumWidth(180)  # both fit beside the list and the checks of the smallest window
        vbox((hbox((self.durations, 1), (self.levels, 1)), 1), (self.phones, 2), into=self, margins=(0, 12, 0, 0))

    def show_look(self, _info: DatasetInfo, look: AudioLook) -> None:
        many = f"of {len(look.seconds):,} clips"
        self.durations.show_histograms({"": look.durations}, many)
        self.levels.show_histograms({"": look.levels}, f"{many}, root mean square")
        self.phones.setVisible(bool(look.per_phone))
        self.phones.show_bars(list(look.per_phone), f"{len(look.per_phone)} phones, total seconds of each")
