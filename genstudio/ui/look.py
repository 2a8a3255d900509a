"""How large the window shows everything: the size of text, full screen, and a mode for a projector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from genstudio.ui import theme

if TYPE_CHECKING:
    from genstudio.ui.window import MainWindow

PRESENTED = 1.5
"""Size of text on a projector, of the usual one."""


class Look:
    """Acts on a window; the chosen size of text comes back at the next start."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.presenting = False
        self._before = 1.0
        kept = window.memory.text("zoom")
        if kept in {str(zoom) for zoom in theme.ZOOMS} and float(kept) != theme.zoom():
            self._zoom(float(kept))

    def larger(self, steps: int) -> None:
        """The next larger text, or a smaller one."""
        now = min(range(len(theme.ZOOMS)), key=lambda place: abs(theme.ZOOMS[place] - theme.zoom()))
        self._choose(theme.ZOOMS[min(max(now + steps, 0), len(theme.ZOOMS) - 1)])

    def usual_size(self) -> None:
        """Text as it is at the first start."""
        self._choose(1.0)

    def full_screen(self) -> None:
        """Over the whole screen, and back."""
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def present(self) -> None:
        """Large text of high contrast over the whole screen, without menus and status bar; and back."""
        window, self.presenting = self._window, not self.presenting
        if self.presenting:
            self._before = theme.zoom()
        window.menuBar().setVisible(not self.presenting)
        window.statusBar().setVisible(not self.presenting)
        if self.presenting != window.isFullScreen():
            self.full_screen()
        self._zoom(max(PRESENTED, self._before) if self.presenting else self._before, contrast=self.presenting)
        for page in window.links.trainers().values():
            page.present(self.presenting)

    def leave(self) -> bool:
        """Back from a presentation or from full screen; whether there was one."""
        if self.presenting:
            self.present()
        elif self._window.isFullScreen():
            self.full_screen()
        else:
            return False
        return True

    def _choose(self, zoom: float) -> None:
        self._zoom(zoom)
        if not self.presenting:
            self._window.memory.set("zoom", str(zoom))

    @staticmethod
    def _zoom(zoom: float, *, contrast: bool | None = None) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.set_zoom(app, zoom, contrast=contrast)
