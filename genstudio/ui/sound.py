"""Playing sound: one at a time, in a process of its own, so that the window never waits for it."""

from __future__ import annotations

import contextlib
import multiprocessing
import tempfile
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from genstudio.data.audio import playback
from genstudio.events import Array

_POLL_MS = 30


class SoundPlayer(QObject):
    """`play(samples, rate)` ends what plays. `moved(seconds)` while it plays and `ended()` once; `changed()` when it is known
    whether this computer can play at all: `why_not` says why it cannot."""

    moved = Signal(float)
    ended = Signal()
    changed = Signal()
    silent = False
    """Play into nothing, at the same pace: for tests, and where there is no device."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.why_not = ""
        self.ready = self.playing = False
        self._pipe: Connection | None = None
        self._process: SpawnProcess | None = None
        self._waiting: bytes | None = None
        self._file: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._listen)
        if (app := QCoreApplication.instance()) is not None:
            app.aboutToQuit.connect(self.close)

    def prepare(self) -> None:
        """Start the process that plays, and find out whether there is a device."""
        if self._process is not None or self.why_not:
            return
        try:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=playback.serve, args=(theirs, self.silent), daemon=True)
            self._process.start()
            theirs.close()
        except (OSError, RuntimeError, ValueError) as error:
            self._fail(f"Sound cannot be played: {error}. Everything else works.")
            return
        self._timer.start()

    def play(self, samples: Array, rate: int, first: int = 0) -> None:
        """Play (T,) int16 from a sample on."""
        if self.why_not:
            return
        self.prepare()
        if self.why_not:  # the process cannot be started
            return
        self._forget()
        try:
            with tempfile.NamedTemporaryFile(prefix="genstudio-", suffix=".pcm", delete=False) as file:
                self._file = Path(file.name)
                file.write(samples.tobytes())
        except OSError as error:
            self._fail(f"Sound cannot be played: {error.strerror or error}. Everything else works.")
            return
        self.playing, self._waiting = True, playback.request(self._file, rate, first)
        self._send()

    def stop(self) -> None:
        """Be silent; nothing happens where nothing plays."""
        if self.playing:
            self._waiting = playback.STOP if self.ready else None
            self._send()
            self._over()

    def close(self) -> None:
        """End the process."""
        self._timer.stop()
        self.playing, self.ready, self._waiting = False, False, None
        self._forget()
        pipe, process, self._pipe, self._process = self._pipe, self._process, None, None
        if pipe is not None:
            pipe.close()
        if process is not None and process.pid is not None:
            process.kill()
            process.join(1)

    def _forget(self) -> None:
        """Delete what was to be played and never was."""
        if self._file is not None and (not self.ready or self._waiting is not None or self._process is None):
            self._file.unlink(missing_ok=True)
        self._file = None

    def _send(self) -> None:
        if self.ready and self._waiting is not None and self._pipe is not None:
            message, self._waiting = self._waiting, None
            with contextlib.suppress(OSError):
                self._pipe.send_bytes(message)
            self._timer.start()

    def _listen(self) -> None:
        try:
            while self._pipe is not None and self._pipe.poll():
                self._heard(self._pipe.recv_bytes())
        except (EOFError, OSError):
            self._fail(self.why_not or "Sound cannot be played: the process that plays ended. Everything else works.")

    def _heard(self, message: bytes) -> None:
        kind, rest = message[:1], message[1:]
        if kind == playback.READY:
            self.ready = True
            self.changed.emit()
            self._send()
            if not self.playing:
                self._timer.stop()
        elif kind == playback.UNABLE:
            self._fail(rest.decode())
        elif kind == playback.PLACE and self.playing:
            self.moved.emit(float(rest))
        elif kind == playback.ENDED and self.playing:
            self._over()
            self._timer.stop()

    def _over(self) -> None:
        self.playing = False
        self.ended.emit()

    def _fail(self, why: str) -> None:
        self.close()
        self.why_not = why
        self.changed.emit()
        self.ended.emit()
