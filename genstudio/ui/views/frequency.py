"""How often each character occurs, as bars: a hand-painted widget, quick for any number."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from genstudio.data.tokenizers import printable
from genstudio.ui import theme


class FrequencyView(QWidget):
    """`show_counts` takes (character, count), the most frequent first; hover for the exact count."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("frequency")
        self.setAccessibleName("Most frequent characters")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(90)
        self._counts: tuple[tuple[str, int], ...] = ()
        theme.changed.connect(self._recolour)

    def _recolour(self, _theme: object) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, 140)

    def show_counts(self, counts: tuple[tuple[str, int], ...]) -> None:
        self._counts = counts
        said = ", ".join(f"{printable(c)} {n:,}" for c, n in counts[:10])
        self.setAccessibleDescription(said)
        self.update()

    def _pitch(self) -> float:
        return max(self.width() / max(len(self._counts), 1), 14.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._counts:
            return
        look, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pitch, label = self._pitch(), 20
        room = self.height() - label - 4
        highest = self._counts[0][1]
        painter.setFont(theme.mono(theme.SMALL))
        for index, (character, count) in enumerate(self._counts[: int(self.width() / pitch)]):
            tall = max(room * count / highest, 1.0)
            left = index * pitch
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color(theme.BLUE))
            painter.drawRoundedRect(QRectF(left + 1.5, 4 + room - tall, pitch - 3, tall), 2, 2)
            painter.setPen(look.color("quiet"))
            painter.drawText(
                QRectF(left - 6, 4 + room, pitch + 12, label), Qt.AlignmentFlag.AlignCenter, printable(character)
            )

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.value_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def value_at(self, at: QPointF) -> str:
        """What the bar under a point says."""
        index = int(at.x() / self._pitch())
        if not 0 <= index < len(self._counts):
            return ""
        character, count = self._counts[index]
        return f"{printable(character)} (U+{ord(character):04X}): {count:,}"
