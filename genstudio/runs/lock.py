"""One writer of a folder at a time, by a lock that the system drops when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from genstudio import storage
from genstudio.errors import RunBusyError

_BEYOND = 1 << 30  # Windows locks are mandatory: a byte far behind the text keeps the text readable
_TRIES = 5
_PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that writes a folder; pid 0 where it has not said so yet."""

    pid: int
    host: str

    @property
    def here(self) -> bool:
        """Whether this very process holds the lock."""
        return self.pid == os.getpid() and self.host == socket.gethostname()

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.pid else "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, shared: bool) -> bool:  # noqa: ARG001 - Windows has no shared locks
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class FolderLock:
    """The right to write a folder, kept in its file `lock`, which names the holder.

    `acquire` raises RunBusyError (with the holder's process and computer) or StorageError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self) -> None:
        if self.held:
            return
        with storage.translated(self.path):
            descriptor = storage.again(lambda: os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666))
            try:
                if not _patiently(descriptor):
                    raise RunBusyError(
                        f"{self.path.parent.name} is in use by {_read(self.path)}.",
                        "Close it there, or open it here without training it.",
                        self.path.parent,
                    )
                storage.again(lambda: _sign(descriptor))
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            _unlock(descriptor)
        os.close(descriptor)


def _sign(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    storage.write_all(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())


def _patiently(descriptor: int) -> bool:
    """A look at the lock (`holder`) takes it for an instant, which must not turn a writer away."""
    for _ in range(_TRIES):
        if _lock(descriptor, shared=False):
            return True
        time.sleep(_PAUSE)
    return False


def holder(folder: Path) -> Holder | None:
    """Who writes the folder; None when nobody does."""
    path = folder / "lock"
    try:
        descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    except OSError:
        return None
    try:
        if not _lock(descriptor, shared=True):
            return _read(path)
        _unlock(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _read(path: Path) -> Holder:
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(1000))
        return Holder(int(said["pid"]), str(said["host"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Holder(0, "")
