"""Starting the program: the window is painted before torch is imported."""

from __future__ import annotations

import contextlib
import faulthandler
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication, QMessageBox

from genstudio import __version__, paths, storage
from genstudio.errors import Failure, StorageError
from genstudio.ui.layouts import named
from genstudio.ui.quitting import QuitSignals
from genstudio.ui.window import MainWindow

CRASHES = "crash.log"
UNSEEN = ("offscreen", "minimal")
MOVE = "Set the environment variable GENSTUDIO_HOME to another folder, then start again."


def run(arguments: list[str] | None = None) -> int:
    """Open the window and stay until it is closed."""
    QSurfaceFormat.setDefaultFormat(QSurfaceFormat())
    app = QApplication(arguments or ["genstudio"])
    app.setApplicationName("genstudio")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("genstudio")
    make_home(app)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            faulthandler.enable(stack.enter_context((paths.home() / CRASHES).open("a", encoding="utf-8")))
        window = MainWindow()
        install_hook(window)
        window.show()
        for text in unwritable():
            window.show_banner(text, "warning", "Change the permissions of this file.")
        QTimer.singleShot(0, window.begin)
        signals = save_at_the_end(app, window)
        code = app.exec()
        signals.close()
        faulthandler.disable()
    return code


def make_home(app: QApplication) -> None:
    """Make the folder of everything where it is not there. Raises StorageError, which a dialog says first where somebody
    can see it."""
    home = paths.home()
    try:
        storage.make_folder(home)
        storage.check_writable(home)
    except StorageError as error:
        refused = StorageError(f"genstudio keeps everything in {home}, which cannot be used. {error.message}", MOVE)
        if app.platformName() not in UNSEEN:
            refusal(refused).exec()
        raise refused from error


def refusal(error: StorageError) -> QMessageBox:
    """The dialog that says why the program cannot start."""
    box = named(QMessageBox(QMessageBox.Icon.Critical, "genstudio", error.message), "refusal")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(error.hint)
    return box


def unwritable() -> Iterator[str]:
    """What does not work because a file of the program cannot be written."""
    lost = {paths.home() / CRASHES: "crashes will not be logged",
        paths.settings_file(): "window settings will not be saved"}
    for file, what in lost.items():
        try:
            file.open("ab").close()
        except OSError as error:
            yield f"{file} cannot be written ({error.strerror}), so {what}."


def save_at_the_end(app: QApplication, window: MainWindow) -> QuitSignals:
    """Save what trains however the program is ended: by a signal, at a log-out, or without its window being closed."""

    def leave() -> None:
        try:
            window.close()
        finally:
            app.exit()  # neither a question that is open nor a fault at closing can refuse it

    app.commitDataRequest.connect(window.engine.save)
    app.aboutToQuit.connect(window.engine.close)
    return QuitSignals(leave, app)


def install_hook(window: MainWindow) -> None:
    """An error in any slot becomes a banner with its details; the window lives on."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace, file=sys.stderr)
        window.show_failure(Failure.of(error))

    sys.excepthook = hook
