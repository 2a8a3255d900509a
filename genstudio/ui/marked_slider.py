"""A slider with marks under some of its places."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider

from genstudio.ui import theme

_MARK = 4
"""Height of a mark, and half of its width."""


class MarkedSlider(QSlider):
    """A horizontal slider with marks under some of its places."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.marks: tuple[int, ...] = ()

    def set_marks(self, marks: tuple[int, ...]) -> None:
        """Mark these places."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.marks:
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().color("accent"))
        for mark in self.marks:
            along = QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), mark, self.width() - handle.width())
            x, y = along + handle.width() / 2, float(min(self.height(), handle.bottom() + 2 + _MARK))
            painter.drawPolygon([QPointF(x, y - _MARK), QPointF(x - _MARK, y), QPointF(x + _MARK, y)])
        painter.end()
