"""Sound on one time axis: its wave, its phones where they are known, its spectrogram and its mel spectrogram."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.sound import Clip
from genstudio.ui import theme
from genstudio.ui.views.chart import tick_text, ticks
from genstudio.ui.views.picture_grid import packed
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.view import (
    CENTRE,
    RIGHT,
    Lines,
    SnapshotFigure,
    Table,
    paint_empty,
    paint_title,
    polyline,
    write_quietly,
)

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _STRIP = 58.0, 14.0, 34.0, 22.0, 8.0, 18.0
_BEYOND = 8.0
"""Pixels by which the words of a time axis may reach beyond it."""
_SHARES = 0.26, 0.4, 0.34
_STEPS = 100
"""Places that the arrow keys go to."""
_DEEP = 80.0


class ClipView(SnapshotFigure[Clip], PointedFigure[float]):
    """`show_snapshot(Clip)`; `at` is where it plays, in seconds, None while it is silent. `chosen(seconds)`: somebody clicked a
    moment. Point at it, or use the arrow keys, for its numbers."""

    chosen = Signal(float)

    def __init__(self, title: str = "Clip", name: str = "clip") -> None:
        super().__init__(title, name)
        self.at: float | None = None
        self.empty = "Choose a clip"
        self._images: tuple[QImage, QImage] | None = None

    def prepare(self, snapshot: Clip) -> None:
        self.hover, self.at, self._images = None, None, None
        said = f"{snapshot.seconds:.2f} seconds at {snapshot.rate:,} samples per second"
        self.setAccessibleDescription(f"{said}: {snapshot.transcript}" if snapshot.transcript else said)

    def clear(self) -> None:
        self.at = None
        super().clear()

    def show_place(self, seconds: float | None) -> None:
        """Where it plays; only a line moves, nothing is drawn again."""
        self.at = seconds
        self.update()

    def table(self) -> Table:
        shown = self.snapshot
        if shown is None:
            return (), ()
        rows = ((place / shown.rate, int(value)) for place, value in enumerate(shown.samples.tolist()))
        return ("seconds", "sample"), rows

    def mark_at(self, point: QPointF) -> float | None:
        if self.snapshot is None:
            return None
        plot = self._plot(QRectF(self.rect()))
        inside = plot.left() <= point.x() <= plot.right() and plot.top() <= point.y() <= plot.bottom()
        return (point.x() - plot.left()) / plot.width() * self.snapshot.seconds if inside else None

    def beside(self, mark: float | None, right: int, down: int) -> float | None:
        if self.snapshot is None:
            return None
        place = -1 if mark is None else round(mark / self.snapshot.seconds * _STEPS)
        return moved(place, right, _STEPS + 1) / _STEPS * self.snapshot.seconds

    def take(self, mark: float) -> None:
        self.chosen.emit(mark)

    def card(self, mark: float) -> tuple[QPointF, Lines, str]:
        shown = self.snapshot
        assert shown is not None
        plot = self._plot(QRectF(self.rect()))
        lines: list[tuple[None, str, str]] = []
        phone = self.phone_at(mark)
        if phone:
            lines.append((None, "phone", phone))
        start = int(mark * shown.rate)
        near = shown.samples[max(0, start - 80) : start + 80].astype(np.float64) / 32767
        level = 20 * np.log10(max(float(np.sqrt(np.mean(near * near))) if len(near) else 0.0, 1e-5))
        lines.append((None, "level", f"{level:.0f} dB"))
        column = min(round(mark * shown.rate / shown.hop), shown.spectrogram.shape[1] - 1)
        loudest = int(shown.spectrogram[:, column].argmax()) * shown.rate / 2 / (len(shown.spectrogram) - 1)
        lines.append((None, "strongest at", f"{loudest:,.0f} Hz"))
        at = QPointF(plot.left() + mark / shown.seconds * plot.width(), plot.top() + 40)
        return at, lines, f"{mark:.2f} s"

    def phone_at(self, seconds: float) -> str:
        """What sounds at a moment, where that is known."""
        shown = self.snapshot
        if shown is None:
            return ""
        place = seconds * shown.rate
        return next((shown.phones[which] for first, behind, which in shown.segments.tolist() if first <= place < behind), "")

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        if shown is None:
            paint_title(painter, self.title, "", area)
            paint_empty(painter, area, self.empty)
            return
        note = f"{shown.seconds:.2f} s, {shown.rate / 1000:g} kHz"
        title = f"Clip {shown.index + 1:,}" if shown.index >= 0 else self.title
        paint_title(painter, title, f"{note}   {shown.transcript or shown.name}", area)
        wave, strip, spectrum, mels = self._panels(area)
        if spectrum.height() < 12:
            return
        paint_wave(painter, wave, shown.samples, float(np.abs(shown.samples).max(initial=1)))
        if strip is not None:
            paint_segments(painter, strip, shown.segments, shown.phones, len(shown.samples))
        if self._images is None:
            self._images = _image(shown.spectrogram), _image(shown.mels)
        for box, image in zip((spectrum, mels), self._images, strict=True):
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(box, image)
        half, edges = shown.rate / 2, shown.mel_edges
        round_ones = ticks(0, half, max(2, int(spectrum.height() / 28)))
        self._frequencies(painter, spectrum, [(hz, hz / half) for hz in round_ones if hz])
        named = [hz for hz in (250, 500, 1000, 2000, 4000, 8000, 16000) if hz < half]
        self._frequencies(
            painter, mels, [(hz, float(np.interp(hz, edges, np.arange(len(edges)))) / (len(edges) - 1)) for hz in named]
        )
        for box, words in ((spectrum, "Hz"), (mels, "mel")):
            self._say(painter, box, words)
        self._seconds(painter, area, shown)

    def paint_hover(self, painter: QPainter) -> None:
        shown = self.snapshot
        if shown is not None:
            plot, look = self._plot(QRectF(self.rect())), theme.current()
            for moment, color in ((self.hover, look.color("border")), (self.at, look.color("accent"))):
                if moment is not None:
                    x = plot.left() + min(moment / shown.seconds, 1.0) * plot.width()
                    painter.setPen(QPen(color, 2))
                    painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        super().paint_hover(painter)

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)

    def _panels(self, area: QRectF) -> tuple[QRectF, QRectF | None, QRectF, QRectF]:
        plot, known = self._plot(area), self.snapshot is not None and len(self.snapshot.segments) > 0
        room = plot.height() - 2 * _GAP - (_STRIP if known else 0)
        heights = [max(share * room, 0.0) for share in _SHARES]
        wave = QRectF(plot.left(), plot.top(), plot.width(), heights[0])
        strip = QRectF(plot.left(), wave.bottom(), plot.width(), _STRIP) if known else None
        below = (strip or wave).bottom() + _GAP
        spectrum = QRectF(plot.left(), below, plot.width(), heights[1])
        return wave, strip, spectrum, QRectF(plot.left(), spectrum.bottom() + _GAP, plot.width(), heights[2])

    def _frequencies(self, painter: QPainter, box: QRectF, marks: list[tuple[float, float]]) -> None:
        """Frequencies (Hz) with the share of the height that they lie at."""
        write_quietly(painter)
        last = box.bottom() + 20
        for hz, share in marks:
            y = box.bottom() - share * box.height()
            if last - y >= 14:
                painter.drawText(QRectF(0, y - 8, _LEFT - 6, 16), RIGHT, tick_text(hz))
                last = y

    def _say(self, painter: QPainter, box: QRectF, words: str) -> None:
        """What a panel shows, inside its top left corner."""
        painter.setFont(theme.font(theme.SMALL))
        wide = painter.fontMetrics().horizontalAdvance(words) + 10
        back = QRectF(box.left() + 4, box.top() + 4, wide, 16)
        painter.fillRect(back, theme.current().color("panel", 0.8))
        painter.setPen(theme.current().color("quiet"))
        painter.drawText(back, CENTRE, words)

    def _seconds(self, painter: QPainter, area: QRectF, shown: Clip) -> None:
        plot = self._plot(area)
        paint_seconds(painter, plot, plot.bottom() + 3, shown.seconds)


def paint_seconds(painter: QPainter, plot: QRectF, top: float, seconds: float) -> None:
    """A time axis under a plot that is so many seconds wide; the last moment stays within the figure."""
    write_quietly(painter)
    for value in ticks(0, seconds, max(2, int(plot.width() / 80))):
        words = f"{tick_text(value)} s"
        wide = painter.fontMetrics().horizontalAdvance(words) + 2
        x = min(plot.left() + value / seconds * plot.width() - wide / 2, plot.right() + _BEYOND - wide)
        painter.drawText(QRectF(x, top, wide, 16), CENTRE, words)


def paint_wave(painter: QPainter, box: QRectF, samples: Array, peak: float) -> None:
    """The envelope of samples (T,) over the width of a box; `peak` reaches its upper edge."""
    look = theme.current()
    painter.setPen(look.color("line"))
    painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
    low, high = envelope(samples, max(2, int(box.width())))
    scale = box.height() / 2 / max(peak, 1.0)
    x = box.left() + np.arange(len(low)) * box.width() / max(len(low), 1)
    outline = np.concatenate([high, low[::-1]])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = look.color(theme.visible(theme.BLUE))
    painter.setPen(QPen(color, 1))
    painter.setBrush(color)
    painter.drawPolygon(polyline(np.concatenate([x, x[::-1]]), box.center().y() - outline * scale))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_segments(painter: QPainter, box: QRectF, segments: Array, names: tuple[str, ...], length: float) -> None:
    """Segments (k, 3) of `length` samples as coloured stripes over the width of a box, each with its name where it fits."""
    look = theme.current()
    painter.setFont(theme.font(theme.SMALL, tabular=True))
    for first, behind, which in segments.tolist():
        left = box.left() + first / length * box.width()
        part = QRectF(left, box.top(), (behind - first) / length * box.width(), box.height())
        name = names[which]
        painter.fillRect(part.adjusted(0, 1, -1, -1), look.color(theme.CYCLE[which % len(theme.CYCLE)], 0.3))
        if painter.fontMetrics().horizontalAdvance(name) < part.width() - 2:
            painter.setPen(look.color("text"))
            painter.drawText(part, CENTRE, name)


def envelope(samples: Array, columns: int) -> tuple[Array, Array]:
    """The least and the largest sample of each column (at most as many as there are samples)."""
    columns = min(columns, len(samples))
    starts = np.arange(columns) * len(samples) // max(columns, 1)
    if not columns:
        return np.zeros(0), np.zeros(0)
    return np.minimum.reduceat(samples, starts).astype(np.float64), np.maximum.reduceat(samples, starts).astype(np.float64)


def _image(decibels: Array) -> QImage:
    """(F, N) in dB below the loudest -> a picture with the lowest frequency at its bottom."""
    colors = np.ascontiguousarray(packed(theme.mapped(decibels[::-1], -_DEEP, 0.0)[None])[0])
    return QImage(colors.data, colors.shape[1], colors.shape[0], colors.strides[0], QImage.Format.Format_RGB32).copy()
