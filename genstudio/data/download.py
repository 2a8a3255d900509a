"""Downloading a file whose size and hash are known, without ever making anybody wait for the network.

A thread of its own reads and writes; the generator looks after it a few times a second. What a broken connection left
is kept in a `.part` file and continued (RFC 9110, 14.2 and 13.1.5); a cancelled download leaves nothing.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genstudio import storage
from genstudio.data import web
from genstudio.data.catalogue import Part
from genstudio.data.info import small_json
from genstudio.data.work import Work
from genstudio.errors import DataError, GenstudioError

_BLOCK = 1 << 16
_SPACE_EVERY = 1 << 24
_WAIT = 0.02
_TRIES = 4
SPARE = 64 << 20
"""Bytes that must stay free on the disk."""


@dataclass(frozen=True)
class Patience:
    """`timeout`: seconds to wait for an answer or the next bytes; `pause`: seconds before another try."""

    timeout: float = 20.0
    pause: float = 2.0


def fetch(part: Part, folder: Path, patience: Patience | None = None) -> Work[Path]:
    """Download a file into `folder`; yields the fraction done. A file that is there whole is not fetched again.

    Raises DataError where no address gives the right file, StorageError where the disk is full. What was received
    until a connection broke is kept for the next try, unless it proved wrong.
    """
    storage.make_folder(folder)
    work = _Work(part, folder / part.name, patience or Patience())
    thread = threading.Thread(target=work.run, name=f"download {part.name}", daemon=True)
    thread.start()
    try:
        while not work.ended.wait(_WAIT):
            yield min(work.received / part.bytes, 1.0)
    except GeneratorExit:
        work.cancel()
        thread.join(1.0)
        work.clean()
        raise
    thread.join()
    if work.failure is not None:
        raise work.failure
    return work.place


class _Work:
    """One download, run on a thread of its own. Only `received`, `ended` and `failure` are read from outside."""

    def __init__(self, part: Part, place: Path, patience: Patience) -> None:
        self.part, self.place, self.patience = part, place, patience
        self.stage = place.with_name(place.name + ".part")
        self.note = place.with_name(place.name + ".part.json")
        self.received = 0
        self.ended = threading.Event()
        self.failure: GenstudioError | None = None
        self._stop = threading.Event()
        self._response: Any = None

    def run(self) -> None:
        try:
            with self._alone():
                self._all_places()
        except GenstudioError as error:
            self.failure = error
        except OSError as error:
            self.clean()
            self.failure = storage.storage_error(error, self.place, self.part.bytes)
        finally:
            self.ended.set()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes must not write the same file. Raises DataError."""
        claim = self.place.with_name(f"{self.place.name}.lock")
        for _ in range(2):
            try:
                claim.open("x").close()
                break
            except FileExistsError:
                owner = _number(claim)
                if owner != os.getpid() and storage.alive(owner):
                    raise DataError(
                        f"{self.part.name} is already being downloaded by another genstudio.",
                        "Wait until it has finished.",
                        self.place,
                    ) from None
                claim.unlink(missing_ok=True)
        claim.write_text(str(os.getpid()), "ascii")
        try:
            yield
        finally:
            claim.unlink(missing_ok=True)

    def cancel(self) -> None:
        """Have the thread end soon, even where it waits for bytes that do not come."""
        self._stop.set()
        response = self._response
        with contextlib.suppress(OSError, AttributeError, ValueError):
            response.fp.raw._sock.shutdown(socket.SHUT_RDWR)

    def clean(self) -> None:
        """Forget what was received so far."""
        for path in (self.stage, self.note):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _all_places(self) -> None:
        if self.place.is_file() and self.place.stat().st_size == self.part.bytes:
            if self._digest(self.place).hexdigest() == self.part.sha256:
                self.received = self.part.bytes
                return
            self.place.unlink()
        problems: dict[str, str] = {}
        for url in self.part.urls:
            for _ in range(_TRIES):
                try:
                    self._receive(url)
                    return
                except web.BrokenError as error:
                    if isinstance(error, web.CannotContinueError):
                        self.clean()
                    problems[web.host(url)] = str(error)
                    if self._stop.wait(self.patience.pause):
                        return
                except web.WrongError as error:
                    problems[web.host(url)] = str(error)
                    break
                if self._stop.is_set():
                    return
        raise self._refused(problems)

    def _refused(self, problems: dict[str, str]) -> DataError:
        kept = self.stage.stat().st_size if self.stage.is_file() else 0
        told = "; ".join(f"{host}: {problem}" for host, problem in problems.items())
        hint = "Check the connection and try again" + (
            f"; {storage.size_text(kept)} of {storage.size_text(self.part.bytes)} are kept." if kept else "."
        )
        return DataError(f"{self.part.name} could not be downloaded. {told}.", hint, self.place)

    def _receive(self, url: str) -> None:
        """Everything that is missing, from one address."""
        have, digest = self._kept(url)
        self._check_space(self.part.bytes - have)
        with self._open(url, have) as response:
            self._response = response
            if self._stop.is_set():
                return
            if response.status == 200 and have:
                have, digest = 0, hashlib.sha256()
            self._check_length(response, have)
            self._write_note(url, response)
            self._copy(response, have, digest)
        if self._stop.is_set():
            return
        if digest.hexdigest() != self.part.sha256:
            self.clean()
            raise web.WrongError("the file has changed (its SHA-256 differs)")
        self.stage.replace(self.place)
        self.clean()

    def _kept(self, url: str) -> tuple[int, Any]:
        """How much of this file is here already, and its digest so far."""
        if not self.stage.is_file() or not 0 < self.stage.stat().st_size < self.part.bytes:
            self.clean()
            return 0, hashlib.sha256()
        digest = self._digest(self.stage)
        return self.received, digest

    def _digest(self, path: Path) -> Any:
        digest, self.received = hashlib.sha256(), 0
        with path.open("rb") as file:
            while (block := file.read(1 << 20)) and not self._stop.is_set():
                digest.update(block)
                self.received += len(block)
        return digest

    def _open(self, url: str, have: int) -> Any:
        validator = None
        if have and (note := small_json(self.note)).get("url") == url and isinstance(note.get("validator"), str):
            validator = note["validator"]
        return web.get(url, have, validator, self.patience.timeout)

    def _check_length(self, response: Any, have: int) -> None:
        """What the server says it will send must complete the promised size."""
        if response.status == 206:
            told = response.headers.get("Content-Range", "")
            if told.replace(" ", "") != f"bytes{have}-{self.part.bytes - 1}/{self.part.bytes}":
                self.clean()
                raise web.BrokenError("it resumed the file at the wrong position")
        elif response.status != 200:
            raise web.WrongError(f"it answered with status {response.status}")
        told = response.headers.get("Content-Length")
        if told is not None and told.isdigit() and int(told) != self.part.bytes - have:
            self.clean()
            raise web.WrongError(
                f"the file there has {int(told) + have:,} bytes instead of the expected {self.part.bytes:,}"
            )

    def _write_note(self, url: str, response: Any) -> None:
        """What the server calls this version of the file, so that no other one is appended to it."""
        tag = response.headers.get("ETag", "")
        validator = tag if tag.startswith('"') else response.headers.get("Last-Modified")
        self.note.write_text(json.dumps({"url": url, "validator": validator}), "utf-8")

    def _copy(self, response: Any, have: int, digest: Any) -> None:
        self.received, checked = have, have
        with self.stage.open("ab" if have else "wb") as file:
            while not self._stop.is_set() and (block := self._read(response)):
                if self.received + len(block) > self.part.bytes:
                    file.close()
                    self.clean()
                    raise web.WrongError(f"it sends more than the expected {self.part.bytes:,} bytes")
                file.write(block)
                digest.update(block)
                self.received += len(block)
                if self.received - checked >= _SPACE_EVERY:
                    checked = self.received
                    self._check_space(self.part.bytes - self.received)
        if self.received < self.part.bytes and not self._stop.is_set():
            raise web.BrokenError(f"the connection ended after {storage.size_text(self.received)}")

    def _read(self, response: Any) -> bytes:
        try:
            return bytes(response.read1(_BLOCK))
        except TimeoutError:
            raise web.BrokenError(f"no data arrived for {self.patience.timeout:g} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise web.BrokenError(f"the connection was lost ({web.words(error)})") from None

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.place.parent).free
        if free < needed + SPARE:
            self.clean()
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise storage.storage_error(full, self.place, needed + SPARE)


def _number(path: Path) -> int:
    """The process that a lock names; our own where it names none, which a moment ago made it."""
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text("ascii"))
    return os.getpid()
