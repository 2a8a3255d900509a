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
from genstudio.ui.quitting import QuitSignals
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
        signals = save_at_the_end(app, window)
        code = app.exec()
        signals.close()
        faulthandler.disable()
    return code


def save_at_the_end(app: QApplication, window: MainWindow) -> QuitSignals:
    """Save what trains however the program is ended: by a signal, at a log-out, or without its window being closed."""

    def leave() -> None:
        window.close()
        app.exit()  # a question that is open cannot refuse it

    app.commitDataRequest.connect(window.engine.save)
    app.aboutToQuit.connect(window.engine.close)
    return QuitSignals(leave, app)


def install_hook(window: MainWindow) -> None:
    """An error in any slot becomes a banner with its details; the window lives on."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace, file=sys.stderr)
        window.show_failure(Failure.of(error))

    sys.excepthook = hook
