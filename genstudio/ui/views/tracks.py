"""Versions of a clip below each other: seen on one time axis with their difference, and heard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QImage, QPainter, QPen
from PySide6.QtWidgets import QStackedWidget, QWidget

from genstudio.data.audio.measures import spectrum_of
from genstudio.data.audio.samples import from_mu_law
from genstudio.events import Array
from genstudio.families.dashboard import Pane
from genstudio.snapshots.sound import Clip, Sound, Track
from genstudio.ui import theme
from genstudio.ui.layouts import Flow, choice, vbox
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.patches import fill
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.sound import ClipView, paint_seconds, paint_segments, paint_wave
from genstudio.ui.views.view import (
    CENTRE,
    LEFT,
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    write_quietly,
)
from genstudio.ui.widgets import button, plain_label, tooltip

Mark = tuple[int, float]
"""A row and a moment of it in seconds."""
_LEGIBLE = 10.0
"""Pixels of a row in which a symbol can be read."""
_LABELS, _EDGE, _HEAD, _FOOT, _GAP, _STRIP, _WAVE = 104.0, 12.0, 32.0, 20.0, 8.0, 16.0, 26.0
_RIGHT_SHARE = 0.38
_STEPS = 100
_DEEP, _APART = 80.0, 20.0
"""Decibels below the loudest, and of difference either way, at which the colours end."""
_PER_NEPER = 20 / np.log(10)
_BUTTONS = 4
_ALL = "Compare all"


class TracksView(SnapshotFigure[Sound], PointedFigure[Mark]):
    """The tracks of one clip below each other: mels with the wave below and the segments above; beside them the difference from
    the first track's mels, or the track's alignment. `chosen(row, seconds)` on a click or Enter."""

    chosen = Signal(int, float)

    def __init__(self, title: str, name: str) -> None:
        super().__init__(title, name)
        self.playing: Mark | None = None
        self.empty = "Waiting for the model to be read"
        self._images: dict[tuple[int, str], QImage] = {}

    def prepare(self, snapshot: Sound) -> None:
        self._images = {}
        if self.hover is not None and self.hover[0] >= len(snapshot.tracks):
            self.hover = None
        said = [f"{track.version}{self._note(index)}" for index, track in enumerate(snapshot.tracks)]
        self.setAccessibleDescription("; ".join(said))

    def show_place(self, mark: Mark | None) -> None:
        """Where it plays; only a line moves, nothing is drawn again."""
        self.playing = mark
        self.update()

    @property
    def seconds(self) -> float:
        """The length of the time axis."""
        shown = self.snapshot
        return max((shown.seconds(track) for track in shown.tracks), default=1.0) if shown is not None else 1.0

    def difference(self, index: int) -> Array | None:
        """How many dB the mels of a row are above those of the first (bands, columns), as far as both reach; None for the first
        itself."""
        assert self.snapshot is not None
        first, other = self.snapshot.tracks[0].mels, self.snapshot.tracks[index].mels
        columns = min(first.shape[1], other.shape[1])
        return None if index == 0 else (other[:, :columns] - first[:, :columns]) * _PER_NEPER

    def table(self) -> Table:
        shown = self.snapshot
        if shown is None:
            return (), ()
        header = ("clip", "version", "seconds", "band", "ln mel")
        return header, _numbers(shown)

    def mark_at(self, point: QPointF) -> Mark | None:
        shown = self.snapshot
        if shown is None:
            return None
        for index in range(len(shown.tracks)):
            left, right = self._row(index)
            for box in (left, right):
                if box is not None and box.contains(point) and (box is left or self._across(index)):
                    return index, (point.x() - box.left()) / box.width() * self.seconds
        return None

    def beside(self, mark: Mark | None, right: int, down: int) -> Mark | None:
        if self.snapshot is None or not self.snapshot.tracks:
            return None
        if mark is None:
            return 0, 0.0
        place = moved(round(mark[1] / self.seconds * _STEPS), right, _STEPS + 1)
        return moved(mark[0], down, len(self.snapshot.tracks)), place / _STEPS * self.seconds

    def take(self, mark: Mark) -> None:
        self.chosen.emit(*mark)

    def card(self, mark: Mark) -> tuple[QPointF, Lines, str]:
        shown, (index, seconds) = self.snapshot, mark
        assert shown is not None
        track, (box, _) = shown.tracks[index], self._row(index)
        at = QPointF(box.left() + seconds / self.seconds * box.width(), box.center().y())
        column = round(seconds * shown.rate / shown.hop)
        lines: list[tuple[None, str, str]] = []
        if unit := self._unit_at(track, seconds * shown.rate):
            lines.append((None, "here", unit))
        if column < track.mels.shape[1]:
            band = int(track.mels[:, column].argmax())
            lines.append((None, "strongest at", f"{shown.edges[band]:,.0f} to {shown.edges[band + 1]:,.0f} Hz"))
            lines.append((None, "level there", f"{track.mels[band, column] * _PER_NEPER:.0f} dB"))
        apart = self.difference(index)
        if apart is not None and column < apart.shape[1]:
            lines.append((None, "difference here", f"{np.abs(apart[:, column]).mean():.1f} dB on average"))
        return at, lines, f"{track.version}, {seconds:.2f} s"

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        if shown is None or not shown.tracks:
            paint_title(painter, self.title, "", area)
            paint_empty(painter, area, self.empty)
            return
        words = next((track.transcript for track in shown.tracks if track.transcript), "")
        paint_title(painter, self.title, f"step {shown.step:,}{f'   {words}' if words else ''}", area)
        if self._split():
            box = self._row(0)[1]
            if box is not None and box.height() > 50 and shown.tracks[0].alignment is None:
                write_quietly(painter)
                aligned = any(track.alignment is not None for track in shown.tracks)
                legend = (
                    "Alignment below:\none row for each letter, the first at the bottom" if aligned else
                    f"Difference from {shown.tracks[0].version}:\nblue quieter, orange louder, to {_APART:.0f} dB"
                )  # fmt: skip
                painter.drawText(box, CENTRE | Qt.TextFlag.TextWordWrap, legend)
        loudest = float(max(track.mels.max() for track in shown.tracks)) * _PER_NEPER
        for index, track in enumerate(shown.tracks):
            self._paint_row(painter, index, track, loudest)
        box = self._row(len(shown.tracks) - 1)[0]
        paint_seconds(painter, box, area.bottom() - _FOOT, self.seconds)

    def paint_hover(self, painter: QPainter) -> None:
        look = theme.current()
        for mark, color in ((self.hover, look.color("border")), (self.playing, look.color("accent"))):
            if mark is not None and self.snapshot is not None and mark[0] < len(self.snapshot.tracks):
                for box in self._row(mark[0]):
                    if box is not None and (box.left() < self.width() / 2 or self._across(mark[0])):
                        x = box.left() + min(mark[1] / self.seconds, 1.0) * box.width()
                        painter.setPen(QPen(color, 2))
                        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        super().paint_hover(painter)

    def _paint_row(self, painter: QPainter, index: int, track: Track, loudest: float) -> None:
        shown = self.snapshot
        assert shown is not None
        left, right = self._row(index)
        painter.setFont(theme.font(theme.SMALL, bold=True))
        painter.setPen(theme.current().color("text"))
        label = QRectF(_EDGE, left.top(), _LABELS - _EDGE - 6, 18)
        painter.drawText(label, LEFT, painter.fontMetrics().elidedText(track.version, Qt.TextElideMode.ElideRight,
            int(label.width())))  # fmt: skip
        if (note := self._note(index)) and left.height() >= 2 * label.height():
            write_quietly(painter)
            painter.drawText(label.adjusted(0, 18, 0, 18), LEFT, note.strip(" ,()"))
        mels, wave = QRectF(left), None
        width = shown.seconds(track) / self.seconds * left.width()
        mels.setWidth(width)
        if track.segments is not None and len(track.segments) and left.height() > 3 * _STRIP:
            mels.setTop(mels.top() + _STRIP)
            strip = QRectF(left.left(), left.top(), width, _STRIP)
            paint_segments(painter, strip, track.segments, shown.units, max(shown.seconds(track) * shown.rate, 1))
        if len(track.codes) and left.height() > 2.4 * _WAVE:
            mels.setBottom(mels.bottom() - _WAVE)
            wave = QRectF(left.left(), left.bottom() - _WAVE, len(track.codes) / shown.rate / self.seconds * left.width(), _WAVE)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(mels, self._image(index, "mels", lambda: theme.mapped(
            track.mels[::-1] * _PER_NEPER, loudest - _DEEP, loudest)))  # fmt: skip
        if wave is not None:
            paint_wave(painter, wave, from_mu_law(track.codes), self._peak())
        apart = self.difference(index)
        if right is None:
            return
        if track.alignment is not None:
            shares = track.alignment
            painter.drawImage(right, self._image(index, "beside", lambda: theme.mapped(shares[::-1], 0.0, 1.0)))
            self._name_symbols(painter, right, track)
        elif apart is not None:
            box = QRectF(right.left(), mels.top(), apart.shape[1] * shown.hop / shown.rate / self.seconds * right.width(),
                         mels.height())  # fmt: skip
            painter.drawImage(box, self._image(index, "beside", lambda: theme.mapped(
                apart[::-1], -_APART, _APART, theme.DIVERGING)))  # fmt: skip

    def _name_symbols(self, painter: QPainter, box: QRectF, track: Track) -> None:
        """Each symbol in its row of the alignment, at the end that is further from where it counts; none where rows are low."""
        assert track.alignment is not None
        high = box.height() / max(len(track.symbols), 1)
        if high < _LEGIBLE:
            return
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(QColor("#FFFFFF"))
        late = track.alignment.argmax(1) * 2 >= track.alignment.shape[1]
        for row, symbol in enumerate(track.symbols):
            place = QRectF(box.left() + 4, box.bottom() - (row + 1) * high, box.width() - 8, high)
            painter.drawText(place, LEFT if late[row] else RIGHT, symbol)

    def _image(self, index: int, what: str, colours: object) -> QImage:
        if (index, what) not in self._images:
            assert callable(colours)
            self._images[index, what] = picture(np.ascontiguousarray(colours()))
        return self._images[index, what]

    def _peak(self) -> float:
        assert self.snapshot is not None
        peaks = [np.abs(from_mu_law(track.codes).astype(np.int32)).max() for track in self.snapshot.tracks if len(track.codes)]
        return float(max(peaks, default=1))

    def _note(self, index: int) -> str:
        apart = None if self.snapshot is None or not index else self.difference(index)
        return "" if apart is None else f", {np.abs(apart).mean():.1f} dB apart"

    def _split(self) -> bool:
        """Whether there is anything to show beside the mels."""
        assert self.snapshot is not None
        tracks = self.snapshot.tracks
        return len(tracks) > 1 or any(track.alignment is not None for track in tracks)

    def _across(self, index: int) -> bool:
        """Whether what is beside a row has the same time axis."""
        assert self.snapshot is not None
        return index > 0 and self.snapshot.tracks[index].alignment is None

    def _row(self, index: int) -> tuple[QRectF, QRectF | None]:
        """Where a track is drawn, and what is beside it."""
        assert self.snapshot is not None
        many = max(len(self.snapshot.tracks), 1)
        room = QRectF(self.rect()).adjusted(_LABELS, _HEAD, -_EDGE, -_FOOT - 2)
        high = max((room.height() - _GAP * (many - 1)) / many, 4.0)
        top = room.top() + index * (high + _GAP)
        if not self._split():
            return QRectF(room.left(), top, room.width(), high), None
        wide = room.width() * (1 - _RIGHT_SHARE) - _GAP
        beside = QRectF(room.left() + wide + 2 * _GAP, top, room.width() - wide - 2 * _GAP, high)
        return QRectF(room.left(), top, wide, high), beside

    def _unit_at(self, track: Track, place: float) -> str:
        assert self.snapshot is not None
        if track.segments is None:
            return ""
        units = self.snapshot.units
        return next((units[which] for first, behind, which in track.segments.tolist() if first <= place < behind), "")


class TracksPage(QWidget):
    """The clips of the newest sound of each of a pane's channels: one clip at a time, all its versions or one closely, to be seen
    and heard. The tracks of a later channel come first: what stays the same is above what changes."""

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        self.pane = pane
        name = pane.channels[0]
        self.setObjectName(f"sound_page_{name}")
        self.view = TracksView(pane.title, f"sound_{name}")
        self.close_up = ClipView(pane.title, f"sound_close_{name}")
        self.clip = choice(f"sound_clip_{name}", "Which clip")
        self.look = choice(f"sound_look_{name}", "What of it is shown", _ALL)
        self.look.setToolTip(tooltip("All versions of the clip below each other, or one of them with its spectrogram"))
        self.plays = [button("", f"sound_play_{name}_{row}", "play", "Play") for row in range(_BUTTONS)]
        self.why_not = plain_label(role="quiet", wrap=True, name=f"sound_why_not_{name}")
        self.player = SoundPlayer(self)
        self.figures = QStackedWidget()
        for figure in (self.view, self.close_up):
            self.figures.addWidget(figure)
        self._newest: dict[str, Sound] = {}
        self._row = 0
        vbox(Flow(self.clip, *self.plays, self.look), self.why_not, (self.figures, 1), into=self, spacing=4)
        for row, each in enumerate(self.plays):
            each.clicked.connect(lambda _=False, row=row: self._pressed(row))
            each.hide()
        for unused in (self.clip, self.look, self.why_not):
            unused.hide()
        self.clip.currentIndexChanged.connect(lambda _: self._clip_chosen())
        self.look.currentIndexChanged.connect(lambda _: self._show())
        self.view.chosen.connect(self.play)
        self.close_up.chosen.connect(lambda seconds: self.play(self.look.currentIndex() - 1, seconds))
        self.player.moved.connect(self._moved)
        self.player.ended.connect(self._ended)
        self.player.changed.connect(self._enable)
        self._enable()

    @property
    def shown(self) -> Sound | None:
        """The tracks of the chosen clip."""
        return self.view.snapshot

    def show_snapshot(self, snapshot: Sound) -> None:
        """Keep the newest of each channel, and show the chosen clip."""
        self._newest[snapshot.channel] = snapshot
        fill(self.clip, list(dict.fromkeys(track.clip for track in self._tracks())))
        self.clip.setVisible(self.clip.count() > 1)
        self._show()

    def clear(self) -> None:
        """Show nothing."""
        self._stop()
        self._newest.clear()
        self.view.clear()
        self.close_up.clear()
        self._enable()

    def play(self, row: int, seconds: float = 0.0) -> None:
        """Hear a row from a moment on."""
        shown = self.shown
        if shown is None or not 0 <= row < len(shown.tracks) or not len(shown.tracks[row].codes):
            return
        self._row = row
        self.player.play(from_mu_law(shown.tracks[row].codes), shown.rate, int(seconds * shown.rate))
        self._enable()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()

    def _pressed(self, row: int) -> None:
        if self.player.playing and row == self._row:
            self._stop()
        else:
            self.play(row)

    def _tracks(self) -> list[Track]:
        order = [channel for channel in reversed(self.pane.channels) if channel in self._newest]
        return [track for channel in order for track in self._newest[channel].tracks]

    def _show(self) -> None:
        newest = next((self._newest[channel] for channel in self.pane.channels if channel in self._newest), None)
        if newest is None:
            return
        tracks = tuple(track for track in self._tracks() if track.clip == self.clip.currentText())
        shown = Sound(newest.channel, newest.step, tracks, newest.rate, newest.hop, newest.edges, newest.units)
        fill(self.look, [_ALL, *(track.version for track in tracks)])
        closely = self.look.currentIndex() - 1
        closely = closely if closely >= 0 and len(tracks[closely].codes) else -1
        self.view.show_snapshot(shown)
        self.look.show()
        if closely >= 0:
            self.close_up.show_snapshot(_clip_of(shown, closely))
        self.figures.setCurrentIndex(0 if closely < 0 else 1)
        for row, each in enumerate(self.plays):
            heard = row < len(tracks) and len(tracks[row].codes) > 0
            each.setVisible(heard)
            if heard:
                each.setText(tracks[row].version)
        self._enable()

    def _clip_chosen(self) -> None:
        self._stop()
        self._show()

    def _moved(self, seconds: float) -> None:
        self.view.show_place((self._row, seconds))
        self.close_up.show_place(seconds if self.look.currentIndex() - 1 == self._row else None)

    def _ended(self) -> None:
        self.view.show_place(None)
        self.close_up.show_place(None)
        self._enable()

    def _stop(self) -> None:
        self.player.stop()

    def _enable(self) -> None:
        for row, each in enumerate(self.plays):
            playing = self.player.playing and row == self._row
            each.setEnabled(not self.player.why_not)
            theme.set_icon(each, "stop" if playing else "play")
            each.setAccessibleName(f"{'Stop' if playing else 'Play'} {each.text()}")
        self.why_not.setText(self.player.why_not)
        self.why_not.setVisible(bool(self.player.why_not) and self.why_not.parent() is not None)


def _clip_of(shown: Sound, row: int) -> Clip:
    """A track as it is looked at closely."""
    track = shown.tracks[row]
    samples = from_mu_law(track.codes)
    segments = np.zeros((0, 3), np.int64) if track.segments is None else track.segments
    decibels = track.mels * _PER_NEPER
    return Clip(
        -1, samples, shown.rate, spectrum_of(samples, shown.rate, shown.hop), decibels - decibels.max(), shown.edges,
        shown.hop, segments, shown.units, track.transcript, f"{track.clip}, {track.version}",
    )  # fmt: skip


def _numbers(shown: Sound) -> Iterator[tuple[str, str, float, int, float]]:
    for track in shown.tracks:
        for (band, column), value in np.ndenumerate(track.mels):
            yield track.clip, track.version, column * shown.hop / shown.rate, band + 1, float(value)
