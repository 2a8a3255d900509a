"""A ring around the control that a step is about. It takes no room and no clicks, and goes where the control goes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from genstudio.ui import theme
from genstudio.ui.layouts import single_shot

_WIDE, _GAP = 3, 4
_MOVES = {
    QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.LayoutRequest,
    QEvent.Type.ZOrderChange,
}  # fmt: skip


class Outline(QWidget):
    """Around one widget of a window, or nothing. Only the ring itself covers anything, so that what is under it is not
    painted twice."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("lesson_outline")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.target: QWidget | None = None
        self._watched: list[QWidget] = []
        self._later = single_shot(self)
        self._later.timeout.connect(self.place)
        theme.changed.connect(self._recolour)
        self.hide()

    def show_around(self, target: QWidget | None) -> None:
        """Follow this widget, or nothing."""
        if target is self.target and (target is None or isValid(target)):
            self.place()
            return
        for widget in self._watched:
            if isValid(widget):
                widget.removeEventFilter(self)
        self.target, self._watched = target, []
        while target is not None and not target.isWindow():
            target.installEventFilter(self)
            self._watched.append(target)
            target = target.parentWidget()
        self.place()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() in _MOVES and not self._later.isActive():
            self._later.start()  # once for all that moves together
        return False

    def area(self) -> QRect:
        """What is seen of the widget, in the window; empty where nothing is."""
        target, window = self.target, self.parentWidget()
        if target is None or window is None or not isValid(target) or not target.isVisible():
            return QRect()
        seen = QRect(target.mapTo(window, QPoint()), target.size())
        outer = target.parentWidget()
        while outer is not None and not outer.isWindow():
            seen &= QRect(outer.mapTo(window, QPoint()), outer.size())
            outer = outer.parentWidget()
        return seen

    def place(self) -> None:
        """Go to where the widget is now."""
        seen, window = self.area(), self.parentWidget()
        if seen.isEmpty() or window is None:
            self.hide()
            return
        around = seen.adjusted(-_GAP, -_GAP, _GAP, _GAP) & window.rect()
        if around != self.geometry() or self.isHidden():
            self.setGeometry(around)
            ring = QRegion(self.rect()) - QRegion(self.rect().adjusted(_WIDE + 2, _WIDE + 2, -_WIDE - 2, -_WIDE - 2))
            self.setMask(ring)
            self.show()
        self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:
        look, half = theme.current(), _WIDE / 2
        box = QRectF(self.rect()).adjusted(half, half, -half, -half)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(look.color("panel"), _WIDE + 2))  # seen on a ground of its own colour, too
            painter.drawRoundedRect(box, 7, 7)
            painter.setPen(QPen(QColor(theme.visible(theme.VERMILION)), _WIDE))
            painter.drawRoundedRect(box, 7, 7)

    def _recolour(self, _theme: object) -> None:
        self.update()
