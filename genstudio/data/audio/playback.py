"""Playing sound in a process of its own: a driver that hangs or crashes, or waits for the interpreter's lock, takes nothing
with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

NO_DEVICE = "Sound cannot be played: no audio output device is available. Everything else works."
NO_LIBRARY = "Sound cannot be played: the package miniaudio is not installed. Everything else works."
READY, UNABLE, PLACE, ENDED = b"r", b"n", b"p", b"e"
STOP = b"s"
_BUFFER_MS, _TELL = 60, 0.04


def serve(connection: Connection, silent: bool = False) -> None:
    """What the process does: says whether there is a device (r, or n and why not), then plays what it is asked for (`request`; it
    deletes the file) until s or the next one comes, and says how far it is (p and seconds) and when it is over (e). `silent`
    plays into nothing, at the same pace."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # ALSA writes a page about every device that it does not find
    try:
        import miniaudio
    except ImportError:
        connection.send_bytes(UNABLE + NO_LIBRARY.encode())
        return
    null = miniaudio.Backend.NULL
    real = [one for one in miniaudio.get_enabled_backends() if one not in (null, miniaudio.Backend.CUSTOM)]
    backends = [null] if silent else real

    def device(rate: int) -> Any:
        return miniaudio.PlaybackDevice(
            miniaudio.SampleFormat.SIGNED16, 1, rate, _BUFFER_MS, backends=backends, app_name="genstudio"
        )

    try:
        device(48_000).close()
        connection.send_bytes(READY)
        message = b""
        while True:
            message = message or connection.recv_bytes()
            message = b"" if message == STOP else _play(connection, message, device)
    except miniaudio.MiniaudioError:
        connection.send_bytes(UNABLE + NO_DEVICE.encode())
    except (EOFError, OSError):
        return


def request(path: Path, rate: int, first: int = 0) -> bytes:
    """The message that asks for the int16 samples in a file to be played. It is short: what does not fit into a pipe would make
    the sender wait until it is read."""
    return json.dumps({"rate": rate, "first": first, "path": str(path)}).encode()


def _play(connection: Connection, message: bytes, device: Any) -> bytes:
    """Plays until the end or a message, which is returned; empty where there was none."""
    said = json.loads(message)
    samples = Path(said["path"]).read_bytes()
    Path(said["path"]).unlink(missing_ok=True)
    rate, place = int(said["rate"]), [2 * int(said["first"])]

    def pieces() -> Generator[bytes, int, None]:
        count = yield b""
        while place[0] < len(samples):
            start = place[0]
            place[0] += 2 * count
            count = yield samples[start : start + 2 * count]

    output = device(rate)
    try:
        feed = pieces()
        next(feed)
        output.start(feed)
        over = 0.0
        while not over or time.monotonic() < over:
            if connection.poll(_TELL):
                following = connection.recv_bytes()
                if following == STOP:
                    connection.send_bytes(ENDED)
                    return b""
                return following
            heard = min(place[0], len(samples)) / 2 / rate - _BUFFER_MS / 1000
            connection.send_bytes(PLACE + f"{max(heard, 0.0):.3f}".encode())
            if not over and place[0] >= len(samples):
                over = time.monotonic() + 3 * _BUFFER_MS / 1000
    finally:
        output.close()
    connection.send_bytes(ENDED)
    return b""
