"""Files that are either whole or not there: staged beside their place, synced, renamed once.

Every system call goes through `os`, so that a test can let each of them fail in turn.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import itertools
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from genstudio.errors import StorageError

T = TypeVar("T")

_STRAY = re.compile(r"\.(new|old|gone)-([0-9a-f]{8})-(\d+)-(\d+)-(.*)", re.DOTALL)
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_DAY = 86_400.0
_PIECE = 1 << 24
_TRANSIENT = {errno.EIO, errno.EINTR, errno.EAGAIN, errno.EBUSY, getattr(errno, "ESTALE", errno.EIO)}
_SHARING = {5, 32, 33}  # Windows: a virus scanner or an indexer holds the file for a moment
_counter = itertools.count()
_mine: set[str] = set()

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SAFE = "What was saved before is intact."


def size_text(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def storage_error(error: OSError, place: Path, needed: int = 0) -> StorageError:
    """The sentence for what the system refused."""
    folder = place if place.is_dir() else place.parent
    code = error.errno
    amount = f"{size_text(needed)} " if needed else ""
    if code in _FULL:
        free = _free(folder)
        have = f", where {size_text(free)} are free" if free is not None else ""
        return StorageError(
            f"The disk is full: {amount}could not be written to {folder}{have}. {_SAFE}",
            "Free some space or choose another folder, then save again.",
            place,
        )
    if code == errno.EFBIG:
        text, hint = (
            f"is larger ({amount.strip()}) than the file system allows",
            "Choose a folder on another disk.",
        )
    elif code == errno.EROFS:
        text, hint = "is on a read-only disk", "Choose a folder on another disk."
    elif code in (errno.EACCES, errno.EPERM):
        text, hint = "is write-protected", "Change the folder's permissions or choose another folder."
    elif code in (errno.ENOENT, errno.ENOTDIR):
        text, hint = "is gone", "Connect its disk again or choose another folder, then save again."
    elif code == errno.EIO:
        text, hint = "could not be written: the disk reported an error twice", "Check the disk or choose another folder."
    elif code == errno.ENAMETOOLONG:
        text, hint = "has a name that is too long", "Choose a folder with a shorter path."
    else:
        text, hint = f"could not be written ({error.strerror or type(error).__name__})", "Choose another folder."
    subject = str(place) if code in (errno.EFBIG, errno.ENAMETOOLONG) else f"The folder {folder}"
    return StorageError(f"{subject} {text}. {_SAFE}", hint, place)


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


@contextlib.contextmanager
def translated(place: Path, needed: int = 0) -> Iterator[None]:
    """Turns an OSError of the block into a StorageError that names the folder."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, place, needed) from error


def again(action: Callable[[], T]) -> T:
    """The action's result; one passing fault of the disk or network is absorbed by a second try."""
    try:
        return action()
    except OSError as error:
        if error.errno not in _TRANSIENT and getattr(error, "winerror", None) not in _SHARING:
            raise
    return action()


def sync_file(descriptor: int) -> None:
    """What was written is on the disk (F_FULLFSYNC on macOS, where fsync leaves it in the drive's cache)."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Names made or changed in the folder are on the disk; Windows has no such call and needs none."""
    if os.name == "nt":
        return

    def attempt() -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)

    again(attempt)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Every byte of `data`, however many the system takes at a time."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view[:_PIECE]) :]


def _write_new(path: Path, data: bytes | memoryview, sync: bool) -> None:
    """A retry writes a whole new file: after a failed fsync the system may have dropped what it held."""

    def attempt() -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            write_all(descriptor, data)
            if sync:
                sync_file(descriptor)
            if os.fstat(descriptor).st_size != len(data):
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        finally:
            os.close(descriptor)

    again(attempt)


def _stray(place: Path, kind: str) -> Path:
    name = f".{kind}-{_HOST}-{os.getpid()}-{next(_counter)}-{place.name}"
    return place.with_name(name[:200])


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """The file holds `data`, or what it held before. Its mode follows the umask. Raises StorageError."""
    with translated(path, len(data)):
        stage = _stray(path, "new")
        _mine.add(stage.name)
        try:
            _write_new(stage, data, sync)
            again(lambda: os.replace(stage, path))
        except OSError:
            with contextlib.suppress(OSError):
                stage.unlink()
            raise
        finally:
            _mine.discard(stage.name)
        if sync:
            sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """The folder and those above it exist, and stay so after a power cut. Raises StorageError."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with translated(path):
        with contextlib.suppress(FileExistsError):
            again(path.mkdir)
        if not path.is_dir():
            raise StorageError(f"{path} is a file, but a folder is needed here.", "Move it or choose another folder.",
                path)
        sync_folder(path.parent)


def is_folder(path: Path) -> bool:
    """Whether it is a folder; one that cannot be asked about is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def listed(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing where it is not there or cannot be read to its end."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def check_writable(folder: Path) -> None:
    """Raises StorageError where no file can be made in the folder: better known before the first step."""
    probe = _stray(folder / "probe", "gone")
    with translated(folder):
        again(probe.mkdir)
        probe.rmdir()


@dataclass(frozen=True, slots=True)
class Written:
    """What a manifest says of a file."""

    name: str
    size: int
    sha256: str


class StagedFolder:
    """A folder that appears with all its files at once, or not at all.

        with StagedFolder(place) as stage:
            stage.write("model.safetensors", data)
            stage.commit()

    Left without `commit`, nothing remains. A folder already in that place is replaced; a fault in between is mended by
    `sweep`, which puts the old one back. Raises StorageError.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.written: list[Written] = []
        self._stage = _stray(place, "new")
        self._size = 0

    def __enter__(self) -> Self:
        _mine.add(self._stage.name)
        try:
            with translated(self.place):
                again(self._stage.mkdir)
        except StorageError:
            _mine.discard(self._stage.name)
            raise
        return self

    def write(self, name: str, data: bytes | memoryview, *, sync: bool = True) -> Written:
        """A file of the folder, on the disk when this returns."""
        self._size += len(data)
        with translated(self.place, self._size):
            _write_new(self._stage / name, data, sync)
        self.written.append(Written(name, len(data), hashlib.sha256(data).hexdigest()))
        return self.written[-1]

    def make_folder(self, name: str) -> None:
        """An empty folder within."""
        with translated(self.place):
            again((self._stage / name).mkdir)

    def commit(self, *, replace: bool = True) -> bool:
        """Everything written so far is in its place from now on. Without `replace`, False where that is taken."""
        with translated(self.place, self._size):
            sync_folder(self._stage)
            old = _stray(self.place, "old") if replace and self.place.exists() else None
            if old is not None:
                again(lambda: self.place.rename(old))
            try:
                again(lambda: self._stage.rename(self.place))
            except OSError as error:
                if not replace and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                    return False
                if old is not None:
                    old.rename(self.place)
                raise
            sync_folder(self.place.parent)
        if old is not None:
            discard(old)
        return True

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._stage, ignore_errors=True)
        _mine.discard(self._stage.name)


def move_aside(place: Path) -> Path:
    """The folder under a name that nobody lists and `sweep` removes. Raises StorageError."""
    gone = _stray(place, "gone")
    with translated(place):
        again(lambda: place.rename(gone))
    return gone


def discard(place: Path) -> None:
    """Takes a folder or file away: renamed first, so it is never seen half-removed. What resists is left to `sweep`."""
    gone = _stray(place, "gone")
    with contextlib.suppress(OSError):
        place.rename(gone)
        if gone.is_dir() and not gone.is_symlink():
            shutil.rmtree(gone, ignore_errors=True)
        else:
            gone.unlink()


def sweep(folder: Path, *, alone: bool = False) -> int:
    """Mends what dead writers left: half-written stages go, a folder moved aside for one that never came returns.

    `alone`: nobody else can be writing here (a lock is held). Otherwise strays of living processes stay, and those of
    other computers for a day. Returns how many were seen to.
    """
    if not folder.is_dir():
        return 0
    count = 0
    with translated(folder):
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            found = _STRAY.fullmatch(entry.name)
            if found is None or entry.name in _mine:
                continue
            with contextlib.suppress(FileNotFoundError):
                if alone or _abandoned(entry, found[2], int(found[3])):
                    again(functools.partial(_mend, Path(entry.path), found[1], found[5]))
                    count += 1
    return count


def _mend(stray: Path, kind: str, name: str) -> None:
    place = stray.with_name(name) if name else stray
    if kind == "old" and not place.exists():
        stray.rename(place)
    elif stray.is_dir() and not stray.is_symlink():
        shutil.rmtree(stray, ignore_errors=True)
    else:
        stray.unlink()


def _abandoned(entry: os.DirEntry[str], host: str, process: int) -> bool:
    if host == _HOST and (process == os.getpid() or not alive(process)):
        return True
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _DAY


def alive(process: int) -> bool:
    """Whether a process of this computer runs under the number."""
    import psutil

    with contextlib.suppress(OverflowError):  # no process has so long a number
        return psutil.pid_exists(process)
    return False
