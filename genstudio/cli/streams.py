"""Standard output and standard error as they are found: closed, full, or in an encoding that lacks letters."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any

from genstudio.errors import GenstudioError

_REPLACE = "genstudio.replace"


class OutputError(GenstudioError):
    """Standard output takes no text."""


class _Guarded:
    """A stream, or None where it is closed. A `strict` one raises OutputError for what it does not take, others drop it."""

    def __init__(self, stream: Any, strict: bool) -> None:
        self.stream, self._strict = stream, strict
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_REPLACE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def isatty(self) -> bool:
        return self.stream is not None and self.stream.isatty()

    def write(self, text: str) -> int:
        if self.stream is None:
            self._failed("is closed")
        else:
            with self._translated():
                self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        if self.stream is not None:
            with self._translated():
                self.stream.flush()

    def discard(self) -> None:
        """Nothing that waits in the stream is written any more, not even when the program ends."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._strict:
                self.discard()
            elif isinstance(error, BrokenPipeError):
                raise
            else:
                self._failed(f"cannot be written: {error.strerror}", error)

    def _failed(self, why: str, cause: OSError | None = None) -> None:
        if self._strict:
            raise OutputError(f"Standard output {why}.", "Redirect it elsewhere and try again.") from cause


@contextlib.contextmanager
def guarded() -> Iterator[_Guarded]:
    """Within, text goes out with replacements for what the encoding lacks, and standard error never raises."""
    codecs.register_error(_REPLACE, _replaced)
    _fill()
    out = _Guarded(sys.stdout, True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(_Guarded(sys.stderr, False)):
        yield out


def _fill() -> None:
    """No file that is opened later takes the place of a standard stream that is closed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """A byte of a file name that is no text goes out as it is; a character that cannot be written as a question mark."""
    assert isinstance(error, UnicodeEncodeError)
    code = ord(error.object[error.start])
    return bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else "?", error.start + 1
