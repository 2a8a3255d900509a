"""Being told to end by the system: a signal or a log-out saves what trains, like closing the window."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier, QTimer

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class QuitSignals(QObject):
    """Calls `does` from the event loop when a signal asks the program to end; `close()` puts the old handlers back.

    Python runs a handler only between two of its instructions, and Qt's loop may sleep for long: the byte that Python
    writes for each signal wakes it. A signal that was ignored when the program started (nohup) stays ignored.
    """

    def __init__(self, does: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._does = does
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)
        self._woke = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        self._before = {
            number: signal.signal(number, self._asked)
            for number in numbers
            if signal.getsignal(number) != signal.SIG_IGN
        }

    def close(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._woke)
        self._notifier.setEnabled(False)
        self._read.close()
        self._write.close()

    def _woken(self) -> None:
        self._read.recv(4096)

    def _asked(self, _number: int, _frame: object) -> None:
        QTimer.singleShot(0, self._does)
