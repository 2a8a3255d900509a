"""Messages of the window: one at a time over its page, at the lower right, the others stacked behind it."""

from __future__ import annotations

from collections.abc import Container

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QVBoxLayout, QWidget

from genstudio.ui.layouts import named, single_shot
from genstudio.ui.widgets import Banner, plain_label

_MOST = 5
_WIDTH, _MARGIN = 520, 12
NOTE_MS = 12_000
"""How long a note stays that asks for nothing; warnings and errors stay until they are closed."""


class Banners(QWidget):
    """A page, and over it the newest of at most five messages. Neither the page nor the window changes its size with them.

    Nor does the window grow with the page: in one that is too small for it, the page scrolls.
    """

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self.setObjectName("banners")
        self.shown: list[Banner] = []
        self._about: dict[Banner, tuple[str, Container[str]]] = {}
        self.room = self._page = _scrolling(page, "room_scroll", "Room", self)
        self._toast = QFrame()
        self._toast.setProperty("toast", True)
        self._more = plain_label(role="quiet", name="banner_more")
        self._column = QVBoxLayout(self._toast)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignRight)
        self._scroll = _scrolling(self._toast, "banner_scroll", "Messages", self)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.hide()
        self._toast.installEventFilter(self)
        self._leave = single_shot(self, NOTE_MS)
        self._leave.timeout.connect(self._time_out)

    def add(self, banner: Banner, text: str, about: str = "", before: Container[str] = ()) -> None:
        """Show a message before the others; the same text is shown once. `about` says what it speaks of, see `settle`: work
        that was there `before` it does not count."""
        banner.setProperty("text", text)
        self._about[banner] = about, before
        banner.dismissed.connect(lambda: self._drop(banner))
        for shown in [old for old in self.shown if old.property("text") == text] + self.shown[_MOST - 1 :]:
            self._drop(shown)
        self.shown.insert(0, banner)
        self._column.insertWidget(0, banner)
        self._scroll.verticalScrollBar().setValue(0)
        self._show()

    def settle(self, about: str, name: str = "") -> None:
        """What messages about this speak of is over, as the work of this name shows: they leave."""
        for banner in list(self.shown):
            what, before = self._about[banner]
            if about and what == about and name not in before:
                self._drop(banner)

    def dismiss_newest(self) -> bool:
        """Close the message that is seen; whether there was one."""
        if self.shown:
            self._drop(self.shown[0])
            return True
        return False

    def sizeHint(self) -> QSize:
        return self._page.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._page.setGeometry(self.rect())
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._place()
        return super().eventFilter(watched, event)

    def _drop(self, banner: Banner) -> None:
        if banner in self.shown:
            self.shown.remove(banner)
            del self._about[banner]
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            self._show()

    def _show(self) -> None:
        """The newest, and how many wait behind it."""
        for number, banner in enumerate(self.shown):
            banner.setVisible(number == 0)
        waiting = len(self.shown) - 1
        self._more.setText(f"{waiting} more message{'s' * (waiting > 1)}. Esc closes this one." if waiting > 0 else "")
        self._more.setVisible(waiting > 0)
        self._leave.start()
        self._place()

    def _time_out(self) -> None:
        """A note leaves by itself, unless it is being read with the pointer or the keys; what is wrong stays."""
        if not self.shown or self.shown[0].objectName() != "banner_info":
            return
        if self._scroll.underMouse() or self._toast.isAncestorOf(QApplication.focusWidget() or self):
            self._leave.start()
        else:
            self.dismiss_newest()

    def _place(self) -> None:
        width = min(_WIDTH, self.width() - 2 * _MARGIN)
        # as if it scrolled: a bar beside the words can break a line more, and then it is needed and stays
        narrower = width - self._scroll.verticalScrollBar().sizeHint().width()
        needed = self._column.totalHeightForWidth(narrower) if self.shown else 0
        height = min(needed, self.height() // 2)
        self._scroll.setVisible(height > 0)
        self._scroll.setGeometry(self.width() - width - _MARGIN, self.height() - height - _MARGIN, width, height)
        self._scroll.raise_()


def _scrolling(inside: QWidget, name: str, says: str, parent: QWidget) -> QScrollArea:
    scroll = named(QScrollArea(parent), name, says)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidgetResizable(True)
    scroll.setWidget(inside)
    return scroll
