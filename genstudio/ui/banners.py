"""The banners of the window, above its page."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from genstudio.ui.layouts import named
from genstudio.ui.widgets import Banner

_MOST = 3


class Banners(QWidget):
    """A page with at most three banners above it, the newest first.

    Banners take their room from the page and scroll where they need more than a third of the height: neither the size of
    the window nor its smallest size changes with them.
    """

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self.setObjectName("banners")
        self.shown: list[Banner] = []
        self._page = page
        page.setParent(self)
        self._strip = QWidget()
        self._column = QVBoxLayout(self._strip)
        self._column.setContentsMargins(12, 0, 12, 4)
        self._column.setSpacing(4)
        self._scroll = named(QScrollArea(self), "banner_scroll", "Messages")
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(self._strip)
        self._scroll.hide()
        self._strip.installEventFilter(self)

    def add(self, banner: Banner, text: str) -> None:
        """Show a banner above the others; the same text is shown once."""
        banner.setProperty("text", text)
        banner.dismissed.connect(lambda: self._drop(banner))
        for shown in [old for old in self.shown if old.property("text") == text] + self.shown[_MOST - 1 :]:
            self._drop(shown)
        self.shown.insert(0, banner)
        self._column.insertWidget(0, banner)
        banner.show()
        self._scroll.verticalScrollBar().setValue(0)
        self._place()

    def dismiss_newest(self) -> bool:
        """Close the newest banner; whether there was one."""
        if self.shown:
            self._drop(self.shown[0])
            return True
        return False

    def sizeHint(self) -> QSize:
        return self._page.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self._page.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._place()
        return super().eventFilter(watched, event)

    def _drop(self, banner: Banner) -> None:
        if banner in self.shown:
            self.shown.remove(banner)
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            self._place()

    def _place(self) -> None:
        width, height = self.width(), self.height()
        needed = self._column.totalHeightForWidth(width) if self.shown else 0
        strip = min(needed, height // 3)
        self._scroll.setVisible(strip > 0)
        self._scroll.setGeometry(0, 0, width, strip)
        self._page.setGeometry(0, strip, width, height - strip)
