"""Starting the program: the window is painted before torch is imported."""

from __future__ import annotations

import faulthandler
import sys
import traceback
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

from genstudio import __version__, paths
from genstudio.errors import Failure
from genstudio.ui.window import MainWindow


def run(arguments: list[str] | None = None) -> int:
    """Open the window and stay until it is closed."""
    QSurfaceFormat.setDefaultFormat(QSurfaceFormat())
    app = QApplication(arguments or ["genstudio"])
    app.setApplicationName("genstudio")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("genstudio")
    paths.home().mkdir(parents=True, exist_ok=True)
    with (paths.home() / "crash.log").open("a", encoding="utf-8") as crashes:
        faulthandler.enable(crashes)
        window = MainWindow()
        install_hook(window)
        window.show()
        QTimer.singleShot(0, window.begin)
        code = app.exec()
        faulthandler.disable()
    return code


def install_hook(window: MainWindow) -> None:
    """An error in any slot becomes a banner with its details; the window lives on."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        traceback.print_exception(kind, error, trace, file=sys.stderr)
        window.show_failure(Failure.of(error))

    sys.excepthook = hook
