"""Reading text files that somebody else made."""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from genstudio.errors import DataError

_BLOCK = 1 << 20
_SAVE_AS = "Open it in a text editor and save it as UTF-8."
_BOM = "\ufeff"


def normalised(path: Path) -> Iterator[tuple[float, bytes]]:
    """Fraction read and the next piece of a UTF-8 text file, without byte-order mark and with LF line ends.

    Raises DataError for what cannot be read or is no text; for UTF-8 errors it names the offset of the byte.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    consumed, first = 0, True
    with _opened(path) as file:
        size = max(os.fstat(file.fileno()).st_size, 1)
        while True:
            block = _read(file, path)
            _refuse_binary(block, consumed, path)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                pending = len(error.object) - len(block)
                offset = consumed - pending + error.start
                raise DataError(
                    f"The file is not UTF-8: byte {offset} (0x{error.object[error.start]:02x}) fits no character.",
                    _SAVE_AS,
                    path,
                ) from None
            consumed += len(block)
            if first and text:
                text, first = text.removeprefix(_BOM), False
            piece = newlines.decode(text, final=not block).encode("utf-8")
            if piece:
                yield min(1.0, consumed / size), piece
            if not block:
                return


def _opened(path: Path) -> IO[bytes]:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DataError("This is a folder, not a text file.", "Choose a file in it.", path)
        if not stat.S_ISREG(mode):
            raise DataError("This is not an ordinary file.", "Choose a text file.", path)
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Check its name and folder.", path) from None
    except PermissionError:
        raise DataError(f"{path} may not be read.", "Change its permissions, or copy it elsewhere.", path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read: {reason}.", "Check its name and folder.", path) from None


def _read(file: IO[bytes], path: Path) -> bytes:
    try:
        return file.read(_BLOCK)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", "Copy the file elsewhere and try again.", path
        ) from None


def _refuse_binary(block: bytes, consumed: int, path: Path) -> None:
    if not consumed and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise DataError("The file is UTF-16 or UTF-32, not UTF-8.", _SAVE_AS, path)
    place = block.find(b"\0")
    if place >= 0:
        raise DataError(
            f"This is a binary file, not text: byte {consumed + place} is zero.",
            "Choose a text file. If it is text, it may be UTF-16: save it as UTF-8.",
            path,
        )
