"""Waves below each other, as a network is fed them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from genstudio.data.batches import SoundBatch
from genstudio.events import Array
from genstudio.ui import theme
from genstudio.ui.views.pointed import PointedFigure, moved
from genstudio.ui.views.sound import paint_wave
from genstudio.ui.views.view import LEFT, Lines, SnapshotFigure, Table, paint_empty, paint_title, write_quietly

MOST_WAVES = 16
_EDGE, _TOP, _GAP, _WORDS = 12.0, 32.0, 6.0, 16.0


class WavesView(SnapshotFigure[SoundBatch], PointedFigure[int]):
    """`show_snapshot(SoundBatch)`: up to 16 pieces of sound in two columns, what is hidden of each in grey. Point at one, or use
    the arrow keys, for what it is."""

    def __init__(self, title: str = "Waves", name: str = "waves") -> None:
        super().__init__(title, name)

    def prepare(self, snapshot: SoundBatch) -> None:
        self.hover = None
        self.setAccessibleDescription(f"{len(snapshot.waves)} pieces of sound, {snapshot.rate:,} samples per second")

    def table(self) -> Table:
        shown = self.snapshot
        if shown is None:
            return (), ()
        return ("piece", "second", "value"), (
            (row + 1, place / shown.rate, float(value))
            for row, wave in enumerate(shown.waves) for place, value in enumerate(wave[: shown.lengths[row]].tolist())
        )  # fmt: skip

    @property
    def count(self) -> int:
        """How many are shown."""
        return 0 if self.snapshot is None else min(len(self.snapshot.waves), MOST_WAVES)

    def box(self, index: int) -> QRectF:
        """Where a piece is drawn."""
        columns = 2 if self.count > 1 else 1
        rows = -(-self.count // columns)
        wide = (self.width() - 2 * _EDGE - (columns - 1) * _GAP) / columns
        tall = (self.height() - _TOP - _EDGE) / max(rows, 1)
        return QRectF(_EDGE + index % columns * (wide + _GAP), _TOP + index // columns * tall, wide, tall - _GAP)

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        paint_title(painter, self.title, "" if shown is None else f"{self.count} of {len(shown.waves)}", area)
        if shown is None:
            paint_empty(painter, area, "Waiting for the first batch")
            return
        look, most = theme.current(), shown.waves.shape[1]
        for index in range(self.count):
            box = self.box(index)
            painter.fillRect(box, look.color("raised"))
            text = shown.texts[index] if shown.texts else ""
            inside = box.adjusted(0, _WORDS if text else 2, 0, -2)
            length = int(shown.lengths[index])
            drawn = QRectF(inside.left(), inside.top(), inside.width() * length / max(most, 1), inside.height())
            if shown.hidden is not None:
                self._paint_hidden(painter, inside, shown.hidden[index])
            if length and drawn.height() > 4:
                paint_wave(painter, drawn, shown.waves[index, :length], 1.0)
            if text:
                write_quietly(painter)
                words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width() - 8))
                painter.drawText(QRectF(box.left() + 4, box.top(), box.width() - 8, _WORDS), LEFT, words)

    def _paint_hidden(self, painter: QPainter, box: QRectF, hidden: Array) -> None:
        shown = self.snapshot
        assert shown is not None
        wide = box.width() * shown.hop / max(shown.waves.shape[1], 1)
        for place in hidden.nonzero()[0].tolist():
            painter.fillRect(
                QRectF(box.left() + place * wide, box.top(), wide + 0.5, box.height()), theme.current().color("quiet", 0.35)
            )

    def mark_at(self, point: QPointF) -> int | None:
        return next((index for index in range(self.count) if self.box(index).contains(point)), None)

    def beside(self, mark: int | None, right: int, down: int) -> int | None:
        return None if not self.count else 0 if mark is None else moved(mark, right + 2 * down, self.count)

    def card(self, mark: int) -> tuple[QPointF, Lines, str]:
        shown = self.snapshot
        assert shown is not None
        wave = shown.waves[mark, : shown.lengths[mark]]
        lines: list[tuple[None, str, str]] = [(None, "seconds", f"{len(wave) / shown.rate:.2f}")]
        if len(wave):
            lines.append((None, "values", f"{wave.min():+.2f} to {wave.max():+.2f}"))
        if shown.hidden is not None:
            lines.append((None, "hidden", f"{shown.hidden[mark].mean():.0%} of the frames"))
        if shown.texts:
            lines.append((None, "spoken", shown.texts[mark]))
        return self.box(mark).center(), lines, f"Piece {mark + 1}"
