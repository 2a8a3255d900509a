"""What a model of speech makes of a clip: the wave, its spectrogram, known phones, the units that were found or the letters, on
one time axis, to be seen and heard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from genstudio.data.audio.samples import from_mu_law
from genstudio.events import Array
from genstudio.families.dashboard import Pane
from genstudio.snapshots.listening import ClipUnits, Listening
from genstudio.ui import theme
from genstudio.ui.layouts import Flow, choice, vbox
from genstudio.ui.sound import SoundPlayer
from genstudio.ui.views.patches import fill
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.sound import paint_seconds, paint_segments, paint_wave
from genstudio.ui.views.view import RIGHT, Lines, SnapshotFigure, Table, paint_empty, paint_title, write_quietly
from genstudio.ui.widgets import button, plain_label, tooltip

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _STRIP = 82.0, 14.0, 34.0, 22.0, 6.0, 20.0
_WAVE_SHARE = 0.38
_STEPS = 100
_SILENCE = 0.06
"""Seconds of silence between two stretches of a unit that are played one after the other."""


class ListeningView(SnapshotFigure[Listening], PointedFigure[float]):
    """One clip of a `Listening` at a time, the `clip`-th. `at` is where it plays, in seconds; `chosen(seconds)`: a click or
    Enter. Point at it, or use the arrow keys, for the unit, the phone or the letter there."""

    chosen = Signal(float)

    def __init__(self, title: str = "Listening", name: str = "listening") -> None:
        super().__init__(title, name)
        self.clip = 0
        self.at: float | None = None
        self._image: QImage | None = None

    def prepare(self, snapshot: Listening) -> None:
        self._image = None
        self.clip = min(self.clip, max(len(snapshot.looks) - 1, 0))
        if (look := self.look) is not None:
            heard = "".join(look.letters)
            found = f"heard: {heard or 'nothing'}" if self._writes(look) else f"{len(unit_runs(look))} stretches of units"
            self.setAccessibleDescription(f"Clip {look.clip + 1}, {self.seconds:.2f} seconds; {found}")

    def choose(self, clip: int) -> None:
        """Show another clip of the same snapshot."""
        self.clip, self.hover, self._image = max(clip, 0), None, None
        self.redraw()

    def show_place(self, seconds: float | None) -> None:
        """Where it plays; only a line moves, nothing is drawn again."""
        self.at = seconds
        self.update()

    @property
    def look(self) -> ClipUnits | None:
        """The clip that is shown."""
        shown = self.snapshot
        return None if shown is None or not shown.looks else shown.looks[min(self.clip, len(shown.looks) - 1)]

    @property
    def seconds(self) -> float:
        """How long the clip is."""
        look, shown = self.look, self.snapshot
        return 1.0 if look is None or shown is None else max(len(look.codes), 1) / shown.rate

    def table(self) -> Table:
        look, shown = self.look, self.snapshot
        if look is None or shown is None:
            return (), ()
        if self._writes(look):
            rows: Iterator[tuple[object, ...]] = (
                (letter, first * shown.hop / shown.rate, behind * shown.hop / shown.rate)
                for letter, (first, behind) in zip(look.letters, look.spans.tolist(), strict=True)
            )
            return ("letter", "from second", "to second"), rows
        return ("second", "phone", "unit"), (
            (place * shown.hop / shown.rate, self.phone_at(place * shown.hop / shown.rate), unit_name(unit))
            for place, unit in enumerate(look.units.tolist())
        )

    def frame_at(self, seconds: float) -> int:
        """The frame whose middle is nearest to a moment."""
        look, shown = self.look, self.snapshot
        if look is None or shown is None or not len(look.units):
            return -1
        return int(np.clip(round(seconds * shown.rate / shown.hop - 0.5), 0, len(look.units) - 1))

    def phone_at(self, seconds: float) -> str:
        """What sounds at a moment, where that is known."""
        look, shown = self.look, self.snapshot
        if look is None or shown is None:
            return ""
        place = seconds * shown.rate
        return next((shown.phones[which] for first, behind, which in look.segments.tolist() if first <= place < behind), "")

    def mark_at(self, point: QPointF) -> float | None:
        plot = self._plot(QRectF(self.rect()))
        inside = self.look is not None and plot.contains(point)
        return (point.x() - plot.left()) / plot.width() * self.seconds if inside else None

    def beside(self, mark: float | None, right: int, down: int) -> float | None:
        if self.look is None:
            return None
        place = -1 if mark is None else round(mark / self.seconds * _STEPS)
        return moved(place, right, _STEPS + 1) / _STEPS * self.seconds

    def take(self, mark: float) -> None:
        self.chosen.emit(mark)

    def card(self, mark: float) -> tuple[QPointF, Lines, str]:
        look, shown = self.look, self.snapshot
        assert look is not None and shown is not None
        plot = self._plot(QRectF(self.rect()))
        lines: list[tuple[None, str, str]] = []
        if phone := self.phone_at(mark):
            lines.append((None, "phone", phone))
        if len(look.units):
            lines.append((None, "unit", unit_name(look.units[self.frame_at(mark)].tolist())))
        place = mark * shown.rate / shown.hop
        letter = next(
            (name for name, (first, behind) in zip(look.letters, look.spans.tolist(), strict=True) if first <= place < behind), ""
        )
        if self._writes(look):
            lines.append((None, "letter", {"": "none", " ": "space"}.get(letter, letter)))
        return QPointF(plot.left() + mark / self.seconds * plot.width(), plot.top() + 40), lines, f"{mark:.2f} s"

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        look, shown = self.look, self.snapshot
        if look is None or shown is None:
            paint_title(painter, self.title, "", area)
            paint_empty(painter, area, "Appears with the first look at the model")
            return
        said = f"   spoken: {look.spoken}" if look.spoken else ""
        paint_title(painter, f"Clip {look.clip + 1:,}", f"step {shown.step:,}{said}", area)
        plot = self._plot(area)
        strips = self._strips(look)
        room = plot.height() - len(strips) * (_STRIP + 2) - _GAP
        wave = QRectF(plot.left(), plot.top(), plot.width(), max(_WAVE_SHARE * room, 4.0))
        paint_wave(painter, wave, from_mu_law(look.codes), float(np.abs(from_mu_law(look.codes).astype(np.int32)).max(initial=1)))
        top = wave.bottom() + 2
        for name, segments, names in strips:
            box = QRectF(plot.left(), top, plot.width(), _STRIP)
            paint_segments(painter, box, segments, names, max(len(look.codes), 1))
            self._label(painter, box, name)
            top = box.bottom() + 2
        below = QRectF(plot.left(), top + _GAP - 2, plot.width(), max(plot.bottom() - top - _GAP + 2, 4.0))
        if self._image is None:
            self._image = picture(np.ascontiguousarray(theme.mapped(look.spectrum[::-1].astype(np.float32), 0.0, 255.0)))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(below, self._image)
        self._label(painter, QRectF(below.left(), below.top(), below.width(), _STRIP), f"{shown.rate / 2000:g} kHz")
        self._label(painter, QRectF(below.left(), below.bottom() - _STRIP, below.width(), _STRIP), "0")
        paint_seconds(painter, plot, plot.bottom() + 3, self.seconds)

    def paint_hover(self, painter: QPainter) -> None:
        if self.look is not None:
            plot, look = self._plot(QRectF(self.rect())), theme.current()
            for moment, color in ((self.hover, look.color("border")), (self.at, look.color("accent"))):
                if moment is not None:
                    x = plot.left() + min(moment / self.seconds, 1.0) * plot.width()
                    painter.setPen(QPen(color, 2))
                    painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        super().paint_hover(painter)

    def _strips(self, look: ClipUnits) -> list[tuple[str, Array, tuple[str, ...]]]:
        """Stripes with their names: segments (k, 3) in samples, and what these are called."""
        shown = self.snapshot
        assert shown is not None
        found: list[tuple[str, Array, tuple[str, ...]]] = []
        if len(look.segments):
            found.append(("phones", look.segments, shown.phones))
        if len(look.units):
            for group in range(look.units.shape[1]):
                entries = int(look.units[:, group].max()) + 1
                runs = _runs(look.units[:, group]) * np.array([shown.hop, shown.hop, 1])
                title = "units" if look.units.shape[1] == 1 else f"codebook {group + 1}"
                found.append((title, runs, tuple(str(entry + 1) for entry in range(entries))))
        elif self._writes(look):
            places = np.array(
                [(first * shown.hop, behind * shown.hop, number) for number, (first, behind) in enumerate(look.spans.tolist())],
                np.int64,
            ).reshape(-1, 3)
            found.append(("letters", places, tuple(letter if letter != " " else "␣" for letter in look.letters)))
        return found

    def _writes(self, look: ClipUnits) -> bool:
        """Whether it was transcribed."""
        return not len(look.units)

    def _label(self, painter: QPainter, box: QRectF, words: str) -> None:
        write_quietly(painter)
        painter.drawText(QRectF(0, box.top(), _LEFT - 8, box.height()), RIGHT, words)

    def _plot(self, area: QRectF) -> QRectF:
        return area.adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)


class ListeningPage(QWidget):
    """A ListeningView with a choice among the clips. Play the clip, from where it is clicked, or all stretches of the unit that
    sounds there, one after the other."""

    def __init__(self, pane: Pane) -> None:
        super().__init__()
        name = pane.channels[0]
        self.setObjectName(f"listening_page_{name}")
        self.view = ListeningView(pane.title, f"listening_{name}")
        self.clip = choice(f"listening_clip_{name}", "Which clip")
        self.play_clip = button("Play", f"listening_play_{name}", "play", "Play this clip", lambda: self.play(0.0))
        self.play_unit = button("Play unit", f"listening_unit_{name}", "play", "Play one unit", self._play_unit)
        self.play_unit.setToolTip(tooltip("All stretches of one unit in the clips that are shown, one after the "
        "other: that of the "
                                          "place that was clicked last"))  # fmt: skip
        self.stop = button("Stop", f"listening_stop_{name}", "stop", "Stop playing", self._stop)
        self.said = plain_label(role="quiet", wrap=True, name=f"listening_said_{name}")
        self.why_not = plain_label(role="quiet", wrap=True, name=f"listening_why_not_{name}")
        self.player = SoundPlayer(self)
        self._place = 0.0
        self._whole = True
        row = Flow(self.clip, self.play_clip, self.play_unit, self.stop)
        vbox(row, self.said, self.why_not, (self.view, 1), into=self, spacing=4)
        self.said.hide()
        self.why_not.hide()
        self.clip.currentIndexChanged.connect(self._clip_chosen)
        self.view.chosen.connect(self.play)
        self.player.moved.connect(lambda seconds: self.view.show_place(seconds if self._whole else None))
        self.player.ended.connect(self._ended)
        self.player.changed.connect(self._enable)
        self._enable()

    def show_snapshot(self, snapshot: Listening) -> None:
        """Keep it, and show the chosen clip."""
        fill(self.clip, [f"Clip {look.clip + 1}" for look in snapshot.looks])
        self.clip.setVisible(self.clip.count() > 1)
        self.view.clip = max(self.clip.currentIndex(), 0)
        self.view.show_snapshot(snapshot)
        self._say()
        self._enable()

    def clear(self) -> None:
        """Show nothing."""
        self._stop()
        self.view.clear()
        self._say()
        self._enable()

    def play(self, seconds: float) -> None:
        """Hear the clip from a moment on."""
        look, shown = self.view.look, self.view.snapshot
        if look is not None and shown is not None:
            self._place, self._whole = seconds, True
            self.player.play(from_mu_law(look.codes), shown.rate, int(seconds * shown.rate))
            self._enable()

    def _play_unit(self) -> None:
        """The unit of the place that was clicked last, in all clips that are shown."""
        look, shown = self.view.look, self.view.snapshot
        if look is None or shown is None or not len(look.units):
            return
        unit = look.units[self.view.frame_at(self._place)]
        self._whole = False
        self.player.play(unit_sound(shown, unit), shown.rate)
        self._enable()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._stop()

    def _clip_chosen(self, index: int) -> None:
        self._stop()
        self._place = 0.0
        self.view.choose(index)
        self._say()
        self._enable()

    def _ended(self) -> None:
        self.view.show_place(None)
        self._enable()

    def _stop(self) -> None:
        self.player.stop()

    def _say(self) -> None:
        """What was heard, beside what is spoken."""
        look = self.view.look
        writes = look is not None and not len(look.units)
        if look is not None and writes:
            heard = "".join(look.letters)
            self.said.setText(f"heard: {heard or '(nothing)'}")
        self.said.setVisible(writes and self.said.parent() is not None)

    def _enable(self) -> None:
        look, can = self.view.look, not self.player.why_not
        self.play_clip.setEnabled(can and look is not None)
        self.play_unit.setEnabled(can and look is not None and len(look.units) > 0)
        self.play_unit.setVisible((look is None or len(look.units) > 0) and self.play_unit.parent() is not None)
        self.stop.setEnabled(self.player.playing)
        self.why_not.setText(self.player.why_not)
        self.why_not.setVisible(bool(self.player.why_not) and self.why_not.parent() is not None)


def unit_name(unit: list[int]) -> str:
    """A unit by its entry in each codebook.

    >>> unit_name([2, 6])
    '3.7'
    """
    return ".".join(str(entry + 1) for entry in unit)


def unit_runs(look: ClipUnits) -> Array:
    """The stretches (k, 2) of frames in which the unit stays the same: first and behind the last."""
    if not len(look.units):
        return np.zeros((0, 2), np.int64)
    edges = np.flatnonzero((look.units[1:] != look.units[:-1]).any(1)) + 1
    return np.stack([np.concatenate([[0], edges]), np.concatenate([edges, [len(look.units)]])], 1)


def unit_sound(shown: Listening, unit: Array) -> Array:
    """All stretches of a unit (groups,) in the clips that are shown, with a little silence between: (T,) int16"""
    silence, parts = np.zeros(round(_SILENCE * shown.rate), np.int16), list[Array]()
    for look in shown.looks:
        samples = from_mu_law(look.codes)
        for first, behind in unit_runs(look).tolist():
            if np.array_equal(look.units[first], unit):
                parts += [samples[first * shown.hop : behind * shown.hop], silence]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _runs(values: Array) -> Array:
    """(k, 3) first, behind the last and the value of each stretch of equal values (N,)."""
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate([[0], edges])
    return np.stack([starts, np.concatenate([edges, [len(values)]]), values[starts]], 1)
